"""Margin driven by volatility and depth, limited in how fast it moves, published a step before it applies.

Rates are fractions of notional, volatilities per day, volumes in currency per day. The target of a step:
  MMR = clip(k sigma_D sqrt(tau) + 2/3 Y sigma_D sqrt(q / (ADV depth)) + fee, floor, cap), IMR = kappa MMR
What is announced at one step is in force at the next: nobody is liquidated by a rule they could not see.
"""

from __future__ import annotations

import math

import msgspec
import numpy as np

from seawall.calibrate.addons import IMPACT_PREFACTOR, MEAN_OF_IMPACT, impact
from seawall.calibrate.inputs import Floats, Given, finite, not_negative, positive, same_length
from seawall.errors import InputError


class DynamicRule(msgspec.Struct, frozen=True, kw_only=True):
    """The parameters. `max_rise` and `max_fall` are the most that a rate moves from one step to the next."""

    vol_multiple: float = 3.0
    period_days: float = 1.0 / 48.0
    prefactor: float = IMPACT_PREFACTOR
    fee: float = 0.0005
    floor: float = 0.004
    cap: float = 0.5
    initial_multiple: float = 2.0
    max_rise: float = 0.25
    max_fall: float = 0.05

    def checked(self) -> DynamicRule:
        """Itself; InputError for a floor above the cap or anything negative."""
        for name in self.__struct_fields__:
            not_negative(getattr(self, name), name)
        if not self.floor <= self.cap:
            what = f"floor {self.floor:g} is above cap {self.cap:g}"
            raise InputError.at("dynamic margin", what, "Give a floor that is not above the cap.")
        return self


def target_rate(
    rule: DynamicRule, *, daily_vol: float, notional: float, daily_volume: float, depth: float = 1.0
) -> float:
    """The maintenance rate that present volatility and depth ask for; `depth`: now over its reference."""
    rule.checked()
    volume = positive(daily_volume, "daily volume") * positive(depth, "depth")
    move = rule.vol_multiple * not_negative(daily_vol, "daily volatility") * math.sqrt(rule.period_days)
    slippage = MEAN_OF_IMPACT * impact(notional, volume, daily_vol, rule.prefactor)
    return min(max(move + slippage + rule.fee, rule.floor), rule.cap)


def initial_rate(rule: DynamicRule, maintenance: float) -> float:
    """kappa times the maintenance rate, at most the whole notional."""
    return min(rule.initial_multiple * maintenance, 1.0)


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """One step: the rate in force, the one announced for the next, and what the market asks for."""

    now: float
    next: float
    target: float

    @property
    def held_back(self) -> bool:
        """The limit keeps the next rate below the target."""
        return self.next < self.target


def publish(rule: DynamicRule, now: float, target: float) -> Published:
    """The next rate: the target, but no further from the present one than the limits allow."""
    high, low = now * (1.0 + rule.max_rise), now * (1.0 - rule.max_fall)
    return Published(now=now, next=min(max(target, low), high), target=target)


def dynamic_path(
    rule: DynamicRule,
    daily_vols: Given,
    daily_volumes: Given,
    *,
    notional: float,
    depths: Given | None = None,
) -> tuple[Published, ...]:
    """One step for each observation; the first rate in force is the first target."""
    vols, volumes = finite(daily_vols, "volatilities"), finite(daily_volumes, "volumes")
    depth = np.ones_like(vols) if depths is None else finite(depths, "depths")
    same_length(volatilities=vols, volumes=volumes, depths=depth)
    steps: list[Published] = []
    for vol, volume, share in zip(vols.tolist(), volumes.tolist(), depth.tolist()):
        target = target_rate(rule, daily_vol=vol, notional=notional, daily_volume=volume, depth=share)
        steps.append(publish(rule, steps[-1].next if steps else target, target))
    return tuple(steps)


def rates_in_force(steps: tuple[Published, ...]) -> Floats:
    return np.array([step.now for step in steps], np.float64)
