"""Does one margin level ever ask less than another? Answered exactly, at every kink of both.

A level's requirement of one position is the largest of some straight lines in the notional (tiers), in the
size (size_linear) or in its square root (size_sqrt), so one level is above another everywhere when it is at
the corners of the first and in the final slope. Risk-limit steps are compared at both sides of every edge.
Notional in atoms, rates as fractions of one; exact fractions, no rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import zip_longest
from math import isqrt
from typing import NamedTuple

from seawall.margin.rules import Level, Schedule, Weight
from seawall.rulebooks.check_options import option_asks_less
from seawall.units import INT64_MAX, PPB

Notional = int | Fraction  # atoms; nearly all are whole, and an int is many times faster
_EDGES_MAX = 2_000
_FEES = {"none": 0, "mark": 1, "bankruptcy": 1}


class Line(NamedTuple):
    """intercept + slope * x."""

    intercept: Fraction
    slope: Fraction

    def at(self, x: Fraction) -> Fraction:
        return self.intercept + self.slope * x


class Shortfall(NamedTuple):
    """Where the upper level asks less. `axis` says what x, upper and lower are."""

    axis: str  # notional | size | sqrt_size | words
    x: Fraction
    upper: Fraction
    lower: Fraction
    words: str = ""


def asks_less(
    upper: Level,
    lower: Level,
    upper_schedule: Schedule,
    lower_schedule: Schedule,
    *,
    max_size_lots: int = INT64_MAX,
) -> Shortfall | None:
    """The first place found where `upper` asks less than `lower` of one position, or None."""
    words = _contingencies_less(upper, lower, upper_schedule, lower_schedule)
    if words:
        return Shortfall("words", Fraction(0), Fraction(0), Fraction(0), words)
    if upper_schedule.option is not None and lower_schedule.option is not None:
        words = option_asks_less(upper, lower, upper_schedule.option, lower_schedule.option)
        return Shortfall("words", Fraction(0), Fraction(0), Fraction(0), words) if words else None
    upper_axis, lower_axis = _axis(upper_schedule), _axis(lower_schedule)
    if "any" in (upper_axis, lower_axis) or upper_axis == lower_axis:
        axis = lower_axis if upper_axis == "any" else upper_axis
        axis = "notional" if axis == "any" else axis
        if axis == "notional":
            return _less_in_notional(upper, lower, upper_schedule, lower_schedule)
        if (
            "any" in (upper_axis, lower_axis)
            or upper_schedule.size_unit_lots == lower_schedule.size_unit_lots
        ):
            units = upper_schedule.size_unit_lots if lower_axis == "any" else lower_schedule.size_unit_lots
            return _less_in_size(
                upper, lower, upper_schedule, lower_schedule, axis, Fraction(max_size_lots, units)
            )
    return Shortfall(
        "words",
        Fraction(0),
        Fraction(0),
        Fraction(0),
        "its schedule depends on something else than the other's, so it is not above it at every price",
    )


def _axis(schedule: Schedule) -> str:
    """What the rate depends on; a flat rate goes with anything."""
    if schedule.kind == "size_linear":
        return "size"
    if schedule.kind == "size_sqrt":
        return "sqrt_size"
    return "any" if schedule.kind == "tiers" and len(schedule.tiers) == 1 else "notional"


# ---- in the notional -----------------------------------------------------------------------------


def schedule_at(schedule: Schedule, notional: Fraction) -> Fraction:
    """Requirement of tiers or steps before level factors; atoms, exact."""
    scaled = _schedule_scaled(schedule, notional.numerator, notional.denominator)
    return Fraction(scaled, PPB * notional.denominator)


def _schedule_scaled(schedule: Schedule, num: int, den: int) -> int:
    """`schedule_at` of num / den, times PPB * den: whole numbers, as a rulebook is checked at every start."""
    if schedule.kind == "steps":
        over = num - schedule.step_base_atoms * den
        steps = -(-over // (schedule.step_size_atoms * den)) if over > 0 else 0
        return num * (schedule.base_ppb + steps * schedule.step_rate_ppb)
    total, reached = 0, 0
    for tier, following in zip_longest(schedule.tiers, schedule.tiers[1:]):
        top = num if following is None else min(num, following.floor_atoms * den)
        if top > reached:
            total += (top - reached) * tier.rate_ppb
            reached = top
    return total


def _level_scaled(level: Level, schedule: Schedule, notional: Notional) -> int:
    """Requirement at a level without floor and contingencies, times PPB * PPB * the denominator."""
    num, den = notional.numerator, notional.denominator
    scheduled = _schedule_scaled(schedule, num, den) * level.factor_ppb
    return max(scheduled, num * level.min_notional_ppb * PPB)


def _less_in_notional(upper: Level, lower: Level, over: Schedule, under: Schedule) -> Shortfall | None:
    points: list[Notional] = sorted({*_corners(upper, over), *_corners(lower, under), PPB})
    points.append(points[-1] * 1_000)
    for notional in points:
        above, below = _level_scaled(upper, over, notional), _level_scaled(lower, under, notional)
        if above < below:
            scale = PPB * PPB * notional.denominator
            return Shortfall("notional", Fraction(notional), Fraction(above, scale), Fraction(below, scale))
    far = points[-1]
    twice = 2 * far
    rise, wanted = (
        Fraction(_level_scaled(level, schedule, twice), PPB * PPB * twice.denominator)
        - Fraction(_level_scaled(level, schedule, far), PPB * PPB * far.denominator)
        for level, schedule in ((upper, over), (lower, under))
    )
    return (
        Shortfall("words", Fraction(far), rise, wanted, "it rises more slowly for large positions")
        if rise < wanted
        else None
    )


def _corners(level: Level, schedule: Schedule) -> list[Notional]:
    """Notionals at which the requirement bends or jumps."""
    if schedule.kind == "steps":
        room = max(PPB - schedule.base_ppb, 0)
        edges = min(room // schedule.step_rate_ppb + 2, _EDGES_MAX) if schedule.step_rate_ppb else 1
        starts = [schedule.step_base_atoms + k * schedule.step_size_atoms for k in range(edges)]
        return [start + side for start in starts for side in (0, 1) if start + side > 0]
    corners: list[Notional] = [tier.floor_atoms for tier in schedule.tiers if tier.floor_atoms > 0]
    # Of the line through this tier, times PPB. Whatever its floor says, the first one starts at nothing.
    deduction, before = 0, schedule.tiers[0].rate_ppb if schedule.tiers else 0
    for tier in schedule.tiers:
        deduction += tier.floor_atoms * (tier.rate_ppb - before)
        before = tier.rate_ppb
        tilt = level.factor_ppb * tier.rate_ppb - level.min_notional_ppb * PPB
        if level.min_notional_ppb and tilt > 0 and deduction > 0:
            corners.append(Fraction(deduction * level.factor_ppb, tilt))
    return corners


# ---- in the size ---------------------------------------------------------------------------------


def _lines(level: Level, schedule: Schedule) -> list[Line]:
    """Rate as the largest of these lines in x = size or its square root (in size units)."""
    factor, zero = Fraction(level.factor_ppb, PPB), Fraction(0)
    base, slope = Fraction(schedule.base_ppb, PPB), Fraction(schedule.slope_ppb, PPB)
    if schedule.kind == "tiers":
        lines = [Line(Fraction(schedule.tiers[0].rate_ppb, PPB), zero)]
    elif schedule.kind == "size_linear":
        lines = [Line(base, slope)]
    else:
        lines = [Line(base, zero), Line(base * schedule.sqrt_scale_ppb / PPB, slope)]
    return [Line(line.intercept * factor, line.slope * factor) for line in lines] + [
        Line(Fraction(level.min_notional_ppb, PPB), zero)
    ]


def _less_in_size(
    upper: Level, lower: Level, over: Schedule, under: Schedule, axis: str, units_max: Fraction
) -> Shortfall | None:
    above, below = _lines(upper, over), _lines(lower, under)
    x_max = units_max
    if axis == "sqrt_size":  # an integer not below the root: enough, since rates only rise
        x_max = Fraction(_root_up(-(-units_max.numerator // units_max.denominator)))
    points = {Fraction(0), x_max}
    for first in above:
        for second in above:
            if first.slope != second.slope:
                points.add((second.intercept - first.intercept) / (first.slope - second.slope))
    for x in sorted(point for point in points if 0 <= point <= x_max):
        asked, wanted = (max(line.at(x) for line in lines) for lines in (above, below))
        if asked < wanted:
            return Shortfall(axis, x, asked, wanted)
    return None


def _root_up(value: int) -> int:
    """Smallest integer whose square is not below `value`."""
    root = isqrt(value)
    return root if root * root == value else root + 1


# ---- beside the schedule -------------------------------------------------------------------------


def _contingencies_less(upper: Level, lower: Level, over: Schedule, under: Schedule) -> str:
    """Words for a term that the upper level lacks, or ''."""
    terms: list[tuple[str, Callable[[Level, Schedule], int]]] = [
        ("floor per position", lambda level, schedule: schedule.floor_atoms * level.factor_ppb),
        ("flat amount", lambda level, schedule: level.flat_atoms),
        ("share of the whole notional", lambda level, schedule: level.min_total_ppb),
        ("amount per order", lambda level, schedule: level.order_atoms),
        ("open orders", lambda level, schedule: int(level.orders)),
        ("fee to close", lambda level, schedule: _FEES[level.close_fee]),
        ("confidence factor", lambda level, schedule: level.confidence_factor_ppb),
        ("losses-only profit", lambda level, schedule: int(level.profit == "losses_only")),
        ("chosen leverage", lambda level, schedule: int(schedule.use_leverage)),
    ]
    for words, value in terms:
        if value(upper, over) < value(lower, under):
            return f"it asks less for the {words}"
    if upper.option_value != lower.option_value:
        return "it counts options in another way"
    if upper.max_loss and (not lower.max_loss or 0 < upper.unpaired_ppb < lower.unpaired_ppb):
        return "it nets the payoffs of options further"
    ramp = (under.oi_lower_lots, under.oi_upper_lots)
    if under.oi_upper_lots and ramp != (over.oi_lower_lots, over.oi_upper_lots):
        return "it does not rise with open interest as the other does"
    return ""


def counts_more(upper: Weight, lower: Weight) -> str:
    """Words if a balance counts for more (or a debt for less) under `upper` than under `lower`, or ''."""
    if upper.liability_ppb < lower.liability_ppb:
        return "a debt weighs less"
    if lower.sqrt_ppb and (upper.sqrt_ppb < lower.sqrt_ppb or upper.sqrt_top_ppb > lower.sqrt_top_ppb):
        return "the size discount is smaller"
    if lower.cap_value_atoms and not 0 < upper.cap_value_atoms <= lower.cap_value_atoms:
        return "the cap on its value is higher"
    points = {tier.floor_atoms for tier in (*upper.tiers, *lower.tiers)} | {upper.cap_atoms, lower.cap_atoms}
    far = max(points) * 2 + PPB
    if any(
        _counted(upper, amount) > _counted(lower, amount) for amount in sorted({*points, far, far * 1_000})
    ):
        return "a balance counts for more"
    return ""


def _counted(weight: Weight, amount: int) -> int:
    """What `amount` counts for before the size discount, times 1e9."""
    held = min(amount, weight.cap_atoms) if weight.cap_atoms else amount
    total = 0
    for index, tier in enumerate(weight.tiers):
        top = held if index + 1 == len(weight.tiers) else min(held, weight.tiers[index + 1].floor_atoms)
        total += max(top - tier.floor_atoms, 0) * tier.weight_ppb
    return total
