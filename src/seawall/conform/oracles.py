"""Oracle transforms against the contracts they come from: anchors, breakers, averages, caps, queues, ladders.

Prices are read in 1e-18 of the vector's unit, seconds as ns. Every answer is a step of `market.transforms` or
a measure of it; nothing is computed here. Sources: the contracts named in the vectors.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from types import MappingProxyType
from typing import Any

from seawall.conform.model import Vector
from seawall.conform.reading import Answer, Shape, as_number, find, number, numbers
from seawall.errors import Unsupported
from seawall.market.transforms import measure
from seawall.market.transforms.aggregate import Aggregate, least_honest
from seawall.market.transforms.anchor import Anchor, Breaker
from seawall.market.transforms.average import SCALE_BITS, HalfLife, Twap, weight
from seawall.market.transforms.confidence import Confidence, FixedPoint, Side
from seawall.market.transforms.latency import LatencyFee, Rounds
from seawall.market.transforms.pipeline import States, Transform, run, start
from seawall.market.transforms.publish import Clamp, DeviationHeartbeat
from seawall.market.transforms.reading import CLAMPED, WAD, Reading
from seawall.units import PPB, SECOND_NS

HOUR_NS = 3600 * SECOND_NS


def units(value: Fraction) -> int:
    """A number in 1e-18 units, rounded down."""
    return value.numerator * WAD // value.denominator


def price(value: int | None) -> Fraction | None:
    """Units as a number of the vector."""
    return None if value is None else Fraction(value, WAD)


def word(value: Fraction | None, at_ns: int = 0) -> Reading:
    return Reading(price=None if value is None else units(value), observed_ns=at_ns)


def nanoseconds(seconds: Fraction) -> int:
    return int(seconds * SECOND_NS)


def told(vector: Vector, pattern: str) -> list[Any]:
    """What the description says where the inputs are silent. Unsupported if it does not."""
    found = re.findall(pattern, vector.description)
    if not found:
        raise Unsupported(f"neither inputs nor description say what {pattern!r} looks for")
    return found


class Feed:
    """A pipeline being fed one word after the other."""

    def __init__(self, *pipeline: Transform) -> None:
        self.pipeline = pipeline
        self.states: States = start(pipeline)

    def hear(
        self, reading: Reading, now_ns: int = 0, sources: Mapping[str, Reading] = MappingProxyType({})
    ) -> Reading:
        self.states, out = run(self.pipeline, self.states, reading, sources, now_ns=now_ns)
        return out


def anchored(vector: Vector) -> Answer:
    given = vector.inputs
    reporter, tolerance = number(given, "reporter"), units(number(given, "tolerance"))
    rule = Anchor(source="anchor", tolerance_wad=tolerance)
    out = Feed(rule).hear(word(reporter), 0, {"anchor": word(number(given, "anchor"))})
    return {"accepted": not out.conditions, "min_anchor": price(rule.least_anchor(units(reporter)))}


def broken_once(vector: Vector) -> Answer:
    given = vector.inputs
    rule = Breaker(factor_wad=units(number(given, "factor")))
    state = rule.probe(rule.start(), units(number(given, "last")))
    return {"broken": rule.probe(state, units(number(given, "new"))).broken}


def broken_series(vector: Vector) -> Answer:
    given = vector.inputs
    told_factor = find(given, "factor")
    factor = as_number(told_factor or told(vector, r"factor (\d+(?:\.\d+)?)")[0], "factor")
    rule = Breaker(factor_wad=units(factor))
    state, broken = rule.start(), []
    for value in numbers(given, "values"):
        state = rule.probe(state, units(value))
        broken.append(state.broken)
    return {"broken": broken}


def latency_fee(vector: Vector) -> Answer:
    given = vector.inputs
    prices = numbers(given, "prices")
    rule = _fee_rule(vector, number(given, "decay"), len(prices))
    fee = rule.fee_wad(Rounds(tuple(units(value) for value in prices)).prices)
    return {"fee_wad": fee, "fee_bps": Fraction(fee, WAD // 10_000)}


def beyond_threshold(vector: Vector) -> Answer:
    """The pairs to compare stand in the description; all of them must be equally far apart."""
    rule = _fee_rule(vector, Fraction(0), 2)
    pairs = told(vector, r"(\d+(?:\.\d+)?) vs (\d+(?:\.\d+)?)")
    found = {rule.deviation_wad(units(Fraction(new)), units(Fraction(old))) for new, old in pairs}
    if len(found) > 1:
        raise Unsupported("several pairs with different answers, and one answer expected")
    return {"ratio": found.pop()}


def _fee_rule(vector: Vector, decay: Fraction, rounds: int) -> LatencyFee:
    threshold = number(vector.inputs, "threshold")
    return LatencyFee(threshold_wad=units(threshold), decay_wad=units(decay), rounds=rounds)


def push_feed(vector: Vector) -> Answer:
    """A price that moves by a factor each minute, seen by a feed: what it says, and how far off it is."""
    given = vector.inputs
    first = number(given, "start", default=1)
    factor = number(given, "factor_per_min", default=1)
    rule = DeviationHeartbeat(
        deviation_ppb=int(number(given, "deviation", default=1) * PPB),
        heartbeat_ns=nanoseconds(number(given, "heartbeat")),
    )
    feed, times, worst = Feed(rule), [], Fraction(0)
    for minute in range(int(number(given, "minutes"))):
        now_ns = minute * 60 * SECOND_NS
        market = word(first * factor**minute, now_ns)
        out = feed.hear(market, now_ns)
        if minute and out.observed_ns == now_ns:
            times.append(now_ns // SECOND_NS)
        worst = max(worst, measure.tracking_error(out.price or 0, market.price or 0))
    answer: Answer = {"updates": len(times), "update_times": times, "worst_error": worst}
    return {**answer, "first_update_t": times[0] if times else None}


def aggregated(vector: Vector) -> Answer:
    """Errors are multiples of the first source, which these vectors take for the true one."""
    values = numbers(vector.inputs, "sources")
    heard = {str(place): word(value) for place, value in enumerate(values)}
    median = Feed(Aggregate(sources=tuple(heard), rule="median")).hear(Reading(), 0, heard).price or 0
    mean = Feed(Aggregate(sources=tuple(heard), rule="mean")).hear(Reading(), 0, heard).price or 0
    return {
        "median": price(median),
        "mean": price(mean),
        "error_median": measure.multiple(median, units(values[0])),
        "error_mean": measure.multiple(mean, units(values[0])),
        "honest_min": price(least_honest([units(value) for value in values])),
    }


def fixed_point(vector: Vector) -> Answer:
    given = vector.inputs
    feed = FixedPoint(
        price=int(number(given, "price")),
        confidence=int(number(given, "conf")),
        exponent=int(number(given, "expo")),
    )
    times = int(number(given, "k", default=1) * PPB)
    sides: tuple[Side, Side] = ("low", "high")
    low, high = (Feed(Confidence(side=side, times_ppb=times)).hear(feed.reading(0)).price for side in sides)
    return {
        "price": feed.value(feed.price),
        "conf": feed.value(feed.confidence),
        "lower": feed.value(low or 0),
        "upper": feed.value(high or 0),
    }


def ema_weights(vector: Vector) -> Answer:
    ages = numbers(vector.inputs, "age_hours")
    half_life_ns = int(number(vector.inputs, "half_life_hours", default=1) * HOUR_NS)
    return {"weight": [Fraction(weight(int(age * HOUR_NS), half_life_ns), 1 << SCALE_BITS) for age in ages]}


def ema_step(vector: Vector) -> Answer:
    """The price stands for long at one value, jumps, and stands there for some minutes."""
    given = vector.inputs
    feed = Feed(HalfLife(half_life_ns=nanoseconds(number(given, "half_life"))))
    now_ns = nanoseconds(number(given, "minutes") * 60)
    feed.hear(word(number(given, "from_")), 0)
    feed.hear(word(number(given, "to")), 0)
    return {"ema": price(feed.hear(word(number(given, "to"), now_ns), now_ns).price)}


def short_window(vector: Vector) -> Answer:
    """The last observation is younger than the window: the mean over what there is, and over all of it."""
    given = vector.inputs
    window_ns = nanoseconds(number(given, "window_intended"))
    since_ns = nanoseconds(number(given, "seconds_since_last_observation"))
    spot, true = word(number(given, "spot_multiple")), word(Fraction(1))
    bare, whole = Feed(Twap(window_ns=window_ns, whole=False)), Feed(Twap(window_ns=window_ns))
    bare.hear(spot, window_ns - since_ns)
    whole.hear(true, 0)
    whole.hear(spot, window_ns - since_ns)
    return {
        "reported_multiple": price(bare.hear(spot, window_ns).price),
        "with_full_window": price(whole.hear(spot, window_ns).price),
    }


def manipulated_blocks(vector: Vector) -> Answer:
    given = vector.inputs
    blocks, held = int(number(given, "blocks")), int(number(given, "manipulated"))
    answer: Answer = {}
    for mean in ("arithmetic", "geometric"):
        feed = Feed(Twap(window_ns=blocks, mean=mean))
        for block in range(blocks):
            feed.hear(word(number(given, "multiple") if block < held else Fraction(1)), block)
        answer[mean] = price(feed.hear(word(Fraction(1)), blocks).price)
    return answer


def at_the_floor(vector: Vector) -> Answer:
    """A feed whose lowest answer is the one it gives, under a market below it."""
    given = vector.inputs
    oracle, market = number(given, "oracle"), number(given, "market")
    out = Feed(Clamp(least=units(oracle), most=WAD * WAD)).hear(word(market))
    if not out.conditions & CLAMPED or out.price is None:
        raise Unsupported("the market is above the oracle: no feed at its floor")
    return {
        "overvaluation": measure.multiple(out.price, units(market)),
        "borrow_per_dollar_of_luna": measure.credit_per_worth(out.price, units(market), number(given, "cf")),
    }


def pumped(vector: Vector) -> Answer:
    given = vector.inputs
    entry, peak = number(given, "entry"), number(given, "peak")
    return {
        "pnl_at_peak": measure.paper_profit(number(given, "qty"), entry, peak),
        "ratio": measure.multiple(peak, entry),
    }


def past_the_cap(vector: Vector) -> Answer:
    given = vector.inputs
    position = number(given, "position")
    return {
        "multiple": measure.multiple(position, number(given, "cap")),
        "collateral_high": measure.worth(position, number(given, "price_high")),
        "collateral_low": measure.worth(position, number(given, "price_low")),
    }


def shapes(*rows: tuple[Sequence[str], Sequence[str], Any]) -> tuple[Shape, ...]:
    """(inputs, expected names, adapter); an input with a `?` at its end may be missing."""
    return tuple(
        Shape(
            tuple(key for key in keys if not key.endswith("?")),
            tuple(key.rstrip("?") for key in keys if key.endswith("?")),
            tuple(asked),
            answer,
        )
        for keys, asked, answer in rows
    )


ADAPTERS = shapes(
    (("reporter", "anchor", "tolerance"), ("accepted", "min_anchor"), anchored),
    (("last", "new", "factor"), ("broken",), broken_once),
    (("values", "factor?"), ("broken",), broken_series),
    (("prices", "threshold", "decay"), ("fee_wad", "fee_bps"), latency_fee),
    (("threshold",), ("ratio",), beyond_threshold),
    (
        ("start?", "factor_per_min?", "minutes", "deviation?", "heartbeat"),
        ("updates", "update_times", "first_update_t", "worst_error"),
        push_feed,
    ),
    (("sources",), ("median", "mean"), aggregated),
    (("price", "conf", "expo", "k?"), ("price", "lower", "upper"), fixed_point),
    (("age_hours", "half_life_hours?"), ("weight",), ema_weights),
    (("from_", "to", "minutes", "half_life"), ("ema",), ema_step),
    (
        ("spot_multiple", "seconds_since_last_observation", "window_intended"),
        ("reported_multiple", "with_full_window"),
        short_window,
    ),
    (("multiple", "blocks", "manipulated"), ("arithmetic", "geometric"), manipulated_blocks),
    (("oracle", "market", "cf"), ("overvaluation",), at_the_floor),
    (("qty", "entry", "peak"), ("pnl_at_peak", "ratio"), pumped),
    (("cap", "position", "price_low", "price_high"), ("multiple", "collateral_high"), past_the_cap),
)
