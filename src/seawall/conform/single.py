"""One position, asked what every venue prints: its margins, its liquidation and its bankruptcy price.

A `Case` is what a vector says, in decimals; `Single` puts it on a bench and reads the answers off statements
and the solver. A position alone is an isolated pot; where the account has others, they stand still in one
cross pot: a second market carries their maintenance and profit. Nothing here knows a formula. Prices are
found to a tick; `rounding` says which side of the crossing is printed.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Literal

import msgspec

from seawall.conform.bench import Bench, flat_rate, level, make_rulebook, perpetual
from seawall.conform.grid import Grid, inverse_grid, linear_grid
from seawall.conform.reading import rate_ppb
from seawall.engine.commands import SetLeverage
from seawall.errors import Unsupported
from seawall.instruments.model import Asset, Instrument
from seawall.ledger.trade import notional
from seawall.margin.compiled import tier_deductions
from seawall.margin.rules import Schedule, Tier
from seawall.margin.solve import Crossing

Rounding = Literal["safe", "up", "down"]
MONEY, MARKET, REST = "MONEY", "X", "REST"


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A position and its account, in units of the vector. Money is the quote, or the coin if inverse."""

    size: Fraction  # base units, or quote units of an inverse contract; positive
    entry: Fraction
    side: int = 1
    inverse: bool = False
    mark: Fraction | None = None  # where the market stands; the entry if not given
    deposit: Fraction | None = None  # the account's money; if not given, the initial margin
    leverage: Fraction | None = None
    initial: Fraction | None = None  # initial margin rate, beside or instead of a chosen leverage
    maintenance: Fraction = Fraction(0)  # rate
    deduction: Fraction = Fraction(0)  # of the maintenance bracket (Binance `cum`), money
    share: Fraction = Fraction(1)  # of the schedule that maintenance asks for
    basis: Literal["mark", "entry"] = "mark"
    taker: Fraction = Fraction(0)
    closing_fee: Literal["none", "mark", "bankruptcy"] = "none"
    other_maintenance: Fraction = Fraction(0)
    other_profit: Fraction = Fraction(0)
    reserved: Fraction = Fraction(0)  # money that orders lock
    tick: str = ""  # published price step; as fine as 64 bits allow if not given


def bracket(rate: int, deduction_atoms: int, before: tuple[Tier, ...] = ()) -> tuple[Tier, ...]:
    """Tiers that end in `rate` with this deduction, the floor found by asking the engine for deductions."""
    start = before or (Tier(floor_atoms=0, rate_ppb=0),)
    if not deduction_atoms and not before:
        return (Tier(floor_atoms=0, rate_ppb=rate),)

    def found(floor: int) -> int:
        return tier_deductions((*start, Tier(floor_atoms=floor, rate_ppb=rate)))[-1]

    low, high = 0, 2**62
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if found(middle) >= deduction_atoms else (middle, high)
    if found(high) != deduction_atoms:
        raise Unsupported(f"no bracket with rate {rate} ppb has the deduction {deduction_atoms} atoms")
    return (*start, Tier(floor_atoms=high, rate_ppb=rate))


class Single:
    """A case on the bench. Answers are exact fractions in the case's units."""

    def __init__(self, case: Case) -> None:
        self.case = case
        mark = case.mark or case.entry
        amounts = (
            case.deposit or 0,
            case.deduction,
            case.other_maintenance,
            case.other_profit,
            case.reserved,
        )
        make = inverse_grid if case.inverse else linear_grid
        money = [Fraction(amount) for amount in amounts]
        self.grid: Grid = make([case.size], [case.entry, mark], money, tick=case.tick)
        self.bench = Bench(self._rulebook())
        self.lots = case.side * self.grid.lots(case.size)
        self.pot = self._open(self.grid.ticks(case.entry), self.grid.ticks(mark))

    def _rulebook(self) -> Any:
        case, grid = self.case, self.grid
        money = Asset(name=MONEY, decimals=grid.decimals)
        market = perpetual(
            MARKET,
            money,
            lot=grid.lot,
            tick=grid.tick,
            inverse=case.inverse,
            taker_fee_ppb=rate_ppb(case.taker),
        )
        rest = perpetual(REST, money, lot="1", tick=_atom_text(grid.decimals))
        rates = [case.initial or Fraction(0)]
        if case.leverage and not self._chosen:
            rates.append(1 / case.leverage)
        maintenance = Schedule(
            basis=case.basis, tiers=bracket(rate_ppb(case.maintenance), grid.atoms(case.deduction))
        )
        initial = flat_rate(rate_ppb(max(rates)), basis=case.basis, use_leverage=True)
        other = Schedule(tiers=(Tier(floor_atoms=0, rate_ppb=0),), floor_atoms=self._other_atoms())
        flat = grid.atoms_up(case.reserved)
        return make_rulebook(
            assets=(money,),
            instruments=(market, rest),
            schedules={
                MARKET: {"initial": initial, "maintenance": maintenance},
                REST: {"maintenance": other},
            },
            levels=(
                level("initial"),
                level(
                    "maintenance",
                    factor_ppb=rate_ppb(case.share),
                    close_fee=case.closing_fee,
                    flat_atoms=flat,
                ),
                level("bankruptcy", schedule="none", flat_atoms=flat),
                level("bankruptcy after fee", schedule="none", close_fee="mark", flat_atoms=flat),
            ),
        )

    def _other_atoms(self) -> int:
        """The others' maintenance before the level's factor, which applies to every schedule."""
        return self.grid.atoms_up(self.case.other_maintenance / self.case.share)

    def _open(self, entry: int, mark: int) -> int:
        """Open everything at the entry, move the market to the mark; returns the pot."""
        case, bench = self.case, self.bench
        profit = self.grid.atoms(case.other_profit)
        rest = 2 * abs(profit) + 1
        alone = not (case.other_maintenance or case.other_profit)
        bench.price(**{MARKET: entry, REST: rest})
        account = bench.account()
        self._fund(account, self.grid.atoms(case.deposit or Fraction(0)), alone)
        if not alone:
            bench.trade(account, REST, 1, rest)
        if self._chosen:
            bench.give(SetLeverage, account=account, instrument=MARKET, leverage=self._chosen, isolated=alone)
        bench.trade(account, MARKET, self.lots, entry, isolated=alone)
        pot = bench.pot(account, MARKET if alone else "")
        if case.deposit is None:
            self._fund(account, bench.position(pot, "initial", MARKET).amount_atoms, alone)
        bench.price(**{MARKET: mark, REST: rest + profit})
        return pot

    def _fund(self, account: int, atoms: int, alone: bool) -> None:
        self.bench.deposit(account, atoms)
        if alone and atoms:
            self.bench.isolate(account, MARKET, atoms)

    @property
    def _chosen(self) -> int:
        """The chosen leverage if it is a whole number, as the engine takes it; 0 otherwise."""
        leverage = self.case.leverage
        return int(leverage) if leverage is not None and leverage.denominator == 1 else 0

    @property
    def instrument(self) -> Instrument:
        return self.bench.state.instruments[0]

    @property
    def value(self) -> Fraction:
        """Notional of the position at the mark."""
        mark = int(self.bench.state.market.mark[0])
        return self.grid.money(notional(self.instrument, self.lots, mark))

    @property
    def equity(self) -> Fraction:
        return self.grid.money(self.bench.statement(self.pot, "maintenance").equity_atoms)

    @property
    def profit(self) -> Fraction:
        return self.grid.money(self.bench.position(self.pot, "maintenance", MARKET).profit_atoms)

    @property
    def deduction(self) -> Fraction:
        """Of the bracket the maintenance schedule ends in, as the engine derives it from its tiers."""
        tiers = self.bench.state.rulebook.margin.instruments[MARKET].schedules["maintenance"].tiers
        return self.grid.money(tier_deductions(tiers)[-1])

    def requirement(self, name: str) -> Fraction:
        """What a level asks of this one position."""
        return self.grid.money(self.bench.position(self.pot, name, MARKET).amount_atoms)

    def price(self, name: str = "maintenance", rounding: Rounding = "safe") -> Fraction:
        """Where the account crosses a level: the last safe tick, or the tick above or below the crossing."""
        return self.grid.price(printed_ticks(self.bench.crossing(self.pot, name, MARKET), rounding))


def printed_ticks(crossing: Crossing, rounding: Rounding) -> int:
    """The tick a venue prints for a crossing between two ticks."""
    if rounding == "safe":
        return crossing.safe_ticks
    both = (crossing.safe_ticks, crossing.failing_ticks)
    return max(both) if rounding == "up" else min(both)


def _atom_text(decimals: int) -> str:
    return f"0.{'0' * (decimals - 1)}1" if decimals > 0 else "1"
