"""Black's formula at 60 digits, and drawn options in the regimes where a float formula usually breaks."""

from __future__ import annotations

import math
import random
from typing import Any, NamedTuple

import mpmath as mp

DIGITS = 60


class Option(NamedTuple):
    forward: float
    strike: float
    years: float
    vol: float
    is_call: bool

    @property
    def deviation(self) -> float:
        return self.vol * math.sqrt(self.years)

    @property
    def h(self) -> float:
        """Deviations between forward and strike."""
        return abs(math.log(self.forward / self.strike)) / self.deviation


def oracle(forward: Any, strike: Any, years: Any, vol: Any, is_call: bool) -> mp.mpf:
    """The undiscounted price; needs a working precision above what the wings cancel."""
    s = vol * mp.sqrt(years)
    d1 = mp.log(forward / strike) / s + s / 2
    c = 1 if is_call else -1
    return c * (forward * normal(c * d1) - strike * normal(c * (d1 - s)))


def normal(x: Any) -> mp.mpf:
    return mp.erfc(-x / mp.sqrt(2)) / 2


def true_price(option: Option) -> mp.mpf:
    with mp.workdps(DIGITS):
        return oracle(*(mp.mpf(value) for value in option[:4]), option.is_call)


def drawn(count: int, seed: int, *, out_of_the_money: bool = False) -> list[Option]:
    """Options with vols of 1 % to 400 %, a minute to ten years, up to 12 deviations out."""
    chance = random.Random(seed)
    found = []
    while len(found) < count:
        years, vol = 10.0 ** chance.uniform(-6, 1), 10.0 ** chance.uniform(-2, 0.6)
        away = chance.choice((chance.uniform(-12, 12), chance.gauss(0, 1), chance.gauss(0, 1e-6), 0.0))
        x = away * vol * math.sqrt(years)
        if abs(x) < 30:
            strike = 10.0 ** chance.uniform(-3, 6)
            forward = strike * math.exp(x)
            call = forward < strike if out_of_the_money else chance.random() < 0.5
            found.append(Option(forward, strike, years, vol, call))
    return found
