"""What a run did, as tables: prices, liquidations by step, funds, margin calls, who paid.

Reads events and the engine's state, writes nothing back. Figures for people: floats in whole units
of the numeraire (coin amounts at the index of the moment); the exact integers stay in the journal.
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from seawall.engine import events as ev
from seawall.engine.commands import AnyCommand
from seawall.engine.engine import Engine
from seawall.engine.state import BACKSTOP, HOUSE_ACCOUNTS, INSURANCE, MARKET, SHORTFALL, WORTH, State
from seawall.lab.venue import SimulatedVenue, asset_of
from seawall.ledger.trade import notional, trade_value
from seawall.margin.statement import book_health

Floats = NDArray[np.float64]
STEP_OF = {"liquidation": "reduce", "auction": "auction", "takeover": "takeover", "adl": "adl"}
WORST = ("untouched", "margin_called", "adl", "liquidated", "taken_over", "bankrupt")


class Figures(msgspec.Struct, frozen=True, eq=False):
    """What a run came to, as plain values that can cross to another process."""

    rows: dict[str, list[tuple[Any, ...]]]
    flow: dict[tuple[int, str, str, str], list[float]]
    by_account: dict[int, dict[str, float]]
    shared: Floats
    outcome: dict[int, int]
    totals: dict[str, float]
    counts: dict[str, int]
    adl_accounts: int
    after: Floats
    digest: str


class TableRecorder:
    """Collects one run. `run` is "with" or "without" feedback."""

    def __init__(self, run: str, engine_state: State) -> None:
        self.run, self.state = run, engine_state
        self.rows: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
        self.flow: dict[tuple[int, str, str, str], list[float]] = defaultdict(lambda: [0.0, 0.0])
        self.by_account: dict[int, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        self.outcome: dict[int, int] = defaultdict(int)
        self.totals: dict[str, float] = defaultdict(float)
        self.counts: dict[str, int] = defaultdict(int)
        self.adl_accounts: set[int] = set()
        # What never changes, looked up once: a step of a long path should cost microseconds.
        rules = engine_state.rulebook
        self._marked = [
            (row, instrument.name, float(instrument.tick_units), asset_of(instrument))
            for row, instrument in enumerate(engine_state.instruments)
        ]
        self._atoms_per_unit = [asset.atoms_per_unit for asset in rules.assets]
        self._numeraire = engine_state.asset_row[rules.margin.numeraire]
        self._priced_by = [price_rows(engine_state, row) for row in range(len(rules.assets))]
        self.shared: Floats = np.zeros(0)  # socialised loss by account

    # -- recorder ------------------------------------------------------------------------------------------

    def record(self, command: AnyCommand, events: tuple[ev.AnyEvent, ...]) -> None:
        self.counts["commands"] += 1
        self.counts["events"] += len(events)
        for event in events:
            reader = _READERS.get(type(event))
            if reader is not None:
                reader(self, event)

    def step_done(self, engine: Engine, venue: SimulatedVenue, time_ns: int) -> None:
        outside = dict(zip(venue.assets, venue.outside_usd()))
        marks, rows = engine.state.market.mark.tolist(), self.rows["prices"]
        for row, name, tick_units, asset in self._marked:
            if marks[row] and outside.get(asset, 0.0):
                rows.append((time_ns, name, marks[row] * tick_units, outside[asset]))
        self.rows["funds"].append(
            (
                time_ns,
                self.run,
                self._pot_worth(INSURANCE),
                self._pot_worth(BACKSTOP),
                max(-self._pot_worth(SHORTFALL), 0.0),
                self.totals["socialised"],
            )
        )

    def figures(self) -> Figures:
        """Everything collected, with the accounts' worth and the state's digest as they are now."""
        shared = np.zeros(len(self.state.account_pot))
        shared[: len(self.shared)] = self.shared
        return Figures(
            rows=defaultdict(list, self.rows),
            flow=dict(self.flow),
            by_account={account: dict(row) for account, row in self.by_account.items()},
            shared=shared,
            outcome=dict(self.outcome),
            totals=defaultdict(float, self.totals),
            counts=defaultdict(int, self.counts),
            adl_accounts=len(self.adl_accounts),
            after=account_worth(self.state),
            digest=self.state.digest().hex(),
        )

    # -- helpers -------------------------------------------------------------------------------------------

    def units(self, asset: int, atoms: int) -> float:
        """Atoms of an asset in whole numeraire units, at the present index."""
        coins = atoms / self._atoms_per_unit[asset]
        if asset == self._numeraire:
            return coins
        return coins * _first_price(self.state, self._priced_by[asset])

    def _pot_worth(self, pot: int) -> float:
        state = self.state
        balances = enumerate(state.book.balances[pot].tolist())
        # fsum: Python 3.12 began to compensate sum() of floats, and the tables are to be the same everywhere.
        total = math.fsum([self.units(asset, atoms) for asset, atoms in balances if atoms])
        for slot in state.book.positions(pot):
            row, lots = int(state.book.pos_instrument[slot]), int(state.book.pos_lots[slot])
            mark = int(state.market.mark[row])
            if lots and mark:
                profit = trade_value(state.instruments[row], lots, mark) - int(state.book.pos_cost[slot])
                total += self.units(state.settle_row[row], profit)
        return total

    def account(self, pot: int) -> int:
        return int(self.state.book.pot_account[pot])

    def reached(self, pot: int, outcome: str) -> None:
        account = self.account(pot)
        self.outcome[account] = max(self.outcome[account], WORST.index(outcome))


def price_rows(state: State, asset: int) -> list[tuple[int, float]]:
    """Instruments whose index prices an asset in the numeraire, the first that has one; with their ticks."""
    name = state.rulebook.assets[asset].name
    via = state.rulebook.margin.collateral.get(name)
    named = [i for i in state.instruments if (i.name == via if via else i.base == name)]
    return [(state.instrument_row[i.name], float(i.tick_units)) for i in named]


def _first_price(state: State, rows: list[tuple[int, float]]) -> float:
    for row, tick_units in rows:
        index_ticks = int(state.market.index_price[row])
        if index_ticks:
            return index_ticks * tick_units
    return 0.0


def asset_price(state: State, asset: int) -> float:
    """Index of the asset in the numeraire; 0 where it has none yet."""
    return _first_price(state, price_rows(state, asset))


def account_worth(state: State) -> Floats:
    """Worth of every account at the marks, in numeraire units; NaN where a price is unknown."""
    pots = np.arange(HOUSE_ACCOUNTS, state.book.n_pots, dtype=np.int64)
    equity, _, unknown = book_health(state.book, state.margin, state.market, pots, WORTH)
    worth = np.zeros(len(state.account_pot))
    unit_value = np.array(
        [
            asset_price(state, a) if asset.name != state.rulebook.margin.numeraire else 1.0
            for a, asset in enumerate(state.rulebook.assets)
        ]
    )
    atoms = np.array([asset.atoms_per_unit for asset in state.rulebook.assets], np.float64)
    unit = state.book.pot_unit[pots]
    value = equity[0] / atoms[unit] * unit_value[unit]
    value[unknown[0] >= 0] = np.nan
    np.add.at(worth, state.book.pot_account[pots], value)
    return worth


def account_notional(state: State) -> Floats:
    """Sum of |notional| per account at the marks, in numeraire units."""
    book, total = state.book, np.zeros(len(state.account_pot))
    for row, instrument in enumerate(state.instruments):
        mark = int(state.market.mark[row])
        if not mark:
            continue
        lots = book.pos_lots[: book.n_positions].astype(np.float64)
        mine = (book.pos_instrument[: book.n_positions] == row) & (book.pos_pot[: book.n_positions] >= 0)
        per_lot = float(instrument.lot_units) * (
            1.0 if instrument.kind.inverse else mark * float(instrument.tick_units)
        )
        np.add.at(
            total, book.pot_account[book.pos_pot[: book.n_positions][mine]], np.abs(lots[mine]) * per_lot
        )
    return total


def _traded(self: TableRecorder, event: ev.Traded) -> None:
    if event.kind not in STEP_OF:
        return
    state, row = self.state, event.instrument
    settle, instrument = state.settle_row[row], state.instruments[row]
    closed = (
        event.legs[0] if event.kind != "liquidation" else next(leg for leg in event.legs if leg.pot != MARKET)
    )
    size = self.units(settle, notional(instrument, closed.size_lots, event.price_ticks))
    side = "long" if closed.size_lots < 0 else "short"
    if event.kind == "liquidation" and closed.pot == BACKSTOP:
        self.totals["unwound"] += size
        return
    cell = self.flow[(event.time_ns, instrument.name, STEP_OF[event.kind], side)]
    cell[0] += size
    cell[1] += 1
    self.by_account[self.account(closed.pot)]["liquidated"] += size
    self.totals["liquidated_total"] += size
    if event.kind == "adl":
        self.totals["adl_notional"] += size
        mark = int(state.market.mark[row])
        for leg in event.legs[1:]:
            # What the winner gave up: closing at the ADL price instead of the mark.
            lost = trade_value(instrument, -leg.size_lots, mark) - trade_value(
                instrument, -leg.size_lots, event.price_ticks
            )
            given = self.units(settle, lost)
            # At the bankruptcy price of a pot that is still worth something the other side gains.
            self.totals["adl_haircut" if given > 0 else "adl_gained"] += abs(given)
            self.by_account[self.account(leg.pot)]["adl"] += given
            self.adl_accounts.add(self.account(leg.pot))
            self.reached(leg.pot, "adl")


def _transferred(self: TableRecorder, event: ev.Transferred) -> None:
    if event.kind in ("fee", "liquidation fee"):
        first = event.entries[0]
        self.by_account[self.account(first.pot)]["fees"] -= self.units(first.asset, first.amount_atoms)
        if event.kind == "liquidation fee":
            self.totals["liquidation_fees"] -= self.units(first.asset, first.amount_atoms)
    elif event.kind in ("insurance", "backstop pays", "shortfall"):
        self.totals[event.kind] += self.units(event.entries[1].asset, event.entries[1].amount_atoms)


def _called(self: TableRecorder, event: ev.MarginCalled) -> None:
    self.counts["margin_calls"] += 1
    self.reached(event.pot, "margin_called")
    _call_row(self, event, "issued")


def _cured(self: TableRecorder, event: ev.MarginCallCured) -> None:
    self.counts["cured"] += 1
    _call_row(self, event, "cured")


def _call_row(self: TableRecorder, event: ev.MarginCalled | ev.MarginCallCured, kind: str) -> None:
    unit = int(self.state.book.pot_unit[event.pot])
    self.rows["calls"].append(
        (
            event.time_ns,
            self.run,
            self.account(event.pot),
            self.units(unit, event.equity_atoms),
            self.units(unit, event.requirement_atoms),
            kind,
        )
    )


def _started(self: TableRecorder, event: ev.LiquidationStarted) -> None:
    self.counts["liquidations"] += 1
    self.reached(event.pot, "liquidated")


def _taken_over(self: TableRecorder, event: ev.TakenOver) -> None:
    self.counts["takeovers"] += 1
    self.totals["takeover_equity"] += self.units(int(self.state.book.pot_unit[event.pot]), event.equity_atoms)
    self.reached(event.pot, "taken_over")


def _bankrupt(self: TableRecorder, event: ev.Bankrupt) -> None:
    if event.deficit_atoms > 0:
        self.counts["bankruptcies"] += 1
        self.totals["bad_debt"] += self.units(event.asset, event.deficit_atoms)
        self.reached(event.pot, "bankrupt")


def _tier(self: TableRecorder, event: ev.TierPassed) -> None:
    self.totals[f"tier {event.kind}"] += self.units(event.asset, event.paid_atoms)


def _socialised(self: TableRecorder, event: ev.LossSocialised) -> None:
    self.totals["socialised"] += self.units(event.asset, event.loss_atoms)
    pots, amounts = np.frombuffer(event.pots, "<i8"), np.frombuffer(event.amounts_atoms, "<i8")
    paying = (amounts < 0) & (pots >= HOUSE_ACCOUNTS)
    accounts = self.state.book.pot_account[pots[paying]]
    if len(self.shared) < len(self.state.account_pot):
        self.shared = np.zeros(len(self.state.account_pot))
    np.add.at(self.shared, accounts, -amounts[paying] * self.units(event.asset, 10**6) / 10**6)


def _unknown(self: TableRecorder, event: ev.AccountUnknown) -> None:
    self.counts["unknown_accounts"] += 1


def _halted(self: TableRecorder, event: ev.VenueHalted) -> None:
    self.counts["halted"] += 1


_READERS: dict[type, Any] = {
    ev.Traded: _traded,
    ev.Transferred: _transferred,
    ev.MarginCalled: _called,
    ev.MarginCallCured: _cured,
    ev.LiquidationStarted: _started,
    ev.TakenOver: _taken_over,
    ev.Bankrupt: _bankrupt,
    ev.TierPassed: _tier,
    ev.LossSocialised: _socialised,
    ev.AccountUnknown: _unknown,
    ev.VenueHalted: _halted,
}
