"""Comparing two levels finds a shortfall exactly when sampling finds one (slow model: many points)."""

from __future__ import annotations

from fractions import Fraction

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from seawall.margin.rules import Level, Schedule, Tier, Weight, WeightTier
from seawall.rulebooks.compare import asks_less, counts_more

PPB = 10**9
SAMPLES = [
    Fraction(n) for n in (1, 10, 99, 100, 101, 250, 500, 501, 999, 1_000, 1_001, 5_000, 10_000, 10**7, 10**12)
]


def level(name: str = "x", factor_ppb: int = PPB, min_notional_ppb: int = 0) -> Level:
    return Level(name=name, schedule=name, factor_ppb=factor_ppb, min_notional_ppb=min_notional_ppb)


def weight(ppb: int, **rest: int) -> Weight:
    return Weight(tiers=(WeightTier(floor_atoms=0, weight_ppb=ppb),), **rest)


@st.composite
def tiered(draw: st.DrawFn) -> Schedule:
    floors = [0, *sorted(draw(st.sets(st.sampled_from([100, 250, 500, 1_000, 5_000]), max_size=3)))]
    rates = sorted(draw(st.lists(st.integers(1, 20), min_size=len(floors), max_size=len(floors))))
    return Schedule(tiers=tuple(Tier(floor_atoms=f, rate_ppb=r * PPB // 100) for f, r in zip(floors, rates)))


levels = st.builds(
    level,
    factor_ppb=st.integers(5, 20).map(lambda tenth: tenth * PPB // 10),
    min_notional_ppb=st.sampled_from([0, 0, PPB // 20, PPB // 10]),
)


def slow_requirement(at: Level, schedule: Schedule, notional: Fraction) -> Fraction:
    """Largest line N * rate - deduction, as Binance writes it."""
    deduction, best, before = Fraction(0), Fraction(0), 0
    for tier in schedule.tiers:
        deduction += Fraction(tier.floor_atoms * (tier.rate_ppb - before), PPB) if tier.floor_atoms else 0
        before = tier.rate_ppb
        best = max(best, notional * tier.rate_ppb / PPB - deduction)
    return max(best * at.factor_ppb / PPB, notional * at.min_notional_ppb / PPB)


@given(upper=levels, lower=levels, over=tiered(), under=tiered())
def test_tiers_are_found_to_ask_less_whenever_a_sample_shows_it(upper, lower, over, under):
    sampled = any(slow_requirement(upper, over, n) < slow_requirement(lower, under, n) for n in SAMPLES)
    short = asks_less(upper, lower, over, under)
    if sampled:
        assert short is not None
    if short is not None and short.axis == "notional":
        assert slow_requirement(upper, over, short.x) == short.upper < short.lower
        assert slow_requirement(lower, under, short.x) == short.lower


@given(schedule=tiered(), at=levels)
def test_a_level_never_asks_less_than_itself(schedule, at):
    assert asks_less(at, at, schedule, schedule) is None


def sqrt(base: int, slope: int, scale: int = PPB * 8 // 10) -> Schedule:
    return Schedule(
        kind="size_sqrt", base_ppb=base, slope_ppb=slope, sqrt_scale_ppb=scale, size_unit_lots=100
    )


def test_root_schedules_are_compared_up_to_the_largest_size():
    steep, flat = sqrt(PPB // 100, PPB // 1_000), sqrt(PPB // 50, PPB // 2_000)
    assert asks_less(level(), level(), flat, steep, max_size_lots=100) is None
    short = asks_less(level(), level(), flat, steep, max_size_lots=100 * 10_000)
    assert short is not None and short.axis == "sqrt_size" and short.x == 100


def test_a_sqrt_schedule_is_above_a_flat_one_when_its_base_is():
    flat = Schedule(tiers=(Tier(floor_atoms=0, rate_ppb=PPB // 100),))
    assert asks_less(level(), level(), sqrt(PPB // 100, 1), flat) is None
    assert asks_less(level(), level(), sqrt(PPB // 101, 1), flat) is not None


def test_risk_limit_steps_are_compared_on_both_sides_of_an_edge():
    def steps(base: int, size: int) -> Schedule:
        return Schedule(
            kind="steps", base_ppb=base, step_base_atoms=1_000, step_size_atoms=size, step_rate_ppb=PPB // 200
        )

    assert asks_less(level(), level(), steps(PPB // 100, 500), steps(PPB // 200, 500)) is None
    short = asks_less(level(), level(), steps(PPB // 100, 500), steps(PPB // 100, 499))
    assert short is not None and short.x == 1_500


def test_larger_floors_and_terms_are_part_of_what_a_level_asks():
    plain, floored = (Schedule(tiers=(Tier(floor_atoms=0, rate_ppb=1),), floor_atoms=f) for f in (0, 5))
    assert asks_less(level(), level(), floored, plain) is None
    assert "floor" in asks_less(level(), level(), plain, floored).words
    ramp = Schedule(tiers=plain.tiers, oi_lower_lots=1, oi_upper_lots=2)
    assert asks_less(level(), level(), ramp, plain) is None
    assert "open interest" in asks_less(level(), level(), plain, ramp).words


def test_a_balance_counts_for_more_where_a_cap_is_higher_or_a_debt_lighter():
    assert counts_more(weight(9), weight(10)) == ""
    assert counts_more(weight(9, cap_atoms=100), weight(9)) == ""
    assert counts_more(weight(9), weight(9, cap_atoms=100)) == "a balance counts for more"
    assert counts_more(weight(10), weight(9)) == "a balance counts for more"
    assert counts_more(weight(9), weight(9, liability_ppb=2 * PPB)) == "a debt weighs less"
    assert counts_more(weight(9), weight(9, sqrt_ppb=5)) == "the size discount is smaller"


def test_a_level_without_the_others_share_of_the_whole_notional_asks_less():
    upper = level("upper")
    lower = msgspec.structs.replace(level("lower"), min_total_ppb=PPB // 10)
    flat = Schedule(tiers=(Tier(floor_atoms=0, rate_ppb=PPB // 10),))
    assert "share of the whole notional" in asks_less(upper, lower, flat, flat).words
    assert asks_less(lower, upper, flat, flat) is None


def test_a_balance_with_a_lower_cap_on_its_value_counts_for_less():
    capped, more, free = (weight(9, cap_value_atoms=cap) for cap in (100, 200, 0))
    assert counts_more(capped, more) == counts_more(more, free) == counts_more(capped, capped) == ""
    assert counts_more(more, capped) == counts_more(free, capped) == "the cap on its value is higher"
