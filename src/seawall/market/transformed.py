"""A price that goes through transforms: index of the plain sources, pipeline, then mark and slow price.

Prices ticks, times ns. The sources that a transform asks by name form no index. What the pipeline gives is
the index; nothing, or more than 64 bits hold, and the last price stands, MISSING. While the price is not good
(missing, stale, without quorum or divergent) the averages that depend on it stand still. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from seawall.market.oracle import DIVERGENT, MISSING, NO_QUORUM, STALE, Price, Seen, complete, form_price
from seawall.market.policy import OraclePolicy
from seawall.market.transforms.pipeline import Pipeline, States, aside, run
from seawall.market.transforms.reading import Reading
from seawall.units import INT64_MAX

NOT_GOOD = MISSING | STALE | NO_QUORUM | DIVERGENT


def form_transformed(
    policy: OraclePolicy,
    pipeline: Pipeline,
    states: States,
    sources: Sequence[Seen],
    before: Price,
    *,
    now_ns: int,
    traded_ticks: int = 0,
) -> tuple[States, Price]:
    """`form_price` with transforms between index and mark; the states are those to keep."""
    away = aside(pipeline)
    plain = [seen for name, seen in zip(policy.sources, sources) if name not in away]
    found = form_price(_plain(policy), plain, Price(), now_ns=now_ns)
    words = {name: _word(policy, seen, now_ns) for name, seen in zip(policy.sources, sources)}
    newest_ns = max((seen.observed_ns for seen in plain), default=-1)
    word = Reading(
        price=found.index_ticks or None,
        observed_ns=newest_ns,
        confidence=found.confidence_ticks,
        conditions=found.conditions,
    )
    states, out = run(pipeline, states, word, words, now_ns=now_ns)
    if out.price is None or max(out.price, out.confidence) > INT64_MAX:
        return states, msgspec.structs.replace(
            before, conditions=out.conditions | MISSING, used=found.used, rejected=found.rejected
        )
    good = not out.conditions & NOT_GOOD
    # An average moves by the time since it last moved: none, while the price is not good.
    since = before if good else msgspec.structs.replace(before, updated_ns=now_ns)
    price = complete(
        policy,
        out.price,
        out.confidence,
        out.conditions,
        found.used,
        found.rejected,
        sources,
        since,
        now_ns,
        traded_ticks,
    )
    return states, price if good else msgspec.structs.replace(price, updated_ns=before.updated_ns)


def _plain(policy: OraclePolicy) -> OraclePolicy:
    """The same sources and quorum, up to the index; jumps are doubted by the transforms."""
    return msgspec.structs.replace(policy, mark="index", mark_source="", stable_tau_ns=0, max_step_ppb=0)


def _word(policy: OraclePolicy, seen: Seen, now_ns: int) -> Reading:
    """One source as the transforms see it. Its age counts against `max_age`, as everywhere."""
    if seen.observed_ns < 0:
        return Reading()
    old = now_ns - seen.observed_ns > policy.max_age_ns
    return Reading(
        price=seen.price_ticks,
        observed_ns=seen.observed_ns,
        confidence=seen.confidence_ticks,
        conditions=STALE if old else 0,
    )
