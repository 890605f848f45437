"""Invented accounts of an options venue: what each holds when it enters, drawn from a seed and a snapshot.

Sizes are contracts of one coin, from a heavy tail; strikes are chosen by their distance from the forward in
standard deviations. `slack` is how much more than its initial requirement an account leaves at the venue.
None of it is anybody's book.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import NamedTuple

from benchmarks.february.chains import Expiry, Quote, Snapshot
from seawall.kernels.greeks import black_greeks

UNIT = {"BTC": 0.1, "ETH": 3.0}  # of the smallest positions
MOST = {"BTC": 60.0, "ETH": 1_800.0}
LEAST_DAYS = 1.5


class Leg(NamedTuple):
    instrument: str
    size: float  # contracts, two decimals; + is held, - is owed


class Holder(NamedTuple):
    """An account to come. `coins` of `asset` are deposited beside the money."""

    kind: str
    asset: str
    legs: tuple[Leg, ...]
    coins: float
    slack: float


class _Draw:
    """Draws from one snapshot, for one account."""

    def __init__(self, chance: random.Random, snapshot: Snapshot) -> None:
        self.chance, self.now_ns = chance, snapshot.time_ns
        self.asset = chance.choices(("BTC", "ETH"), (6, 4))[0]
        least = LEAST_DAYS / 365
        self.expiries = [each for each in snapshot.of(self.asset) if each.years(self.now_ns) > least]
        self.size = self.amount()

    def amount(self) -> float:
        size = UNIT[self.asset] * self.chance.paretovariate(1.2)
        return round(min(size, MOST[self.asset]), 1)

    def expiry(self) -> Expiry:
        """Near ones more often than far ones."""
        weights = [1 / (1 + place) for place in range(len(self.expiries))]
        return self.chance.choices(self.expiries, weights)[0]

    def strike(self, expiry: Expiry, deviations: float, call: bool) -> Quote:
        """The option of that right nearest to so many standard deviations from the forward."""
        vol = expiry.at_the_money() * math.sqrt(expiry.years(self.now_ns))
        wanted = expiry.forward * math.exp(deviations * vol)
        same = [quote for quote in expiry.quotes if quote.is_call == call]
        return min(same or expiry.quotes, key=lambda quote: (abs(quote.strike - wanted), quote.name))

    def far(self) -> float:
        return self.chance.uniform(0.6, 1.6)


def _covered_call(draw: _Draw) -> tuple[list[Leg], float]:
    return [Leg(draw.strike(draw.expiry(), draw.far(), True).name, -draw.size)], draw.size


def _strangle(draw: _Draw) -> tuple[list[Leg], float]:
    expiry = draw.expiry()
    sides = (draw.strike(expiry, -draw.far(), False), draw.strike(expiry, draw.far(), True))
    return [Leg(quote.name, -draw.size) for quote in sides], 0.0


def _spread(draw: _Draw) -> tuple[list[Leg], float]:
    """Short near the forward, long at the next strike but one beyond; alone where there is none."""
    expiry, call = draw.expiry(), draw.chance.random() < 0.4
    short = draw.strike(expiry, draw.far() * (1 if call else -1), call)
    same = [quote for quote in expiry.quotes if quote.is_call == call]
    beyond = [quote for quote in same if (quote.strike - short.strike) * (1 if call else -1) > 0.0]
    ranked = sorted(beyond, key=lambda quote: abs(quote.strike - short.strike))
    return [
        Leg(short.name, -draw.size),
        *(Leg(long.name, draw.size) for long in ranked[1:2] or ranked[:1]),
    ], 0.0


def _market_maker(draw: _Draw) -> tuple[list[Leg], float]:
    """A dozen options either way, and a perpetual against their net delta."""
    legs, delta = [], 0.0
    for _ in range(draw.chance.randint(6, 14)):
        expiry, call = draw.expiry(), draw.chance.random() < 0.5
        quote = draw.strike(expiry, draw.chance.uniform(-1.8, 1.8), call)
        size = draw.amount() * draw.chance.choice((1, -1))
        years = expiry.years(draw.now_ns)
        greeks = black_greeks(expiry.forward, quote.strike, years, quote.vol, quote.is_call)
        delta += size * float(greeks[1])
        legs.append(Leg(quote.name, size))
    return [*legs, Leg(f"{draw.asset}-PERP", round(-delta, 2))], 0.0


def _protected_long(draw: _Draw) -> tuple[list[Leg], float]:
    put = draw.strike(draw.expiry(), -draw.far(), False)
    return [Leg(f"{draw.asset}-PERP", draw.size), Leg(put.name, draw.size)], 0.0


def _risk_reversal(draw: _Draw) -> tuple[list[Leg], float]:
    expiry = draw.expiry()
    call, put = draw.strike(expiry, draw.far(), True), draw.strike(expiry, -draw.far(), False)
    return [Leg(call.name, draw.size), Leg(put.name, -draw.size)], 0.0


def _naked_short(draw: _Draw) -> tuple[list[Leg], float]:
    call = draw.chance.random() < 0.4
    return [Leg(draw.strike(draw.expiry(), draw.far() * (1 if call else -1), call).name, -draw.size)], 0.0


def _perpetual(draw: _Draw) -> tuple[list[Leg], float]:
    return [Leg(f"{draw.asset}-PERP", draw.size * draw.chance.choice((1, 1, -1)))], 0.0


KINDS: dict[str, tuple[int, Callable[[_Draw], tuple[list[Leg], float]]]] = {
    "covered call": (20, _covered_call),
    "short strangle": (14, _strangle),
    "credit spread": (18, _spread),
    "market maker": (6, _market_maker),
    "protected long": (14, _protected_long),
    "risk reversal": (8, _risk_reversal),
    "naked short": (10, _naked_short),
    "perpetual alone": (10, _perpetual),
}


def draw_holder(seed: int, number: int, snapshot: Snapshot) -> Holder:
    """Account `number` of a seed, entering at a snapshot: the same whoever was drawn before it."""
    chance = random.Random(f"{seed}:{number}")
    kind = chance.choices(list(KINDS), [weight for weight, _ in KINDS.values()])[0]
    draw = _Draw(chance, snapshot)
    legs, coins = KINDS[kind][1](draw)
    sizes: dict[str, float] = {}
    for leg in legs:
        sizes[leg.instrument] = round(sizes.get(leg.instrument, 0.0) + leg.size, 2)
    held = tuple(Leg(name, size) for name, size in sizes.items() if size)
    return Holder(kind, draw.asset, held, coins, 1.02 + chance.expovariate(2.0))
