"""Oracle vectors: all but one come out; others of the same shapes, with other ids and numbers, do so too."""

from __future__ import annotations

import json

import pytest

from seawall.conform import run_conformance
from tests.conform.test_published import only, shared

# What was put in is a figure of the press, which follows from none of the inputs.
REPORTED = {"mango-2022-pnl": "nothing here answers to collateral_in"}
ELSEWHERE = {
    "lending/llamma": ("llamma-oracle-limiter",),
    "lending/maker_auction": ("osm-delay",),
    "lending/aave_v3": ("aave-sentinel",),
    "venues/mango": ("mango-stableprice",),
    "venues/drift": ("drift-oracle",),
}


def test_every_oracle_vector_is_reproduced_but_a_reported_figure():
    (found,) = run_conformance(shared("lending/oracles")).files.values()
    ids = [vector["id"] for vector in json.loads(shared("lending/oracles").read_text(encoding="utf-8"))]
    assert not found.differs
    assert {one.id: one.reason for one in found.unsupported} == REPORTED
    assert found.reproduced == [one for one in ids if one not in REPORTED]


@pytest.mark.parametrize("name", ELSEWHERE)
def test_the_oracle_rules_of_other_files_are_reproduced(name):
    (found,) = run_conformance(shared(name)).files.values()
    ids = [vector["id"] for vector in json.loads(shared(name).read_text(encoding="utf-8"))]
    wanted = [one for one in ids if one.startswith(ELSEWHERE[name])]
    assert wanted and [one for one in found.reproduced if one.startswith(ELSEWHERE[name])] == wanted


def feed(price, prev, at, second, second_at):
    return {
        "chainlink": {"price": price, "prev": prev, "timestamp": at, "ok": True},
        "tellor": {"price": second, "timestamp": second_at, "ok": True},
        "last_good": 77,
        "now": 20_000,
    }


OTHERS = {
    "anchor at its limit": (
        {"reporter": 50, "anchor": 40, "tolerance": 0.2},
        {"accepted": True, "min_anchor": 40},
    ),
    "breaker": ({"last": 10, "new": 29.999, "factor": 3}, {"broken": False}),
    "series": ({"values": [4, 0, 4], "factor": 3}, {"broken": [False, True, True]}),
    "fee": (
        {"prices": ["11", "10"], "threshold": 0.01, "decay": 0.5},
        {"fee_wad": 90000000000000000, "fee_bps": 900},
    ),
    "feed": (
        {"start": 100, "factor_per_min": 1.01, "minutes": 5, "deviation": 0.02, "heartbeat": 600},
        {"updates": 2, "first_update_t": 120},
    ),
    "beats": ({"minutes": 5, "heartbeat": 120}, {"update_times": [120, 240]}),
    "sources": ({"sources": [3, 1, 2, 4]}, {"median": 2.5, "mean": 2.5, "error_mean": 2.5 / 3}),
    "pyth": ({"price": 5, "conf": 2, "expo": 1}, {"price": 50, "conf": 20, "lower": 30, "upper": 70}),
    "weights": ({"age_hours": [2, 0.5]}, {"weight": [0.25, 0.7071067811865476]}),
    "ema": ({"from_": 2, "to": 4, "minutes": 60, "half_life": 1800}, {"ema": 3.5}),
    "window": (
        {"spot_multiple": 3, "seconds_since_last_observation": 10, "window_intended": 40},
        {"reported_multiple": 3, "with_full_window": 1.5},
    ),
    "blocks": ({"multiple": 16, "blocks": 4, "manipulated": 2}, {"arithmetic": 8.5, "geometric": 4}),
    "floor": ({"oracle": 1, "market": 0.5, "cf": 0.8}, {"overvaluation": 2}),
    "donation": ({"assets": 30, "shares": 20, "donation": 10}, {"price_per_share_after": 2}),
    "cap": (
        {"cap": 10, "position": 25, "price_low": 1, "price_high": 2},
        {"multiple": 2.5, "collateral_high": 50},
    ),
    "good": (feed(100, 99, 19_000, 98, 19_000), {"price": 100, "status": "chainlinkWorking"}),
    "frozen": (feed(100, 99, 1, 98, 19_000), {"price": 98, "status": "usingTellorChainlinkFrozen"}),
    "both": (feed(100, 0, 19_000, 98, 0), {"price": 77, "status": "bothOraclesUntrusted"}),
    "growth": (
        {"snapshot_ratio": "1000000", "max_yearly_growth_bps": 1000, "dt": 31536000, "live": "1200000"},
        {"max_ratio": "1100000", "capped": True, "underprice": 1 / 12},
    ),
    "limiter": (
        {"old": "1000000000000000000", "cases": [[2, 119], [2, 120]]},
        {"limited": ["1250000000000000000", "2000000000000000000"]},
    ),
    "queue": (
        {"hop": 10, "calls": [[11, 5], [19, 6], [20, 7]]},
        {
            "log": [
                {"t": 11, "source_price": 5, "poked": True, "cur": None, "nxt": 5},
                {"t": 19, "source_price": 6, "poked": False, "cur": None, "nxt": 5},
                {"t": 20, "source_price": 7, "poked": True, "cur": 5, "nxt": 7},
            ]
        },
    ),
    "gate": (
        {"sequencer_answer": 0, "seconds_since_status_change": 11, "grace": 10, "hf": 0.99},
        {"liquidation_allowed": True},
    ),
    "ladder": (
        {
            "price": 10,
            "twap": 61,
            "confidence": 0,
            "delay_slots": 0,
            "guardrails": {
                "slots_before_stale_for_amm": 1,
                "slots_before_stale_for_margin": 2,
                "confidence_max": 0.02,
                "too_volatile_ratio": 5,
            },
        },
        {"validity": "TooVolatile"},
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_another_vector_of_the_same_shape_is_answered_whatever_its_id(name, tmp_path):
    inputs, expected = OTHERS[name]
    found = only({"id": f"x {name}", "inputs": inputs, "expected": expected}, tmp_path)
    assert found.reproduced == [f"x {name}"], (found.differs, found.unsupported)


@pytest.mark.parametrize("name", OTHERS)
def test_a_wrong_number_is_found(name, tmp_path):
    inputs, expected = OTHERS[name]
    key, value = next(iter(expected.items()))
    wrong = {bool: lambda: not value, str: lambda: value + "1", list: lambda: value[:-1]}
    altered = wrong.get(type(value), lambda: value * 1.001 + 0.001)()
    found = only({"id": name, "inputs": inputs, "expected": {key: altered}}, tmp_path)
    assert [one.id for one in found.differs] == [name]


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("broken", [None, "", -1, [], {}, "nan", 0])
def test_inputs_that_are_no_such_thing_are_no_answer_and_no_crash(name, broken, tmp_path):
    inputs, expected = OTHERS[name]
    for key in inputs:
        vector = {"id": name, "inputs": {**inputs, key: broken}, "expected": expected}
        found = only(vector, tmp_path)
        assert not any("failed:" in str(one.got) for one in found.differs), (key, found.differs)


def test_an_absolute_tolerance_may_stand_beside_its_number(tmp_path):
    inputs, expected = OTHERS["ema"]
    near, far = {"ema": 3.4, "ema_tol": 0.1}, {"ema": 3.4, "ema_tol": 0.0999}
    assert only({"id": "a", "inputs": inputs, "expected": near}, tmp_path).reproduced
    assert only({"id": "a", "inputs": inputs, "expected": far}, tmp_path).differs
    assert expected == {"ema": 3.5}
