"""The whole state of a venue: book, prices, orders, ladders, gates. Written by `engine.apply` alone.

Columns are int64 NumPy arrays (see ledger.columns for the book), small parts are Python values.
Amounts atoms, sizes lots, prices ticks, times ns. `to_bytes` is canonical: the same state gives
the same bytes on every machine, and `digest` is SHA-256 over them.
"""

from __future__ import annotations

import hashlib
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from seawall.engine.demands import Demands
from seawall.instruments.model import Instrument
from seawall.kernels import layout
from seawall.ledger.columns import NONE, Book
from seawall.liquidation.tiers import AdlTier
from seawall.margin.compiled import MarketView, compile_margin, demand_levels
from seawall.margin.rules import Level, MarginRules, Weight, WeightTier
from seawall.market.oracle import Price, Seen
from seawall.market.transforms.pipeline import States, aside, states_from_bytes, states_to_bytes
from seawall.rulebooks.model import Rulebook
from seawall.units import PPB

EXTERNAL, CLEARING, FEES, INSURANCE, BACKSTOP, MARKET, SHORTFALL = range(7)
HOUSE_NAMES = ("external", "clearing", "fees", "insurance", "backstop", "market", "shortfall")
HOUSE_ACCOUNTS = len(HOUSE_NAMES)
WORTH = "~worth"  # internal level: everything at its mark, no haircut, no requirement

MINUTE_NS = 60_000_000_000
POOL_MINUTES = 480  # peaks of the insurance fund are kept for 8 h (Bybit's window)

FLAG_UNKNOWN, FLAG_CALLED, FLAG_LIQUIDATING = 1, 2, 4


class Order(msgspec.Struct, array_like=True):
    """A resting or liquidation order; `size_lots` is what is left, signed.

    `heir` is the pot whose fills these are now: the pot itself, or the vault once the pot was resolved.
    """

    pot: int
    instrument: int
    size_lots: int
    price_ticks: int
    reduce_only: bool = False
    liquidation: bool = False
    step: int = -1
    heir: int = NONE
    recalled: bool = False


class Proposal(msgspec.Struct, array_like=True):
    by: str
    rulebook: bytes
    not_before_ns: int
    approvals: list[str]
    proposed_ns: int = 0


class ExpiryQuoted(msgspec.Struct, array_like=True, frozen=True):
    """Last words on one expiry of an asset's options; money 1e-9 quote units."""

    forward_e9: int
    fixed_e9: int
    rate_ppb: int
    confidence_ppb: int
    observed_ns: int


class Auction(msgspec.Struct, array_like=True):
    """An account in auction: since when, and what earlier bidders' cash keeps out of it."""

    opened_ns: int
    solvent: bool
    reserved_atoms: int = 0


class Accrued(msgspec.Struct, array_like=True, frozen=True):
    """Borrowing of an asset: when interest was last booked, and what one unit has grown to by then."""

    at_ns: int
    index_e15: int


class PotStatus(msgspec.Struct, array_like=True):
    """Ladder of one pot under a margin call or liquidation.

    `exit_level` ends it ("" = the rulebook's exit); `instrument` and `lots` are its largest position at the
    start, whose market a loss is shared over when nothing of it is left; `lots` keeps the sign only.
    """

    step: int = 0
    attempts: int = 0
    cooldown_ns: int = 0
    order: int = 0
    deadline_ns: int = 0
    cause_seq: int = 0
    exit_level: str = ""
    instrument: int = NONE
    lots: int = 0


class Pool(msgspec.Struct, array_like=True):
    """Recent past of the insurance fund in one asset, for ADL by drawdown. Empty unless the rulebook asks.

    `peaks` has (minute, highest profit, highest balance) of every minute in which the fund changed, within
    the window; the value before the change counts into that minute, for it stood there.
    """

    injected_atoms: int = 0
    balance_atoms: int = 0
    active: bool = False
    peaks: list[tuple[int, int, int]] = []


class State:
    """Everything the engine knows. Build with a rulebook; restore with `from_bytes`."""

    def __init__(self, rulebook: Rulebook) -> None:
        self.seq = 0
        self.time_ns = 0
        self.halted = ""
        self.orders: dict[int, Order] = {}
        self.pot_orders: dict[int, list[int]] = {}  # resting orders by pot
        self.sent_orders: dict[int, list[int]] = {}  # liquidation orders still out, by heir
        self.ladders: dict[int, PotStatus] = {}  # pots called or liquidating
        self.auctions: dict[int, Auction] = {}  # by pot
        self.interest: dict[int, Accrued] = {}  # by asset
        self.gates: dict[tuple[str, int], int] = {}  # (action, instrument or -1) -> until_ns
        self.proposals: dict[int, Proposal] = {}
        self.owners: dict[int, str] = {}  # subaccounts that name an owner
        self.next_liquidation_order = 1 << 40
        # engine.sieve.Sieve, or None: look at everybody. A cache: no event depends on it.
        self.sieve: Any = None
        count, assets = len(rulebook.instruments), len(rulebook.assets)
        self.book = Book(assets, count, demands=len(demand_levels(rulebook.margin)))
        self.vols_ppb, self.vols_ns = [0] * count, [0] * count
        self.expiries: dict[tuple[str, int], ExpiryQuoted] = {}  # by asset and expiry
        self.use_rulebook(rulebook)
        self.flags: NDArray[np.uint8] = np.zeros(64, np.uint8)
        self.account_pot: list[int] = []
        self.prices = [Price() for _ in range(count)]
        self.sources = [[Seen() for _ in self.policies[i].sources] for i in range(count)]
        self.transforms: dict[int, States] = {}  # by instrument: what its price's transforms remember
        self.previous_mark = np.zeros(count, np.int64)
        self.last_trade = [0] * count
        self.settled: list[int] = []
        self.marks: list[list[tuple[int, int]]] = [
            [] for _ in range(count)
        ]  # (time, mark) within the longest breaker window
        self.market = MarketView(count)
        self.lots_sum = np.zeros(count, np.int64)
        self.cost_sum = np.zeros(count, np.int64)
        self.balance_sum = np.zeros(assets, np.int64)
        self.haircut_ppb = [0] * assets
        for account in range(HOUSE_ACCOUNTS):
            self.account_pot.append(self.book.add_pot(account=account, unit=self.numeraire))
        for role, funds in (
            (INSURANCE, rulebook.funds.insurance_atoms),
            (BACKSTOP, rulebook.funds.backstop_atoms),
        ):
            for name, atoms in sorted(funds.items()):
                self.book.balances[role, self.asset_row[name]] += atoms
                self.book.balances[EXTERNAL, self.asset_row[name]] -= atoms
        self.pools = [
            Pool(injected_atoms=atoms, balance_atoms=atoms)
            for atoms in (int(self.book.balances[INSURANCE, row]) for row in range(assets))
        ]

    def use_rulebook(self, rulebook: Rulebook) -> None:
        """Compile the rules; also the hidden level that values a pot without haircut."""
        self.rulebook = rulebook
        self.sha256 = rulebook.sha256  # once: the properties encode the whole rulebook each time
        self.tag = f"{rulebook.name}@{rulebook.effective}#{self.sha256[:8]}"
        self.price_rules = [f"{self.tag} prices.{instrument.name}" for instrument in rulebook.instruments]
        self.marks_window_ns = max(
            (b.window_ns for b in rulebook.safeguards.breakers if b.when == "mark_move"), default=0
        )
        drawdowns = (tier.drawdown for tier in rulebook.waterfall if isinstance(tier, AdlTier))
        self.drawdown = next((drawdown for drawdown in drawdowns if drawdown is not None), None)
        self.instruments: tuple[Instrument, ...] = rulebook.instruments
        self.asset_row = {asset.name: row for row, asset in enumerate(rulebook.assets)}
        self.instrument_row = {instrument.name: row for row, instrument in enumerate(rulebook.instruments)}
        self.numeraire = self.asset_row[rulebook.margin.numeraire]
        self.levels_nested = _nested(rulebook)
        # Instruments whose requirement rises with their open interest: no price need move for it.
        self.ramped = [
            row
            for row, instrument in enumerate(rulebook.instruments)
            if (margin := rulebook.margin.instruments.get(instrument.name))
            and any(schedule.oi_upper_lots for schedule in margin.schedules.values())
        ]
        self.settle_row = [self.asset_row[i.settle] for i in rulebook.instruments]
        self.places = {  # (instrument, source) by name -> their rows
            (instrument.name, source): (row, place)
            for row, instrument in enumerate(rulebook.instruments)
            for place, source in enumerate(rulebook.oracles[instrument.name].sources)
        }
        self.policies = [rulebook.oracles[i.name] for i in rulebook.instruments]
        pipelines = ((row, rulebook.pipeline(i.name)) for row, i in enumerate(rulebook.instruments))
        self.pipelines = {row: pipeline for row, pipeline in pipelines if pipeline}
        # (instrument, source) whose word is no price of the instrument but something its transforms ask for
        self.aside = {
            (row, self.policies[row].sources.index(name))
            for row, pipeline in self.pipelines.items()
            for name in aside(pipeline)
            if name in self.policies[row].sources
        }
        self.margin = compile_margin(rulebook.assets, rulebook.instruments, _with_worth(rulebook))
        listing = self.margin.view.listing
        # option -> the instrument whose index is its spot; -1 for others
        self.underlying_row: list[int] = listing[:, layout.INS_UNDERLYING].tolist()
        # engine.demands.Demands where a level asks a portfolio rule. A cache of what it asks of each pot.
        self.demands = Demands(rulebook) if rulebook.margin.portfolio is not None else None
        self.book.make_demands(len(demand_levels(rulebook.margin)))
        # asset -> the instrument whose index prices it, or -1
        self.priced_by: list[int] = self.margin.view.collateral[:, layout.AST_INSTRUMENT].tolist()

    # -- reading ------------------------------------------------------------------------------------------

    def cross_pot(self, account: int, asset: int) -> int:
        """The account's cross pot in which `asset` is held, or -1.

        Scope of the rulebook: one per account, or one per settlement asset.
        """
        pot = self.account_pot[account]
        if account < HOUSE_ACCOUNTS or self.rulebook.margin.scope == "account":
            return pot
        while pot != NONE and (self.book.pot_instrument[pot] != NONE or self.book.pot_unit[pot] != asset):
            pot = int(self.book.pot_next[pot])
        return pot

    def isolated_pot(self, account: int, instrument: int) -> int:
        pot = self.account_pot[account]
        while pot != NONE and self.book.pot_instrument[pot] != instrument:
            pot = int(self.book.pot_next[pot])
        return pot

    def pots_of(self, account: int) -> list[int]:
        pots, pot = [], self.account_pot[account]
        while pot != NONE:
            pots.append(pot)
            pot = int(self.book.pot_next[pot])
        return pots

    def gate_closed(self, action: str, instrument: int) -> int:
        """Time until which the action is forbidden here, 0 if it is not."""
        until = max(self.gates.get((action, instrument), 0), self.gates.get((action, NONE), 0))
        return until if until > self.time_ns else 0

    # -- bytes --------------------------------------------------------------------------------------------

    def to_bytes(self) -> bytes:
        """Canonical bytes of everything but the rulebook."""
        book, arrays = self.book, {}
        for name, _ in Book.POT_COLUMNS:
            arrays[name] = _bytes(getattr(book, name)[: book.n_pots])
        for name, _ in Book.POS_COLUMNS:
            arrays[name] = _bytes(getattr(book, name)[: book.n_positions])
        arrays["balances"] = _bytes(book.balances[: book.n_pots])
        arrays["flags"] = _bytes(self.flags[: book.n_pots])
        for name in ("previous_mark", "lots_sum", "cost_sum", "balance_sum"):
            arrays[name] = _bytes(getattr(self, name))
        for name in MarketView.COLUMNS:
            arrays[f"market_{name}"] = _bytes(getattr(self.market, name))
        parts = {name: getattr(self, name) for name in _PLAIN}
        parts.update(
            arrays=arrays,
            n_pots=book.n_pots,
            n_positions=book.n_positions,
            free=book.free_position,
            gates=sorted((a, i, t) for (a, i), t in self.gates.items()),
            expiries=sorted((a, e, quoted) for (a, e), quoted in self.expiries.items()),
            prices=self.prices,
            sources=self.sources,
            pools=self.pools,
            account_pot=self.account_pot,
            rulebook=self.sha256,
        )
        if self.transforms:  # no trace in the bytes of a venue without
            rows = sorted(self.transforms.items())
            parts["transforms"] = [(row, states_to_bytes(states)) for row, states in rows]
        if self.interest:
            parts["interest"] = sorted(self.interest.items())
        for name in _DICTS:
            parts[name] = sorted(getattr(self, name).items())
        return _ENCODER.encode(parts)

    @classmethod
    def from_bytes(cls, rulebook: Rulebook, data: bytes) -> State:
        """Rebuild exactly what `to_bytes` wrote. ValueError if it was written under another rulebook."""
        raw: dict[str, Any] = msgspec.msgpack.decode(data)
        state = cls(rulebook)
        if raw["rulebook"] != state.sha256:
            raise ValueError(
                f"state was written under rulebook {raw['rulebook'][:8]}, not {state.sha256[:8]}\n"
                "  Give the rulebook that was in force when it was written."
            )
        _check_sizes(raw, len(rulebook.assets))
        state.book = book = Book(
            len(rulebook.assets),
            len(rulebook.instruments),
            pots=max(raw["n_pots"], 1),
            positions=max(raw["n_positions"], 1),
            demands=state.book.demands,
        )
        book.n_pots, book.n_positions, book.free_position = raw["n_pots"], raw["n_positions"], raw["free"]
        arrays = raw["arrays"]
        for name, _ in Book.POT_COLUMNS:
            column = getattr(book, name)
            column[: book.n_pots] = np.frombuffer(arrays[name], column.dtype)
        for name, _ in Book.POS_COLUMNS:
            column = getattr(book, name)
            column[: book.n_positions] = np.frombuffer(arrays[name], column.dtype)
        book.balances[: book.n_pots] = np.frombuffer(arrays["balances"], np.int64).reshape(book.n_pots, -1)
        state.flags = np.frombuffer(arrays["flags"], np.uint8).copy()
        for name in ("previous_mark", "lots_sum", "cost_sum", "balance_sum"):
            setattr(state, name, np.frombuffer(arrays[name], np.int64).copy())
        state.market = MarketView(
            len(rulebook.instruments),
            **{name: np.frombuffer(arrays[f"market_{name}"], np.int64) for name in MarketView.COLUMNS},
        )
        for name in _PLAIN:
            setattr(state, name, raw[name])
        state.marks = [[(t, m) for t, m in row] for row in raw["marks"]]
        state.account_pot = list(raw["account_pot"])
        state.prices = [msgspec.convert(row, Price) for row in raw["prices"]]
        state.sources = [[msgspec.convert(row, Seen) for row in rows] for rows in raw["sources"]]
        state.transforms = {row: states_from_bytes(told) for row, told in raw.get("transforms", ())}
        state.pools = [msgspec.convert(row, Pool) for row in raw["pools"]]
        state.gates = {(a, i): t for a, i, t in raw["gates"]}
        state.expiries = {(a, e): msgspec.convert(quoted, ExpiryQuoted) for a, e, quoted in raw["expiries"]}
        state.interest = {row: msgspec.convert(told, Accrued) for row, told in raw.get("interest", ())}
        for name, kind in _DICTS.items():
            setattr(state, name, {key: msgspec.convert(value, kind) for key, value in raw[name]})
        return state

    def digest(self) -> bytes:
        """SHA-256 of `to_bytes`: equal digests mean equal states."""
        return hashlib.sha256(self.to_bytes()).digest()

    def describe_pot(self, pot: int) -> dict[str, Any]:
        """A pot in names and numbers, for messages and differences."""
        book = self.book
        return {
            "pot": pot,
            "account": int(book.pot_account[pot]),
            "flags": int(self.flags[pot]),
            "balances": {
                a.name: int(book.balances[pot, row])
                for row, a in enumerate(self.rulebook.assets)
                if book.balances[pot, row]
            },
            "positions": {
                self.instruments[int(book.pos_instrument[s])].name: (
                    int(book.pos_lots[s]),
                    int(book.pos_cost[s]),
                )
                for s in book.positions(pot)
            },
            "ladder": msgspec.structs.asdict(self.ladders[pot]) if pot in self.ladders else None,
        }


_PLAIN = (
    "seq",
    "time_ns",
    "halted",
    "next_liquidation_order",
    "last_trade",
    "settled",
    "marks",
    "haircut_ppb",
    "vols_ppb",
    "vols_ns",
)
_DICTS: dict[str, Any] = {
    "orders": Order,
    "pot_orders": list[int],
    "sent_orders": list[int],
    "ladders": PotStatus,
    "auctions": Auction,
    "proposals": Proposal,
    "owners": str,
}
_ENCODER = msgspec.msgpack.Encoder(order="deterministic")


def _check_sizes(raw: dict[str, Any], assets: int) -> None:
    """ValueError unless the columns hold what the counts say: no room is made for rows that are not there."""
    pots = [*Book.POT_COLUMNS, ("balances", np.dtype((np.int64, (assets,)))), ("flags", np.uint8)]
    for count_name, columns in (("n_pots", pots), ("n_positions", list(Book.POS_COLUMNS))):
        count = raw[count_name]
        for name, kind in columns:
            held, width = len(raw["arrays"][name]), np.dtype(kind).itemsize
            if type(count) is not int or count < 0 or held != count * width:
                raise ValueError(
                    f"state: column {name} has {held} bytes, {count_name} = {count} rows take {width} each\n"
                    "  It was altered: use another snapshot, or recover from the journal's genesis."
                )


def _bytes(column: NDArray[Any]) -> bytes:
    return np.ascontiguousarray(column).astype(column.dtype.newbyteorder("<"), copy=False).tobytes()


def _nested(rulebook: Rulebook) -> bool:
    """Does meeting the margin-call level imply meeting the cure level, and that the trigger?

    Only told from levels that differ in nothing but their factor and floor; otherwise each is computed.
    """
    rules, call = rulebook.margin, rulebook.liquidation.margin_call
    if call is None:
        return False
    chain = [rules.level(name) for name in (call.level, call.cure_level, rulebook.liquidation.trigger)]
    alike = {msgspec.structs.replace(level, name="", factor_ppb=0, min_notional_ppb=0) for level in chain}
    falling = all(
        a.factor_ppb >= b.factor_ppb and a.min_notional_ppb >= b.min_notional_ppb for a, b in pairwise(chain)
    )
    return len(alike) == 1 and falling


def _simple(rules: MarginRules, name: str) -> int:
    """How many instruments this schedule asks tiers of the notional at the mark for, and nothing else."""
    found = [margin.schedules[name] for margin in rules.instruments.values() if name in margin.schedules]
    tiers = [s for s in found if s.kind == "tiers" and s.basis == "mark"]
    return sum(not (s.oi_upper_lots or s.use_leverage) for s in tiers)


def _with_worth(rulebook: Rulebook) -> MarginRules:
    """Add the hidden weight set and level under which every asset counts in full and nothing is required."""
    rules = rulebook.margin
    full = {
        asset.name: Weight(tiers=(WeightTier(floor_atoms=0, weight_ppb=PPB),)) for asset in rulebook.assets
    }
    # Nothing is required, so any schedule will do: the one that the kernels value most quickly.
    names = sorted({name for margin in rules.instruments.values() for name in margin.schedules})
    schedule = max(names, key=lambda name: _simple(rules, name), default=rules.levels[0].schedule)
    level = Level(name=WORTH, schedule=schedule, factor_ppb=0, weights=WORTH)
    return msgspec.structs.replace(
        rules, weights={**rules.weights, WORTH: full}, levels=(*rules.levels, level)
    )
