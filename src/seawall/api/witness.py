"""What a run of loans came to, and which signatures of failure could be seen in it when.

At the end of every step the figures that the detectors know are taken from the engine and from the outside
prices (watch.detectors); the first step at which a detector fires is kept. Amounts dollars (floats).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from seawall.engine import commands as cmd
from seawall.engine import events as ev
from seawall.engine.decide.measure import convert, pot_health
from seawall.engine.engine import Engine
from seawall.engine.state import HOUSE_ACCOUNTS, WORTH, State
from seawall.lab.loan_crash import LoanCrash, LoanOutcome
from seawall.margin.collateral_debt import WAD
from seawall.watch.detectors import Finding, watch

USUAL_MOVE = 0.01  # of a price between two steps: less is no move of the market


class Fired(msgspec.Struct, frozen=True):
    """A detector, how long after the start it first fired, and on what."""

    name: str
    after_s: float
    measured: float
    threshold: float


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of a run by name, what fired in time order, and the outcome itself."""

    figures: dict[str, float]
    fired: tuple[Fired, ...]
    outcome: LoanOutcome


class Witness:
    """A recorder. `given`: figures that only the record has; `wrong`: assets whose price was told wrong."""

    def __init__(self, given: Mapping[str, float], *, wrong: list[str], lead: str) -> None:
        self.given, self.wrong, self.lead = dict(given), wrong, lead
        self.told: dict[str, float] = {}
        self.first: dict[str, float] = {}  # outside prices at the start
        self.start_ns = -1
        self.fired: dict[str, Fired] = {}
        self.taken: dict[int, int] = {}  # collateral seized, atoms by asset
        self.taken_usd = self.collateral_usd = 0.0
        self.liquidated: dict[int, None] = {}
        self.span: tuple[int, int] | None = None  # of the first and the last seizure
        self.seizures = self.before = 0
        self.crash: LoanCrash | None = None

    def record(self, command: cmd.AnyCommand, events: tuple[ev.AnyEvent, ...]) -> None:
        for event in events:
            if type(event) is ev.Seized:
                self.seizures += 1
                self.liquidated[event.pot] = None
                self.span = (event.time_ns if self.span is None else self.span[0], event.time_ns)
                atoms = event.seized_atoms + event.fee_atoms
                self.taken[event.collateral] = self.taken.get(event.collateral, 0) + atoms
                assert self.crash is not None
                asset = self.crash.engine.state.rulebook.assets[event.collateral]
                self.taken_usd += self.crash.outside_usd[asset.name] * atoms / asset.atoms_per_unit

    def step_done(self, engine: Engine, venue: Any, time_ns: int) -> None:
        """Look at the step."""
        state = engine.state
        if self.start_ns < 0:
            self.start_ns = time_ns
            self.collateral_usd = _held_usd(state)
        assert self.crash is not None
        told, outside = _told(state), self.crash.outside_usd
        self.first = self.first or dict(outside)
        moved = max(abs(price / self.first[name] - 1.0) for name, price in outside.items())
        for name in self.wrong or list(told):
            figures = self._figures(state, told, name, moved)
            for finding in watch(figures).findings:
                self._keep(finding, time_ns)
        self.told, self.before = told, self.seizures

    def _keep(self, finding: Finding, time_ns: int) -> None:
        after = (time_ns - self.start_ns) / 1e9
        self.fired.setdefault(finding.name, Fired(finding.name, after, finding.measured, finding.threshold))

    def _figures(self, state: State, told: dict[str, float], name: str, moved: float) -> dict[str, float]:
        """The detectors' terms, and what only the record has."""
        assert self.crash is not None
        before, after = self.told.get(name, told[name]), told[name]
        market = self.crash.outside_usd.get(name, after)
        worst, bonus, owed = _worst(state)
        figures = {
            "oracle_before": before, "oracle_after": after, "market_price": market, "worst_ltv": worst,
            "bonus": bonus, "liquidations": float(self.seizures), "market_move": moved,
            "liquidations_now": float(self.seizures - self.before), "usual_move": USUAL_MOVE,
            "utilisation": _utilisation(state), "position_value": _largest(state, self.crash),
            "withdrawn": _usd_of(state, self.crash.seen["borrowed"]),
        }  # fmt: skip
        if depth := _depth_usd(self.crash, _bonus(state, [asset.name for asset in state.rulebook.assets])):
            figures["depth_value"] = depth
        if owed:
            figures["liquidatable"] = owed
        if abs(after / market - 1.0) > USUAL_MOVE:
            figures |= {"anomalies": 1.0, "venue_price": after}
        return figures | self.given

    def seen(self, crash: LoanCrash, outcome: LoanOutcome) -> Seen:
        """What it came to: call it when the run is over."""
        state = crash.engine.state
        usd = state.rulebook.asset(state.rulebook.margin.numeraire).atoms_per_unit
        gain = sum(outcome.profit_atoms.values()) / usd
        taken = self.taken_usd
        coins = sum(atoms / state.rulebook.assets[row].atoms_per_unit for row, atoms in self.taken.items())
        figures = {
            "deficit": outcome.deficit_atoms / usd, "repaid": outcome.repaid_atoms / usd,
            "penalty": outcome.penalty_atoms / usd, "suppliers": outcome.suppliers_atoms / usd,
            "uncovered": outcome.uncovered_atoms / usd, "visitors": outcome.visitors_atoms / usd,
            "gain": gain, "gain_in_lead": gain / self.first[self.lead], "seizures": float(outcome.seizures),
            "liquidated": float(len(self.liquidated)), "collateral": self.collateral_usd, "coins": coins,
            "minutes": 0.0 if self.span is None else (self.span[1] - self.span[0]) / 60e9,
            "bonus": taken - outcome.repaid_atoms / usd,
            "bonus_in_lead": (taken - outcome.repaid_atoms / usd) / self.first[self.lead],
            "taken": taken,
        }  # fmt: skip
        in_time = sorted(self.fired.values(), key=lambda one: one.after_s)
        return Seen(figures=figures, fired=tuple(in_time), outcome=outcome)


def _told(state: State) -> dict[str, float]:
    """Prices as the venue believes them, of assets that have one."""
    found = {}
    for name, priced_by in state.rulebook.margin.collateral.items():
        if priced_by in state.instrument_row:
            row = state.instrument_row[priced_by]
            ticks = state.prices[row].index_ticks
            if ticks:
                found[name] = ticks * float(state.instruments[row].tick_units)
    return found


def _usd(state: State, atoms: int, asset: int) -> float:
    unit = state.rulebook.assets[state.numeraire].atoms_per_unit
    return (convert(state, atoms, asset, state.numeraire) or 0) / unit


def _held_usd(state: State) -> float:
    """Collateral of whoever owes something."""
    held = 0.0
    for balances in state.book.balances[HOUSE_ACCOUNTS : state.book.n_pots].tolist():
        if min(balances) < 0:
            held += sum(_usd(state, atoms, row) for row, atoms in enumerate(balances) if atoms > 0)
    return held


def _worst(state: State) -> tuple[float, float, float]:
    """Of the loans that may be liquidated: the loan to value that is worst for its bonus, that bonus, and
    what is owed together."""
    unit = state.rulebook.assets[state.numeraire].atoms_per_unit
    worst, owed, names = (0.0, 0.0), 0.0, [asset.name for asset in state.rulebook.assets]
    for pot in sorted(state.ladders):
        balances = state.book.balances[pot].tolist()
        debt = sum(_usd(state, -atoms, row) for row, atoms in enumerate(balances) if atoms < 0)
        equity = pot_health(state, pot, WORTH)
        if debt and equity.known:
            owed += debt
            held = [name for name, atoms in zip(names, balances, strict=True) if atoms > 0]
            ltv = debt / max(debt + equity.equity_atoms / unit, 1e-9)
            worst = max(worst, (ltv, _bonus(state, held)), key=lambda one: one[0] * (1.0 + one[1]))
    return *worst, owed


def _bonus(state: State, held: list[str]) -> float:
    """The highest of what is held."""
    steps = [step.seize for step in state.rulebook.liquidation.steps]
    seized = [step.bonus_wad for step in steps if not isinstance(step, msgspec.UnsetType)]
    return max((one[name] / WAD - 1.0 for one in seized for name in held if name in one), default=0.0)


def _utilisation(state: State) -> float:
    """The highest share of what is supplied of an asset that is lent out."""
    most = 0.0
    for asset in state.rulebook.assets:
        if state.rulebook.curve(asset.name) is None:
            continue
        column = state.book.balances[HOUSE_ACCOUNTS : state.book.n_pots, state.asset_row[asset.name]]
        supplied, lent = float(column[column > 0].sum()), -float(column[column < 0].sum())
        most = max(most, min(lent / supplied, 1.0) if supplied else 0.0)
    return most


def _depth_usd(crash: LoanCrash, bonus: float) -> float:
    """What the thinnest pool trades until its price has moved by the bonus."""
    unit = crash.engine.state.rulebook.asset(crash.outside.numeraire).atoms_per_unit
    sides = [pool.reserve1_atoms / unit for pool in crash.outside.pools.values()]
    return min(sides, default=0.0) * ((1.0 + bonus) ** 0.5 - 1.0)


def _largest(state: State, crash: LoanCrash) -> float:
    """The largest holding of a coin by one account, at the price before anybody sells it."""
    most = 0.0
    for name in crash.outside.pools:
        row = state.asset_row[name]
        column = state.book.balances[HOUSE_ACCOUNTS : state.book.n_pots, row]
        if column.size:
            most = max(most, _usd(state, int(abs(column).max()), row))
    return most


def _usd_of(state: State, atoms: int) -> float:
    return atoms / state.rulebook.assets[state.numeraire].atoms_per_unit
