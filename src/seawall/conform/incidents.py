"""Incidents: the figures of a record become evidence, and the detectors that have what they need look at it.

A label that no detector can show from the figures (who funded both sides, what a governance vote changed) is
a judgement: a record that carries one is unsupported, and says which. Nothing here knows an incident by its
name.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from seawall.conform.market_models import real
from seawall.conform.model import Vector
from seawall.conform.reading import Answer, Asked, find
from seawall.errors import Unsupported
from seawall.watch.detectors import watch

HEARTBEAT_S = 3_600.0  # of the usual price feeds
HOUR_S = 3_600.0
# Figure of a record -> evidence, as it stands.
NAMED = {
    "sources_live": "sources_live",
    "reported_eth": "oracle_in_ether",
    "reported": "oracle_after",
    "oracle": "oracle_after",
    "market": "market_price",
    "min_answer": "least_answer",
    "manipulable": "spot_sources",
    "sources": "sources",
    "flash_loan_eth": "flash_loan",
    "flash_eth": "flash_loan",
    "utilisation": "utilisation",
    "minted": "minted",
    "supply_before": "supply",
    "cap": "supply_cap",
    "position": "supplied",
    "pps_multiple": "share_price_multiple",
    "liquidatable_usd": "liquidatable",
    "depth_4pct_usd": "depth_value",
    "withdrawn_usd": "withdrawn",
    "funding_usd": "own_funds",
    "liquidations": "liquidations",
}


def evidence(vector: Vector) -> dict[str, float]:
    """What the figures say, in the detectors' terms."""
    given = vector.inputs
    found: dict[str, float] = {}
    for name, meaning in NAMED.items():
        value = find(given, name)
        if isinstance(value, int | float | Fraction) and not isinstance(value, bool):
            found[meaning] = float(value)
    within = "flash_loan" in found  # borrowed and repaid in one transaction
    if find(given, "price_multiple") is not None:
        found |= {"oracle_before": 1.0, "oracle_after": real(vector, "price_multiple")}
        if within:
            found["same_block_move"] = abs(found["oracle_after"] - 1.0)
            del found["oracle_before"], found["oracle_after"]  # a move inside a block is no new round
    if within and find(given, "low") is not None:
        found["same_block_move"] = real(vector, "high") / real(vector, "low") - 1.0
    if find(given, "multiple") is not None and "sources_live" in found:  # a mean of all live sources
        bad, live = real(vector, "bad_sources"), found["sources_live"]
        found |= {"oracle_before": 1.0, "oracle_after": (live - bad + bad * real(vector, "multiple")) / live}
    if find(given, "anchor_bound") is not None:  # a stable coin's peak on one venue, the others at par
        peak = real(vector, "peak")
        found |= {"stable_input": peak, "venue_price": peak, "other_venues": 1.0}
    if "oracle_in_ether" in found:  # a derivative is worth about one of its underlying
        value = found["oracle_in_ether"]
        found |= {"oracle_before": 1.0, "oracle_after": value, "market_price": 1.0}
    if find(given, "hours") is not None:
        down = real(vector, "hours") * HOUR_S
        found |= {"sequencer_down_s": down, "feed_age_s": down, "heartbeat_s": HEARTBEAT_S}
    return found


def detect(vector: Vector) -> Answer:
    """The detectors that fire. Unsupported where a label is none that these figures can show."""
    seen = watch(evidence(vector))
    told = [str(label) for label in vector.expected.get("detectors", [])]
    beyond = [label for label in told if label not in seen.looked]
    if beyond:
        raise Unsupported(f"{', '.join(beyond)}: a judgement that its figures cannot show")
    return {"detectors": [finding.name for finding in seen.findings]}


ADAPTERS: tuple[Any, ...] = (Asked(("detectors",), detect),)
