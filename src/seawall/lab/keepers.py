"""Outside liquidators of loans: who they are, what they see, and how large a seizure pays for them.

A keeper repays debts in the numeraire, receives collateral with the bonus, and sells it at once into the pool
of that asset; he acts only where that leaves him his least profit. Own capital bounds him, or, with a flash
loan, what the pool pays within the same moment. He sees a loan `latency_ns` after its liquidation started,
and nothing while he is away. Amounts atoms; profits rounded as the pool rounds, against him. How much pays is
first found in floats, from x * y = k, and then judged in integers.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from seawall.engine.decide.loans import health_e18, price
from seawall.engine.decide.measure import asset_rate
from seawall.engine.decide.refuse import Refusal
from seawall.engine.state import State
from seawall.errors import InputError
from seawall.liquidation.seizure import SeizeTerms, Seizure
from seawall.margin.collateral_debt import BPS, WAD
from seawall.market.amm.constant_product import ConstantProductPool, amount_out
from seawall.units import PPB

TRIES = 8  # sizes a keeper asks for, each half of the one before: dust rules forbid some


class Keeper(msgspec.Struct, frozen=True, kw_only=True):
    """A liquidator. `capital_atoms` of the numeraire (0 with `flash`); `away_ns`: his absences (from, to)."""

    name: str
    capital_atoms: int = 0
    flash: bool = False
    latency_ns: int = 0
    least_profit_ppb: int = 0  # of what he repays
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


class Offer(NamedTuple):
    """A seizure that pays: what to ask the engine for, and what the pool would give for its collateral."""

    collateral: str
    asked_atoms: int  # what he offers to repay; the engine cuts it to what the collateral is worth
    repaid_atoms: int
    seized_atoms: int
    proceeds_atoms: int


def best_collateral(state: State, pot: int, terms: SeizeTerms, pools: dict[str, ConstantProductPool]) -> str:
    """The asset of which the most numeraire could be had from its pool; '' where there is none."""
    worth = {
        name: amount_out(pools[name], held)
        for name in terms.bonus_wad
        if name in pools and (held := int(state.book.balances[pot, state.asset_row[name]])) > 0
    }
    return max(worth, key=lambda name: (worth[name], name), default="")


def find_offer(
    state: State,
    pot: int,
    terms: SeizeTerms,
    keeper: Keeper,
    room_atoms: int,
    pools: dict[str, ConstantProductPool],
) -> Offer | None:
    """The largest size that leaves the keeper his profit, or half of it, and so on; None where none does.

    room_atoms: what he can pay; with a flash loan anything that the pool then pays back.
    """
    good = best_collateral(state, pot, terms, pools)
    owed = -int(state.book.balances[pot, state.numeraire])
    if not good or owed <= 0:
        return None
    health = health_e18(state, pot)
    received = terms.bonus(good, health) / WAD
    received -= (received - 1.0) * terms.fee_bps / BPS
    wanted = min(owed, _most_repaid(state, received, keeper, good, pools[good]))
    wanted = wanted if keeper.flash else min(wanted, room_atoms)
    if wanted <= 0:
        return None
    for _ in range(TRIES):
        if wanted <= 0:
            return None
        found = _preview(state, pot, terms, good, wanted, health)
        if found is not None and found.to_liquidator:
            proceeds = amount_out(pools[good], found.to_liquidator)
            least = found.repaid + -(-found.repaid * keeper.least_profit_ppb // PPB)
            if proceeds >= least and proceeds > found.repaid:
                return Offer(good, wanted, found.repaid, found.to_liquidator, proceeds)
            wanted = min(wanted, found.repaid)
        wanted //= 2
    return None


def _most_repaid(state: State, received: float, keeper: Keeper, good: str, pool: ConstantProductPool) -> int:
    """What he could repay so that the sale still pays his least profit; 0 or less: nothing does.

    A sale of s brings k s y / (x + k s), k being what the pool's fee leaves; s = c r for r repaid, and c is
    `received`, worth for worth, at the oracle's price.
    """
    rate = asset_rate(state, state.asset_row[good])
    if rate is None:
        return 0
    kept, least = float(pool.kept), 1.0 + keeper.least_profit_ppb / PPB
    per = received * rate[1] / rate[0] * kept
    return int((per * pool.reserve1_atoms / least - pool.reserve0_atoms) / per)


def _preview(
    state: State, pot: int, terms: SeizeTerms, good: str, wanted: int, health: int
) -> Seizure | None:
    row = state.asset_row[good]
    try:
        return price(state, pot, terms, debt=state.numeraire, good=row, wanted=wanted, health=health)
    except Refusal:
        return None
