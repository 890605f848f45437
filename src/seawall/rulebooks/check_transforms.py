"""Contradictions among the transforms of a rulebook: what does nothing, or never lets a price through.

Compared as the integers they are (ticks, ppb, WAD, ns); nothing is rounded.
"""

from __future__ import annotations

import msgspec

from seawall.market.policy import OraclePolicy
from seawall.market.transforms.aggregate import Aggregate
from seawall.market.transforms.anchor import Anchor, Breaker
from seawall.market.transforms.average import HalfLife, Twap
from seawall.market.transforms.delay import DelayQueue
from seawall.market.transforms.fallback import Fallback
from seawall.market.transforms.latency import LatencyFee
from seawall.market.transforms.pipeline import Pipeline, Transform, aside
from seawall.market.transforms.publish import Clamp, DeviationHeartbeat, Limiter
from seawall.market.transforms.ratio import RateCap
from seawall.market.transforms.reading import WAD
from seawall.market.transforms.stable import StablePrice
from seawall.market.transforms.validity import Validity
from seawall.rulebooks.findings import Finding, Findings, join
from seawall.rulebooks.model import Rulebook

MOST_INTERVALS = 1_000


def check_transforms(rulebook: Rulebook) -> Findings:
    if isinstance(rulebook.transforms, msgspec.UnsetType):
        return
    for name, pipeline in rulebook.transforms.items():
        policy, path = rulebook.oracles.get(name), join("oracles", name)
        if policy is None:
            yield Finding(f"{path}.transforms", "change the price of no oracle", "Remove them.")
            continue
        yield from _check_sources(path, policy, pipeline)
        for place, transform in enumerate(pipeline):
            for key, what, fix in _wrong(transform):
                yield Finding(f"{path}.transforms[{place}].{key}", what, fix)


def _check_sources(path: str, policy: OraclePolicy, pipeline: Pipeline) -> Findings:
    known, away = policy.sources, aside(pipeline)
    for place, transform in enumerate(pipeline):
        asked = transform.sources if isinstance(transform, Aggregate) else aside((transform,))
        for name in asked:
            if name not in known:
                yield Finding(
                    f"{path}.transforms[{place}].by",
                    f"names {name!r}, which is not one of the sources",
                    f"Choose from {', '.join(known)}.",
                )
    left = [name for name in known if name not in away]
    if policy.quorum > len(left):
        yield Finding(
            f"{path}.quorum",
            f"is {policy.quorum}, and {len(left)} sources are left that no transform asks by name",
            "Lower it, or add sources.",
        )
    if policy.max_step_ppb:
        yield Finding(
            f"{path}.max_step",
            "holds back the price before its transforms, which move it away from what it is compared with",
            "Give '0 %'; an anchor, breaker, limiter or ratio step doubts jumps among the transforms.",
        )
    if policy.mark_source and policy.mark_source in away:
        yield Finding(
            f"{path}.mark_source",
            f"is {policy.mark_source!r}, which a transform asks for something else",
            "Choose a source that is a price.",
        )


def _wrong(transform: Transform) -> list[tuple[str, str, str]]:
    """(key, what, fix) of every parameter that cannot be meant."""
    span = "is zero", "Give a time span like '1 h'."
    factor = "is one or less: every price would be too far", "Give a factor like '3 x'."
    rows: list[tuple[bool, str, str, str]] = []
    if isinstance(transform, DeviationHeartbeat):
        rows = [
            (
                transform.deviation_ppb <= 0,
                "deviation",
                "is zero: it never waits",
                "Give a rate like '0.5 %'.",
            ),
            (transform.heartbeat_ns <= 0, "heartbeat", *span),
        ]
    elif isinstance(transform, Clamp):
        what = "is not above the least price"
        rows = [(transform.least >= transform.most, "most", what, "Give a higher one.")]
    elif isinstance(transform, Limiter):
        rows = [
            (transform.factor_wad <= WAD, "factor", *factor),
            (transform.window_ns <= 0, "window", *span),
        ]
    elif isinstance(transform, Breaker):
        rows = [(transform.factor_wad <= WAD, "factor", *factor)]
    elif isinstance(transform, Anchor):
        what = "is not between zero and 100 %"
        rows = [(not 0 < transform.tolerance_wad < WAD, "tolerance", what, "Give a rate like '20 %'.")]
    elif isinstance(transform, Aggregate):
        count = len(transform.sources)
        named = not count or len(set(transform.sources)) != count
        rows = [
            (named, "by", "is empty or names a source twice", "Name each source once."),
            (transform.quorum > count, "quorum", "can never be met", f"Give a number from 1 to {count}."),
        ]
    elif isinstance(transform, Twap):
        rows = [(transform.window_ns <= 0, "window", *span)]
    elif isinstance(transform, HalfLife):
        rows = [(transform.half_life_ns <= 0, "half_life", *span)]
    elif isinstance(transform, DelayQueue):
        rows = [(transform.hop_ns <= 0, "hop", *span)]
    elif isinstance(transform, RateCap):
        rows = [(transform.growth_ppb <= 0, "growth", "is zero: the price may never rise", "Give a rate.")]
    else:
        rows = _wrong_programs(transform, span)
    return [(key, what, fix) for wrong, key, what, fix in rows if wrong]


def _wrong_programs(transform: Transform, span: tuple[str, str]) -> list[tuple[bool, str, str, str]]:
    if isinstance(transform, LatencyFee):
        what = "is 100 % or more: old rounds would never be forgotten"
        return [
            (transform.decay_wad >= WAD, "decay", what, "Give a rate like '90 %'."),
            (transform.max_fee_wad <= 0, "max_fee", "is zero: the price is never good", "Give a rate."),
        ]
    if isinstance(transform, Fallback):
        return [
            (transform.frozen_after_ns <= 0, "frozen_after", *span),
            (not 0 < transform.max_change_wad < WAD, "max_change", "is not below 100 %", "Give '50 %'."),
            (transform.agreement_wad <= 0, "agreement", "is zero: they never agree", "Give '5 %'."),
        ]
    if isinstance(transform, StablePrice):
        return [
            (transform.interval_s <= 0, "interval", *span),
            (transform.intervals > MOST_INTERVALS, "intervals", "are too many", "Give 1,000 or fewer."),
            (not 0 < transform.min_gap_s <= transform.max_gap_s, "min_gap", "is not 0 < min <= max", "Swap."),
        ]
    if isinstance(transform, Validity):
        late = transform.late_after_ns > transform.max_age_ns
        return [(late, "late_after", "is after a price is stale", "Give a shorter time span.")]
    return []
