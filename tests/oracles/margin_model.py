"""Equity and requirement of a pot, slowly, from the prose of docs/reference/margin.md. Fractions only.

Independent of the kernels: it reads the rules as written (not compiled), takes prices and holdings as plain
dictionaries, and knows no tables. `up` and `down` round at the steps the page names; with `exact` for both
there is no rounding at all, and the engine's figures must lie on the cautious side of the result.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor, isqrt

from seawall.instruments.model import Asset, Instrument
from seawall.margin.rules import Level, MarginRules, Schedule, Weight

PPB = 10**9
Round = Callable[[Fraction], Fraction]


def exact(value: Fraction) -> Fraction:
    return value


def up(value: Fraction) -> Fraction:
    return Fraction(ceil(value))


def down(value: Fraction) -> Fraction:
    return Fraction(floor(value))


@dataclass
class Price:
    mark: int
    index: int
    stable: int
    confidence: int = 0
    usable: bool = True


@dataclass
class Held:
    lots: int = 0
    cost: int = 0
    bid: int = 0
    ask: int = 0
    orders: int = 0
    leverage: int = 0


@dataclass
class Pot:
    unit: str
    balances: dict[str, int] = field(default_factory=dict)
    held: dict[str, Held] = field(default_factory=dict)
    isolated: bool = False


@dataclass
class Model:
    """A venue's rules with its prices; `health` answers for one pot at one level."""

    assets: dict[str, Asset]
    instruments: dict[str, Instrument]
    rules: MarginRules
    prices: dict[str, Price]
    open_interest: dict[str, int]
    up: Round = up
    down: Round = down

    def health(self, pot: Pot, level_name: str) -> tuple[Fraction, Fraction] | None:
        """(equity, requirement), or None where a price that is needed cannot be used."""
        level = self.rules.level(level_name)
        totals = {name: Fraction(atoms) for name, atoms in pot.balances.items()}
        requirement, notional, charge, holds = Fraction(0), Fraction(0), 0, False
        for name, held in pot.held.items():
            if held.lots == held.bid == held.ask == 0:
                continue
            if not self.prices[name].usable:
                return None
            contract = self.instruments[name]
            rate = self.rate_in_unit(level, contract.settle, pot.unit, owed=True)
            if rate is None:
                return None
            size, worth, ticks = self.sized(level, contract, held)
            requirement += self.up(self.required(level, contract, held, pot, size, worth, ticks) * rate)
            notional += self.up(worth * rate)
            charge += held.orders * level.order_atoms
            holds = holds or held.lots != 0 or level.orders
            if held.lots:
                ticks = self.ticks(level, name, is_long=held.lots > 0)
                profit = self.value(contract, held.lots, ticks) - held.cost
                if profit < 0 or level.profit == "full":
                    totals[contract.settle] = totals.get(contract.settle, Fraction(0)) + profit
        equity = Fraction(0)
        for name, total in totals.items():
            if total == 0:
                continue
            rate = self.rate_in_unit(level, name, pot.unit, owed=total < 0)
            if rate is not None:
                weight = self.rules.weights[level.weights].get(name, Weight(tiers=()))
                equity += self.counted(weight, self.assets[name], total, rate)
            elif total < 0 or (pot.unit == self.rules.numeraire and self.rules.collateral.get(name)):
                return None
        charge += level.flat_atoms if holds else 0
        if charge and pot.unit != self.rules.numeraire:
            price = self.numeraire_rate(level, pot.unit, higher=False)
            if price is None:
                return None
            fixed = self.up(charge / price)
        else:
            fixed = Fraction(charge)
        least = self.up(notional * Fraction(level.min_total_ppb, PPB))
        return equity, max(requirement, least) + fixed

    # -- prices -----------------------------------------------------------------------------------

    def ticks(self, level: Level, name: str, *, is_long: bool) -> int:
        price = self.prices[name]
        if level.price == "index":
            return price.index
        if level.price == "strict" and price.stable > 0:
            return min(price.mark, price.stable) if is_long else max(price.mark, price.stable)
        return price.mark

    def numeraire_rate(self, level: Level, asset: str, *, higher: bool) -> Fraction | None:
        """Numeraire atoms per atom of the asset."""
        if asset == self.rules.numeraire:
            return Fraction(1)
        name = self.rules.collateral.get(asset, "")
        if not name or not self.prices[name].usable:
            return None
        price, ticks = self.prices[name], self.prices[name].index
        if level.price == "strict" and price.stable > 0:
            ticks = (max if higher else min)(price.index, price.stable)
        per_unit = ticks * Fraction(self.instruments[name].tick)
        unit = self.assets[self.rules.numeraire]
        return per_unit * 10**unit.decimals / 10 ** self.assets[asset].decimals

    def rate_in_unit(self, level: Level, asset: str, unit: str, *, owed: bool) -> Fraction | None:
        if asset == unit:
            return Fraction(1)
        if self.rules.scope == "settlement" or unit != self.rules.numeraire:
            return None
        return self.numeraire_rate(level, asset, higher=owed)

    # -- one position -----------------------------------------------------------------------------

    def value(self, contract: Instrument, lots: int, ticks: int) -> Fraction:
        per_lot, tick = Fraction(contract.lot), Fraction(contract.tick)
        unit = 10 ** self.assets[contract.settle].decimals
        if contract.kind.inverse:
            return self.down(-lots * per_lot * unit / (ticks * tick))
        return lots * per_lot * ticks * tick * unit

    def notional(self, contract: Instrument, lots: int, ticks: int) -> Fraction:
        per_lot, tick = Fraction(contract.lot), Fraction(contract.tick)
        unit = 10 ** self.assets[contract.settle].decimals
        if contract.kind.inverse:
            return self.up(lots * per_lot * unit / (ticks * tick))
        return lots * per_lot * ticks * tick * unit

    def sized(self, level: Level, contract: Instrument, held: Held) -> tuple[int, Fraction, int]:
        """(lots, notional, ticks): what the level sizes the position with."""
        at_entry = self.schedule(level, contract).basis == "entry"
        bid, ask = (held.bid, held.ask) if level.orders else (0, 0)
        ways = []
        for is_long, lots, added in ((True, held.lots, bid), (False, -held.lots, ask)):
            if lots + added > 0:
                ticks = self.ticks(level, contract.name, is_long=is_long)
                if at_entry and lots > 0:
                    worth = abs(held.cost) + self.notional(contract, added, ticks)
                else:
                    worth = self.notional(contract, lots + added, ticks)
                ways.append((lots + added, Fraction(worth), ticks))
        if not ways:
            return 0, Fraction(0), 0
        dearest = max(ways, key=lambda way: way[1])
        return max(way[0] for way in ways), dearest[1], dearest[2]

    def schedule(self, level: Level, contract: Instrument) -> Schedule:
        margin = self.rules.instruments.get(contract.name)
        found = margin.schedules.get(level.schedule) if margin else None
        return found or Schedule()

    def scheduled(self, plan: Schedule, name: str, size: int, notional: Fraction, leverage: int) -> Fraction:
        if plan.kind == "tiers":
            required = self.tiered(plan, notional)
        else:
            required = self.up(notional * self.rate_ppb(plan, size, notional) / PPB)
        lower, upper, interest = plan.oi_lower_lots, plan.oi_upper_lots, self.open_interest[name]
        if upper and interest > lower:
            share = min(Fraction(interest - lower, upper - lower), Fraction(1))
            share = self.up(share * PPB) / PPB
            required += self.up(max(notional - required, 0) * share)
        if plan.use_leverage and leverage:
            required = max(required, self.up(notional / leverage))
        return max(required, Fraction(plan.floor_atoms))

    def tiered(self, plan: Schedule, notional: Fraction) -> Fraction:
        """Each slice of notional at its own rate: the continuous form that deductions stand for."""
        if not plan.tiers:
            return notional
        reached = [tier for tier in plan.tiers if tier.floor_atoms <= notional]
        rate = Fraction(reached[-1].rate_ppb, PPB)
        slices = Fraction(0)
        for here, following in pairwise(reached):
            slices += (following.floor_atoms - here.floor_atoms) * Fraction(here.rate_ppb, PPB)
        slices += (notional - reached[-1].floor_atoms) * rate
        deduction = notional * rate - slices
        return self.up(notional * rate) - self.down(deduction)

    def rate_ppb(self, plan: Schedule, size: int, notional: Fraction) -> Fraction:
        if plan.kind == "steps":
            over = max(notional - plan.step_base_atoms, 0)
            return Fraction(plan.base_ppb + ceil(Fraction(over) / plan.step_size_atoms) * plan.step_rate_ppb)
        if plan.kind == "size_linear":
            return plan.base_ppb + self.up(Fraction(size * plan.slope_ppb, plan.size_unit_lots))
        root = self.root(Fraction(size, plan.size_unit_lots))
        scaled = self.up(Fraction(plan.base_ppb * plan.sqrt_scale_ppb, PPB))
        return max(Fraction(plan.base_ppb), scaled + self.up(plan.slope_ppb * root))

    def root(self, value: Fraction) -> Fraction:
        """Square root to five decimals, up (whole numbers from 9e8 on); `exact`: a little below it."""
        if self.up is exact:
            return Fraction(isqrt(floor(value * 10**40)), 10**20)
        scale = 100_000 if floor(value) < 900_000_000 else 1
        inside = ceil(value * scale**2)
        return Fraction(isqrt(inside - 1) + 1 if inside else 0, scale)

    def required(
        self,
        level: Level,
        contract: Instrument,
        held: Held,
        pot: Pot,
        size: int,
        notional: Fraction,
        ticks: int,
    ) -> Fraction:
        if size == 0:
            return Fraction(0)
        plan = self.schedule(level, contract)
        scheduled = self.scheduled(plan, contract.name, size, notional, held.leverage)
        required = max(
            self.up(scheduled * level.factor_ppb / PPB), self.up(notional * level.min_notional_ppb / PPB)
        )
        fee = Fraction(max(contract.taker_fee_ppb, 0), PPB)
        present = self.notional(contract, size, ticks)
        if level.close_fee == "mark":
            required += self.up(present * fee)
        elif level.close_fee == "bankruptcy":
            backing = self.up(notional / held.leverage) if held.leverage else scheduled
            required += self.up(
                self.at_bankruptcy(contract, held, pot, size, notional, present, backing, fee) * fee
            )
        if level.confidence_factor_ppb:
            confidence = self.prices[contract.name].confidence
            share = self.up(Fraction(confidence * level.confidence_factor_ppb, ticks)) / PPB
            required += self.up(notional * share)
        return required

    def at_bankruptcy(
        self,
        contract: Instrument,
        held: Held,
        pot: Pot,
        size: int,
        notional: Fraction,
        present: Fraction,
        backing: Fraction,
        fee: Fraction,
    ) -> Fraction:
        """|value| where the backing is gone."""
        worth_rises = (held.lots > 0) != contract.kind.inverse  # value above zero
        as_held = size == abs(held.lots)
        if not (pot.isolated and as_held):
            if not (as_held and worth_rises):
                return notional + backing
            rounded_up = 0 if self.up is exact else min(backing, 1)
            return max(notional - (backing - rounded_up), Fraction(0))
        at_entry = (
            pot.balances.get(contract.settle, 0) - held.cost
        )  # pot = at_entry + value; solve = fee * |value|
        if worth_rises:
            return self.up(-at_entry / (1 - fee)) if at_entry < 0 else present
        return self.up(at_entry / (1 + fee)) if at_entry > 0 else present

    # -- balances ---------------------------------------------------------------------------------

    def counted(self, weight: Weight, asset: Asset, total: Fraction, rate: Fraction) -> Fraction:
        if total < 0:
            return self.down(self.down(total * rate) * Fraction(weight.liability_ppb, PPB))
        amount = min(total, weight.cap_atoms) if weight.cap_atoms else total
        most = None
        if weight.sqrt_ppb:
            discount = PPB + self.up(weight.sqrt_ppb * self.root(Fraction(amount) / 10**asset.decimals))
            most = self.down(Fraction(weight.sqrt_top_ppb * PPB) / discount)
        counted = Fraction(0)
        edges = [*(tier.floor_atoms for tier in weight.tiers[1:]), None]
        for tier, edge in zip(weight.tiers, edges):
            here = max((amount if edge is None else min(amount, edge)) - tier.floor_atoms, 0)
            share = Fraction(tier.weight_ppb) if most is None else min(Fraction(tier.weight_ppb), most)
            counted += self.down(here * share / PPB)
        worth = self.down(counted * rate)
        return min(worth, Fraction(weight.cap_value_atoms)) if weight.cap_value_atoms else worth
