"""Outside liquidators of loans: who they are, what they see, and how large a deal pays for them.

A keeper buys what is owed, repays it for collateral with the bonus, and sells that at once (lab.outside); or
he has a loan absorbed and buys from the protocol's reserves. He acts only where that leaves him his least
profit. His own cash bounds him, or, with a flash loan, what the sale pays within the same moment. He sees a
loan `latency_ns` after its liquidation started, and nothing while he is away. Amounts atoms; profits rounded
against him. How much pays is first found in floats, from x * y = k, and then judged in integers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from seawall.engine.decide.absorb import quote
from seawall.engine.decide.loans import health_e18, price
from seawall.engine.decide.measure import asset_rate
from seawall.engine.decide.refuse import Refusal
from seawall.engine.state import INSURANCE, State
from seawall.errors import InputError
from seawall.lab.outside import Outside
from seawall.liquidation.seizure import AbsorbTerms, SeizeTerms, inventory_discount
from seawall.margin.collateral_debt import BPS, WAD
from seawall.units import PPB

TRIES = 8  # sizes a keeper asks for, each half of the one before: dust rules forbid some


class Keeper(msgspec.Struct, frozen=True, kw_only=True):
    """A liquidator. `capital_atoms` of the numeraire (0 with `flash`); `away_ns`: his absences (from, to)."""

    name: str
    capital_atoms: int = 0
    flash: bool = False
    latency_ns: int = 0
    least_profit_ppb: int = 0  # of what he pays
    away_ns: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        if bool(self.capital_atoms) == self.flash or self.capital_atoms < 0:
            raise InputError.at(
                f"keeper {self.name}",
                f"capital {self.capital_atoms} and flash {self.flash}",
                "Give capital, or flash = True, and not both.",
            )
        if self.latency_ns < 0 or self.least_profit_ppb < 0:
            raise InputError.at(f"keeper {self.name}", "latency or profit below zero", "Give zero or more.")

    def there(self, now_ns: int) -> bool:
        return not any(start <= now_ns < end for start, end in self.away_ns)

    def pays(self, proceeds: int, cost: int) -> bool:
        """Whether he would: his least profit, and some."""
        return proceeds > cost and proceeds >= cost + -(-cost * self.least_profit_ppb // PPB)


class Deal(NamedTuple):
    """What to ask the engine for, what it then takes and gives, and what that costs and brings outside."""

    pays_in: str
    collateral: str
    asked_atoms: int  # of a debt: what he offers; the engine cuts it to what the collateral is worth
    paid_atoms: int
    received_atoms: int
    cost_atoms: int
    proceeds_atoms: int


Preview = Callable[[int], tuple[int, int]]  # asked -> (paid, received), (0, 0) where it is refused


def find_seizure(
    state: State, pot: int, terms: SeizeTerms, keeper: Keeper, cash_atoms: int, outside: Outside
) -> Deal | None:
    """The largest repayment that leaves the keeper his profit, or half of it, and so on, or None."""
    good = best_collateral(state, pot, terms, outside)
    debt = largest_debt(state, pot, outside)
    if not good or not debt:
        return None
    if _most(state, _received(terms, good, 0), keeper, debt, good, outside) <= 0:
        return None  # not even at the most that any health gives: the common case where a pool has fallen
    health, row, owes = health_e18(state, pot), state.asset_row[good], state.asset_row[debt]
    received = _received(terms, good, health)

    def preview(asked: int) -> tuple[int, int]:
        try:
            found = price(state, pot, terms, debt=owes, good=row, wanted=asked, health=health)
        except Refusal:
            return 0, 0
        return found.repaid, found.to_liquidator

    most = min(-int(state.book.balances[pot, owes]), _most(state, received, keeper, debt, good, outside))
    return _best(keeper, cash_atoms, outside, debt, good, most, preview)


def _received(terms: SeizeTerms, good: str, health: int) -> float:
    """What one repaid brings, worth for worth, after the venue's fee."""
    received = terms.bonus(good, health) / WAD
    return received - (received - 1.0) * terms.fee_bps / BPS


def find_purchase(
    state: State, terms: AbsorbTerms, good: str, keeper: Keeper, cash_atoms: int, outside: Outside
) -> Deal | None:
    """The same for collateral that the protocol holds."""
    row, base = state.asset_row[good], state.asset_row[terms.base]
    held = int(state.book.balances[INSURANCE, row])
    rate, money = asset_rate(state, row), asset_rate(state, base)
    if held <= 0 or rate is None or money is None or not outside.trades(good):
        return None
    kept = WAD - inventory_discount(terms.front_factor_wad, terms.credit_wad[good])

    def preview(asked: int) -> tuple[int, int]:
        found = quote(state, terms, row, base, asked)
        return (asked, found) if found <= held else (0, 0)

    # what all of it costs, rounded down, so that it does not ask for more than there is
    whole = held * rate[0] * money[1] * kept // (rate[1] * money[0] * WAD)
    most = min(whole, _most(state, WAD / kept, keeper, terms.base, good, outside))
    return _best(keeper, cash_atoms, outside, terms.base, good, most, preview)


def best_collateral(state: State, pot: int, terms: SeizeTerms, outside: Outside) -> str:
    """The asset of which the most numeraire could be had; '' where there is none."""
    worth = {
        name: outside.proceeds(name, held)
        for name in terms.bonus_wad
        if outside.trades(name) and (held := int(state.book.balances[pot, state.asset_row[name]])) > 0
    }
    return max(worth, key=lambda name: (worth[name], name), default="")


def largest_debt(state: State, pot: int, outside: Outside) -> str:
    """The asset of which the pot owes the most at the oracle's prices; '' where nothing can be repaid."""
    owed = {}
    for row, atoms in enumerate(state.book.balances[pot].tolist()):
        name, rate = state.rulebook.assets[row].name, asset_rate(state, row)
        if atoms < 0 and rate is not None and outside.trades(name):
            owed[name] = -atoms * rate[0] / rate[1]
    return max(owed, key=lambda name: (owed[name], name), default="")


def _most(state: State, received: float, keeper: Keeper, pays_in: str, good: str, outside: Outside) -> int:
    """What he could pay so that the sale still brings his least profit; 0 or less: nothing does.

    A sale of s brings k s y / (x + k s), k being what the pool's fee leaves; s = c r for r paid, and c is
    `received`, worth for worth, at the oracle's prices. What is paid is taken to cost what the oracle says.
    """
    rate, paid = asset_rate(state, state.asset_row[good]), asset_rate(state, state.asset_row[pays_in])
    if rate is None or paid is None:
        return 0
    least, per_paid = 1.0 + keeper.least_profit_ppb / PPB, paid[1] / paid[0]
    pool = outside.pools.get(good)
    if pool is None:
        return 2**62
    kept = float(pool.kept)
    per = received * rate[1] / rate[0] * kept
    return int((per * pool.reserve1_atoms / least - pool.reserve0_atoms) / per * per_paid)


def _best(
    keeper: Keeper, cash: int, outside: Outside, pays_in: str, good: str, most: int, preview: Preview
) -> Deal | None:
    """The first of a few sizes, each half of the one before, that is allowed, affordable and pays."""
    whole = outside.cost(pays_in, most)
    asked = most if keeper.flash or whole is None or whole <= cash else most * cash // whole
    for _ in range(TRIES):
        if asked <= 0:
            return None
        paid, received = preview(asked)
        cost = outside.cost(pays_in, paid) if paid else None
        if cost is not None and received and (keeper.flash or cost <= cash):
            proceeds = outside.proceeds(good, received)
            if keeper.pays(proceeds, cost):
                return Deal(pays_in, good, asked, paid, received, cost, proceeds)
        asked = min(asked, paid or asked) // 2
    return None
