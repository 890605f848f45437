"""`transforms` of an [oracles] entry: tables in order, each a transform of `market.transforms` by its kind.

Rates ppb or WAD and exact, times ns; a price is in the instrument's quote, a whole number of ticks. Other
sources are named with `by`, because `source` says where a number comes from.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import get_args

from seawall.instruments.model import Instrument
from seawall.market.transforms.aggregate import Aggregate, Rule
from seawall.market.transforms.anchor import Anchor, Breaker
from seawall.market.transforms.average import HalfLife, Mean, Twap
from seawall.market.transforms.confidence import Confidence, Side
from seawall.market.transforms.delay import DelayQueue, SequencerGate
from seawall.market.transforms.fallback import Fallback
from seawall.market.transforms.latency import LatencyFee
from seawall.market.transforms.pipeline import Pipeline, Transform
from seawall.market.transforms.publish import Clamp, DeviationHeartbeat, Limiter
from seawall.market.transforms.ratio import Peg, RateCap, Ratio
from seawall.market.transforms.reading import WAD
from seawall.market.transforms.stable import StablePrice
from seawall.market.transforms.validity import PRECISION, Validity
from seawall.rulebooks.reader import Table
from seawall.units import PPB, SECOND_NS

Reader = Callable[[Table, Instrument | None], Transform]
MOST_ROUNDS = 1_000


def read_transforms(table: Table, instrument: Instrument | None) -> Pipeline:
    """All of an entry, in the order of the file. Without the instrument no price in it can be read."""
    pipeline = []
    for row in table.tables("transforms"):
        kind = row.choice("kind", _KINDS)
        pipeline.append(_KINDS[kind](row, instrument))
        row.done()
    return tuple(pipeline)


def _wad(table: Table, key: str) -> int:
    """A rate as WAD; finer than ppb there is none in a rulebook."""
    return table.rate(key, rounding="exact") * (WAD // PPB)


def _ticks(table: Table, key: str, instrument: Instrument | None) -> int:
    if instrument is None:
        table.refuse(key, "is a price of an instrument that is not listed", "Add it under [instruments].")
    ticks = Fraction(table.quantity(key, instrument.quote)) / instrument.tick_units
    if ticks.denominator != 1:
        table.refuse(key, f"is no whole number of ticks of {instrument.tick}", "Give a price on the grid.")
    return int(ticks)


def _seconds(table: Table, key: str, default_s: int) -> int:
    whole, rest = divmod(table.duration(key, default_s * SECOND_NS), SECOND_NS)
    if rest:
        table.refuse(key, "is no whole number of seconds", "This model's clock counts seconds.")
    return whole


def _deviation_heartbeat(table: Table, _instrument: Instrument | None) -> Transform:
    return DeviationHeartbeat(
        deviation_ppb=table.rate("deviation", rounding="exact"), heartbeat_ns=table.duration("heartbeat")
    )


def _clamp(table: Table, instrument: Instrument | None) -> Transform:
    return Clamp(least=_ticks(table, "least", instrument), most=_ticks(table, "most", instrument))


def _limiter(table: Table, _instrument: Instrument | None) -> Transform:
    return Limiter(factor_wad=_wad(table, "factor"), window_ns=table.duration("window"))


def _aggregate(table: Table, _instrument: Instrument | None) -> Transform:
    return Aggregate(
        sources=table.texts("by"),
        rule=table.choice("rule", get_args(Rule), "median"),
        quorum=table.count("quorum", 1, least=1),
    )


def _twap(table: Table, _instrument: Instrument | None) -> Transform:
    mean = table.choice("mean", get_args(Mean), "arithmetic")
    return Twap(window_ns=table.duration("window"), mean=mean, whole=table.flag("whole", True))


def _ema(table: Table, _instrument: Instrument | None) -> Transform:
    return HalfLife(half_life_ns=table.duration("half_life"))


def _confidence(table: Table, _instrument: Instrument | None) -> Transform:
    return Confidence(side=table.choice("side", get_args(Side)), times_ppb=table.rate("times", PPB))


def _anchor(table: Table, _instrument: Instrument | None) -> Transform:
    return Anchor(source=table.text("by"), tolerance_wad=_wad(table, "tolerance"))


def _breaker(table: Table, _instrument: Instrument | None) -> Transform:
    return Breaker(factor_wad=_wad(table, "factor"))


def _latency_fee(table: Table, _instrument: Instrument | None) -> Transform:
    rounds = table.count("rounds", 10, least=2)
    if rounds > MOST_ROUNDS:
        table.refuse("rounds", f"is {rounds}, beyond {MOST_ROUNDS}", "Give fewer; old rounds weigh nothing.")
    return LatencyFee(
        threshold_wad=_wad(table, "threshold"),
        decay_wad=_wad(table, "decay"),
        rounds=rounds,
        max_fee_wad=_wad(table, "max_fee"),
    )


def _delay(table: Table, _instrument: Instrument | None) -> Transform:
    return DelayQueue(hop_ns=table.duration("hop"))


def _sequencer_gate(table: Table, _instrument: Instrument | None) -> Transform:
    return SequencerGate(source=table.text("by"), grace_ns=table.duration("grace"))


def _peg(table: Table, instrument: Instrument | None) -> Transform:
    return Peg(price=_ticks(table, "price", instrument), tolerance_ppb=table.rate("tolerance", 0))


def _ratio(table: Table, _instrument: Instrument | None) -> Transform:
    return Ratio(
        source=table.text("by"), unit=table.count("unit", least=1), max_step_ppb=table.rate("max_step", 0)
    )


def _rate_cap(table: Table, instrument: Instrument | None) -> Transform:
    known = table.has("snapshot")
    return RateCap(
        growth_ppb=table.rate("growth", rounding="exact"),
        snapshot=_ticks(table, "snapshot", instrument) if known else 0,
        snapshot_ns=table.moment_ns("snapshot_at") if known else 0,
    )


def _fallback(table: Table, _instrument: Instrument | None) -> Transform:
    return Fallback(
        secondary=table.text("by"),
        frozen_after_ns=table.duration("frozen_after"),
        max_change_wad=_wad(table, "max_change"),
        agreement_wad=_wad(table, "agreement"),
    )


def _stable(table: Table, _instrument: Instrument | None) -> Transform:
    usual = StablePrice()
    return StablePrice(
        interval_s=_seconds(table, "interval", usual.interval_s),
        intervals=table.count("intervals", usual.intervals, least=1),
        delay_growth_ppb=table.rate("delay_growth", usual.delay_growth_ppb),
        stable_growth_ppb=table.rate("stable_growth", usual.stable_growth_ppb),
        min_gap_s=_seconds(table, "min_gap", usual.min_gap_s),
        max_gap_s=_seconds(table, "max_gap", usual.max_gap_s),
    )


def _validity(table: Table, _instrument: Instrument | None) -> Transform:
    return Validity(
        twap=table.text("by"),
        too_volatile_ratio=table.count("too_volatile", least=1),
        max_confidence_millionths=table.rate("max_confidence", rounding="exact") * PRECISION // PPB,
        max_age_ns=table.duration("stale_after"),
        late_after_ns=table.duration("late_after"),
    )


_KINDS: dict[str, Reader] = {
    "aggregate": _aggregate,
    "anchor": _anchor,
    "breaker": _breaker,
    "clamp": _clamp,
    "confidence": _confidence,
    "delay": _delay,
    "deviation_heartbeat": _deviation_heartbeat,
    "ema": _ema,
    "fallback": _fallback,
    "latency_fee": _latency_fee,
    "limiter": _limiter,
    "peg": _peg,
    "rate_cap": _rate_cap,
    "ratio": _ratio,
    "sequencer_gate": _sequencer_gate,
    "stable": _stable,
    "twap": _twap,
    "validity": _validity,
}
