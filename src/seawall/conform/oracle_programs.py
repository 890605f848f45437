"""Oracle programs with a memory, against their contracts: price feeds with a fallback, caps, queues, ladders.

Prices are read in 1e-18 of the vector's unit unless a program has its own precision. Every answer is a step
of `market.transforms`. Sources: Liquity v1, Aave CAPO and sentinel, Maker OSM, LLAMMA, Mango v4, Drift.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from seawall.conform.model import Vector
from seawall.conform.oracles import nanoseconds, price, shapes, told, units, word
from seawall.conform.reading import Answer, as_number, find, number, rows, table
from seawall.errors import Unsupported
from seawall.market.transforms import measure
from seawall.market.transforms.delay import UP, DelayQueue, SequencerGate
from seawall.market.transforms.fallback import Fallback, Status, Trust
from seawall.market.transforms.publish import Limiter, Published
from seawall.market.transforms.ratio import RateCap, Snapshot, implied_growth, share_price
from seawall.market.transforms.reading import CLAMPED, WAD, Last, Reading
from seawall.market.transforms.stable import NANO, StablePrice
from seawall.market.transforms.validity import PRECISION, Validity
from seawall.units import PPB, SECOND_NS

DAY_NS = 86_400 * SECOND_NS
SLOT_NS = 400_000_000
BPS = 10_000
LIMIT_WAD, LIMIT_NS = WAD + WAD // 4, 120 * SECOND_NS  # LLAMMA's constants
LIQUITY = {  # what the contract calls a status
    Status.PRIMARY_WORKING: "chainlinkWorking",
    Status.USING_SECONDARY_PRIMARY_UNTRUSTED: "usingTellorChainlinkUntrusted",
    Status.BOTH_UNTRUSTED: "bothOraclesUntrusted",
    Status.USING_SECONDARY_PRIMARY_FROZEN: "usingTellorChainlinkFrozen",
    Status.USING_PRIMARY_SECONDARY_UNTRUSTED: "usingChainlinkTellorUntrusted",
}


def _answered(oracle: dict[str, Any]) -> Reading:
    """An oracle's response; one that failed says nothing."""
    value = number(oracle, "price") if find(oracle, "ok") is not False else None
    return word(value, nanoseconds(number(oracle, "timestamp")))


def price_feed(vector: Vector) -> Answer:
    given = vector.inputs
    first, second = table(given, "chainlink"), table(given, "tellor")
    named = find(given, "status") or LIQUITY[Status.PRIMARY_WORKING]
    status = next((status for status, name in LIQUITY.items() if name == named), None)
    if status is None:
        raise Unsupported(f"{named!r} is no status of the price feed")
    primary, rule = _answered(first), Fallback(secondary="tellor")
    previous = units(number(first, "prev"))
    state = Trust(
        status=int(status),
        good=Last(units(number(given, "last_good"))),
        newest=Last(previous if previous > 0 else -1, primary.observed_ns - 1),
    )
    now_ns = nanoseconds(number(given, "now"))
    state, out = rule.step(state, primary, {"tellor": _answered(second)}, now_ns)
    return {"price": price(out.price), "status": LIQUITY[Status(state.status)]}


def growth_cap(vector: Vector) -> Answer:
    given = vector.inputs
    growth = number(given, "max_yearly_growth_bps") / BPS
    rule = RateCap(growth_ppb=int(growth * PPB))
    state = Snapshot(int(number(given, "snapshot_ratio")), 0)
    live, now_ns = int(number(given, "live")), nanoseconds(number(given, "dt"))
    _state, out = rule.step(state, Reading(price=live, observed_ns=now_ns), {}, now_ns)
    return {
        "max_ratio": rule.most(state, now_ns),
        "capped": bool(out.conditions & CLAMPED),
        "underprice": measure.shortfall(out.price or 0, live),
    }


def limited_snapshot(vector: Vector) -> Answer:
    """A snapshot raised by one step, and the cap reported some days (the description says) after its time."""
    given = vector.inputs
    rule = RateCap(growth_ppb=0, max_step_ppb=int(number(given, "max_step") * PPB))
    days = number(given, "days", default=as_number(told(vector, r"(\d+) days ago")[0], "days"))
    cap, market = units(number(given, "reported_cap")), units(number(given, "market"))
    state = Snapshot(units(number(given, "old_snapshot")), 0)
    state = rule.retake(state, units(number(given, "target")), 0)
    return {
        "new_snapshot": price(state.ratio),
        "underprice": measure.shortfall(cap, market),
        "implied_yearly_growth": implied_growth(cap, state.ratio, int(days * DAY_NS)),
    }


def limited(vector: Vector) -> Answer:
    """Each case from the same last write: a price, and how long after it."""
    given = vector.inputs
    rule, last = Limiter(factor_wad=LIMIT_WAD, window_ns=LIMIT_NS), Last(int(number(given, "old")))
    found = []
    for value, seconds in given["cases"]:
        now_ns = nanoseconds(as_number(seconds, "seconds"))
        reading = word(as_number(value, "price"), now_ns)
        found.append(rule.step(Published(last, 0), reading, {}, now_ns)[1].price)
    return {"limited": found}


def delayed(vector: Vector) -> Answer:
    rule = DelayQueue(hop_ns=nanoseconds(number(vector.inputs, "hop")))
    state, log = rule.start(), []
    for seconds, value in vector.inputs["calls"]:
        now_ns = nanoseconds(as_number(seconds, "t"))
        due = rule.is_due(state, now_ns)
        state, _out = rule.step(state, word(as_number(value, "price"), now_ns), {}, now_ns)
        log.append(
            {
                "t": seconds,
                "source_price": value,
                "poked": due,
                "cur": price(state.current.price or None),
                "nxt": price(state.following.price or None),
            }
        )
    return {"log": log}


def sentinel(vector: Vector) -> Answer:
    given = vector.inputs
    rule = SequencerGate(source="uptime", grace_ns=nanoseconds(number(given, "grace")))
    up = number(given, "sequencer_answer") == 0
    status = Reading(price=UP if up else UP + 1, observed_ns=0)
    now_ns = nanoseconds(number(given, "seconds_since_status_change"))
    state, _out = rule.step(rule.start(), Reading(), {"uptime": status}, now_ns)
    return {"liquidation_allowed": rule.allows(state, units(number(given, "hf")), now_ns)}


def donated(vector: Vector) -> Answer:
    given = vector.inputs
    assets = int(number(given, "assets") + number(given, "donation"))
    return {"price_per_share_after": price(share_price(assets, int(number(given, "shares"))))}


def stable_price(vector: Vector) -> Answer:
    given, params = vector.inputs, table(vector.inputs, "params")
    rule = StablePrice(
        interval_s=int(number(params, "delay_interval_seconds")),
        intervals=int(number(params, "delay_slots")),
        delay_growth_ppb=int(number(params, "delay_growth_limit") * PPB),
        stable_growth_ppb=int(number(params, "stable_growth_limit_per_second") * PPB),
        min_gap_s=int(number(params, "min_update_gap_s")),
        max_gap_s=int(number(params, "max_dt_s")),
    )
    state, now_ns = rule.reset(units(number(given, "reset_price")), 0), 0
    for row in rows(given, "updates"):
        for _each in range(int(number(row, "n"))):
            now_ns += nanoseconds(number(row, "dt_s"))
            state, _out = rule.step(state, word(number(row, "price"), now_ns), {}, now_ns)
    answer: Answer = {"stable_price": Fraction(state.stable_nano, NANO * WAD)}
    answer["last_delay_interval_index"] = state.interval
    for place, delay_nano in enumerate(state.delays_nano):
        answer[f"delay_price_{place}"] = Fraction(delay_nano, NANO * WAD)
    return answer


def validity(vector: Vector) -> Answer:
    given, rails = vector.inputs, table(vector.inputs, "guardrails")
    rule = Validity(
        twap="twap",
        too_volatile_ratio=int(number(rails, "too_volatile_ratio")),
        max_confidence_millionths=int(number(rails, "confidence_max") * PRECISION),
        confidence_times=int(number(given, "tier_multiplier", default=1)),
        max_age_ns=int(number(rails, "slots_before_stale_for_margin")) * SLOT_NS,
        late_after_ns=int(number(rails, "slots_before_stale_for_amm")) * SLOT_NS,
    )
    millionths = int(number(given, "price") * PRECISION), int(number(given, "twap") * PRECISION)
    reading = Reading(price=millionths[0], confidence=int(number(given, "confidence") * PRECISION))
    age_ns = int(number(given, "delay_slots")) * SLOT_NS
    return {"validity": rule.verdict(reading, millionths[1], reading.observed_ns + age_ns).title}


ADAPTERS = shapes(
    (("chainlink", "tellor", "last_good", "now", "status?"), ("price", "status"), price_feed),
    (("snapshot_ratio", "max_yearly_growth_bps", "dt", "live"), ("max_ratio", "capped"), growth_cap),
    (
        ("old_snapshot", "max_step", "target", "reported_cap", "market", "days?"),
        ("new_snapshot", "underprice"),
        limited_snapshot,
    ),
    (("old", "cases"), ("limited",), limited),
    (("hop", "calls"), ("log",), delayed),
    (
        ("sequencer_answer", "seconds_since_status_change", "grace", "hf"),
        ("liquidation_allowed",),
        sentinel,
    ),
    (("assets", "shares", "donation"), ("price_per_share_after",), donated),
    (("params", "reset_price", "updates"), ("stable_price",), stable_price),
    (("price", "twap", "confidence", "delay_slots", "guardrails"), ("validity",), validity),
)
