"""Each detector at both sides of its threshold, in the order of the list, and only with what it needs."""

from __future__ import annotations

import pytest

from seawall.watch.detectors import DETECTORS, NAMES, watch

# By name: figures, in the order the detector needs them, just beyond its threshold and just before it.
EDGES = {
    "SOURCE_COUNT_BELOW_QUORUM": ((2,), (3,)),
    "ORACLE_JUMP": ((3.0, 1.0), (2.9, 1.0)),
    "UNIT_OR_SCALE_CHANGE": ((1.12, 1.11), (1.12, 1.09)),
    "CONFIG_CHANGE_PRECEDES_ANOMALY": ((1.0, 600.0), (1.0, 3_600.0)),
    "ORACLE_RANGE": ((1.51,), (1.5,)),
    "SPOT_ORACLE_SAME_BLOCK": ((0.021,), (0.02,)),
    "MEDIAN_MAJORITY_MANIPULABLE": ((5, 11), (4, 11)),
    "FLASH_LOAN_FUNDED": ((1.0,), (0.0,)),
    "SINGLE_VENUE_DEVIATION": ((0.94, 1.0), (0.96, 1.0)),
    "STABLE_DEPEG_INPUT": ((1.06,), (0.96,)),
    "REDEMPTION_VALUE_GAP": ((0.97, 1.0), (0.985, 1.0)),
    "SEQUENCER_DOWN": ((1.0,), (0.0,)),
    "FEED_AT_FLOOR": ((0.1005, 0.1), (0.107, 0.1)),
    "STALE_FEED": ((4_000.0, 3_600.0), (3_900.0, 3_600.0)),
    "ORACLE_MARKET_DIVERGENCE": ((0.107, 0.01), (1.04, 1.0)),
    "SUPPLY_SHOCK": ((2.0, 100.0), (1.0, 100.0)),
    "CAP_EXCEEDED": ((15.0, 14.0), (14.0, 14.0)),
    "SHARE_PRICE_JUMP": ((2.0,), (1.005,)),
    "POSITION_VS_DEPTH": ((2.0, 1.0), (1.0, 1.0)),
    "DEBT_VS_DEPTH": ((2.0, 1.0), (1.0, 1.0)),
    "UTILISATION_100": ((1.0,), (0.999,)),
    "UNREALISED_PNL_WITHDRAWAL": ((11.0, 10.0), (10.0, 10.0)),
    "TOXIC_LTV": ((0.96, 0.05), (0.95, 0.05)),
    "LIQUIDATIONS_WITHOUT_MARKET_MOVE": ((1.0, 0.001, 0.01), (1.0, 0.02, 0.01)),
    "LIQUIDATION_FRAGMENTATION": ((101,), (100,)),
}
NEEDS = {one.name: one.needs for one in DETECTORS}


@pytest.mark.parametrize("name", NAMES)
def test_a_detector_fires_beyond_its_threshold_and_not_before(name):
    beyond, before = (dict(zip(NEEDS[name], values, strict=True)) for values in EDGES[name])
    assert name in [one.name for one in watch(beyond).findings]
    assert name not in [one.name for one in watch(before).findings] and name in watch(before).looked


def test_findings_come_in_the_order_of_the_list_and_say_what_was_compared():
    figures = {"sources_live": 2.0, "oracle_before": 1.0, "oracle_after": 500.5}
    found = watch(figures)
    assert [one.name for one in found.findings] == ["SOURCE_COUNT_BELOW_QUORUM", "ORACLE_JUMP"]
    assert found.findings[1].measured == 500.5 and found.findings[1].threshold == 3.0
    assert watch({}) == ((), ()) and set(EDGES) == {one.name for one in DETECTORS}
