"""P1: from what the sources say to one index, one mark, and what is wrong with them.

Prices ticks, times ns, rates ppb; all integer arithmetic. Median of an even number rounds down;
EMAs move by (x - ema) * dt / (tau + dt), the backward-Euler form of an exponential, so that no
exp() is needed. Steps: drop what is missing or stale, drop outliers from the median, count the
quorum, doubt a jump until it persists, then form the mark. Pure: nothing here writes state.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from seawall.market.policy import Condition, OraclePolicy
from seawall.units import INT64_MAX, PPB

NANO = 1_000_000_000
# Plain numbers inside: arithmetic on flags is a hundred times slower than on integers.
MISSING, STALE, NO_QUORUM = int(Condition.MISSING), int(Condition.STALE), int(Condition.NO_QUORUM)
DIVERGENT, WIDE = int(Condition.DIVERGENT), int(Condition.WIDE)


class Seen(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The last word of one source, and whose it is: rows in the rulebook, -1 where nothing was said yet."""

    price_ticks: int = 0
    observed_ns: int = -1
    confidence_ticks: int = 0
    instrument: int = -1
    source: int = -1


class Price(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The pipeline's state and result for one instrument."""

    index_ticks: int = 0
    mark_ticks: int = 0
    stable_ticks: int = 0
    confidence_ticks: int = 0
    basis_nano: int = 0  # EMA of (traded - index), ticks * 1e9
    stable_nano: int = 0  # the slow price with its fraction, ticks * 1e9: in whole ticks it would stand still
    conditions: int = MISSING
    used: int = 0
    rejected: int = 0
    step_since_ns: int = 0
    updated_ns: int = -1  # when index last moved or was confirmed


def median(values: list[int]) -> int:
    """Middle value; of an even number the mean of the two middle ones, rounded down."""
    return middle(sorted(values))


def middle(ordered: list[int]) -> int:
    """`median` of values in rising order."""
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) // 2


def ema(previous: int, sample: int, *, elapsed_ns: int, tau_ns: int) -> int:
    """One step of a time-weighted average towards `sample`; any unit, rounded towards minus infinity."""
    if elapsed_ns <= 0:
        return previous
    return previous + (sample - previous) * elapsed_ns // (tau_ns + elapsed_ns)


def form_price(
    policy: OraclePolicy, sources: Sequence[Seen], before: Price, *, now_ns: int, traded_ticks: int = 0
) -> Price:
    """Run the pipeline at `now_ns`. `sources` in the policy's order; `traded_ticks` 0 = no trade yet."""
    oldest = max(now_ns - policy.max_age_ns, 0)
    agreeing: Sequence[Seen] = [seen for seen in sources if seen.observed_ns >= oldest]
    said = len(sources) if len(agreeing) == len(sources) else sum(seen.observed_ns >= 0 for seen in sources)
    if not agreeing:
        return _stands(before, STALE if said else MISSING, used=0, rejected=said)
    prices = sorted([seen.price_ticks for seen in agreeing])
    index = prices[0]
    if index != prices[-1]:
        index = middle(prices)
        room = policy.outlier_ppb * index // PPB
        if prices[0] < index - room or prices[-1] > index + room:
            agreeing = [seen for seen in agreeing if -room <= seen.price_ticks - index <= room]
            prices = sorted([seen.price_ticks for seen in agreeing])
            index = middle(prices) if prices else index
    used, rejected = len(agreeing), said - len(agreeing)
    if used < policy.quorum:
        return _stands(before, NO_QUORUM, used=used, rejected=rejected)
    # Less sure rather than more: the middle of an even number rounds up here.
    unsure = [-seen.confidence_ticks for seen in agreeing]
    confidence = -middle(sorted(unsure)) if any(unsure) else 0
    step_since, accepted = _doubt_jump(policy, index, before, now_ns)
    if not accepted:
        return _stands(before, DIVERGENT, used=used, rejected=rejected, step_since_ns=step_since)
    wide = policy.max_confidence_ppb and confidence * PPB > policy.max_confidence_ppb * index
    conditions = WIDE if wide else 0
    return complete(
        policy, index, confidence, conditions, used, rejected, sources, before, now_ns, traded_ticks
    )


def complete(
    policy: OraclePolicy,
    index: int,
    confidence: int,
    conditions: int,
    used: int,
    rejected: int,
    sources: Sequence[Seen],
    before: Price,
    now_ns: int,
    traded_ticks: int,
) -> Price:
    """An index in ticks with its confidence and conditions, and what follows: basis, mark, slow price.

    By place, not by keyword: this is asked for at every tick.
    """
    basis, mark = form_mark(policy, index, sources, before, now_ns, traded_ticks)
    stable_nano = index * NANO
    if policy.stable_tau_ns and before.stable_ticks:
        stable_nano = ema(
            before.stable_nano or before.stable_ticks * NANO,
            stable_nano,
            elapsed_ns=now_ns - before.updated_ns,
            tau_ns=policy.stable_tau_ns,
        )
    return Price(
        index_ticks=index,
        mark_ticks=mark,
        stable_ticks=max(stable_nano // NANO, 1),
        confidence_ticks=confidence,
        basis_nano=max(min(basis, INT64_MAX), -INT64_MAX),
        stable_nano=stable_nano if stable_nano <= INT64_MAX else 0,  # of 9e9 ticks the whole ones will do
        conditions=conditions,
        used=used,
        rejected=rejected,
        step_since_ns=0,
        updated_ns=now_ns,
    )


def _is_fresh(policy: OraclePolicy, seen: Seen, now_ns: int) -> bool:
    return seen.observed_ns >= 0 and now_ns - seen.observed_ns <= policy.max_age_ns


def _stands(before: Price, condition: int, *, used: int, rejected: int, step_since_ns: int = 0) -> Price:
    """Nobody to believe: the last good price stands, flagged. A jump not confirmed starts to wait anew."""
    return msgspec.structs.replace(
        before, conditions=condition, used=used, rejected=rejected, step_since_ns=step_since_ns
    )


def _doubt_jump(policy: OraclePolicy, index: int, before: Price, now_ns: int) -> tuple[int, bool]:
    """(since when a jump waits, accepted?). A jump is believed once it has persisted for the window."""
    last = before.index_ticks
    if not last or not policy.max_step_ppb or abs(index - last) * PPB <= policy.max_step_ppb * last:
        return 0, True
    since = before.step_since_ns or now_ns
    return since, now_ns - since >= policy.step_window_ns and before.step_since_ns != 0


def form_mark(
    policy: OraclePolicy, index: int, sources: Sequence[Seen], before: Price, now_ns: int, traded_ticks: int
) -> tuple[int, int]:
    """(basis EMA in nano-ticks, mark in ticks). A mark source that is stale counts as no trade.

    Sources: BitMEX basis mark, Hyperliquid and Binance median of three.
    """
    traded = traded_ticks
    if policy.mark_source:
        seen = sources[policy.sources.index(policy.mark_source)]
        traded = seen.price_ticks if _is_fresh(policy, seen, now_ns) else traded
    if policy.mark == "index" or (not traded and policy.mark == "source"):
        return 0, index
    if policy.mark == "source":
        mark = traded
        basis = 0
    else:
        sample = (traded - index) * NANO if traded else before.basis_nano
        basis = (
            sample
            if before.updated_ns < 0
            else ema(
                before.basis_nano, sample, elapsed_ns=now_ns - before.updated_ns, tau_ns=policy.ema_tau_ns
            )
        )
        fair = index + basis // NANO
        mark = fair if policy.mark == "basis_ema" else median([fair, index, traded or index])
    if policy.mark_clamp_ppb:
        room = index * policy.mark_clamp_ppb // PPB
        mark = min(max(mark, index - room), index + room)
    return basis, max(mark, 1)
