"""Options and auctions in shapes and numbers that the published files do not have, worked out by hand."""

from __future__ import annotations

import json

import pytest

from seawall.conform import run_conformance

CASES = [
    # Greater side 9.5 + 1.5 (call: 10 % of 95), the put's premium 2; then the put 14 and the call's premium.
    ("cboe-short-strangle", "", {"legs": [["P", 80, -1, 2], ["C", 110, -1, 1.5]], "S": 95}, {"margin": 1300}),
    ("cboe-short-strangle", "", {"legs": [["P", 80, -1, 6], ["C", 110, -1, 1.5]], "S": 95}, {"margin": 1550}),
    ("cboe-call-debit", "", {"legs": [["C", 250, 1, 3], ["C", 260, -1, 0.95]]}, {"margin": 205}),
    ("cboe-leaps", "", {"price": 8.5}, {"cash": 850, "margin": 638}),
    # 2 * (max(.15 * 1900, .13 * 1900) + 120), and 2 * (.09 * 1900 + 120)
    (
        "derive-srm-put",
        "",
        {"n": 2, "spot": 1900, "strike": 2000, "mark": 120, "cash": 2000, "type": "P"},
        {"option_im": -810, "option_mm": -582, "IM": 1190, "MM": 1418},
    ),
    # Bought below, sold above: no spot loses.
    (
        "derive-srm-spread",
        "",
        {"legs": [["C", 1800, 1, 120], ["C", 2000, -1, 60]], "spot": 1900, "cash": 100},
        {"option_im": 0, "IM": 100, "MM": 100},
    ),
    (
        "deribit-option-settle-call",
        "Inverse call",
        {"K": 10000, "S": 12500.37, "premium": 0.05123},
        {"payoff_btc": 2500.37 / 12500.37, "pnl_btc": 2500.37 / 12500.37 - 0.05123},
    ),
    # The page's own examples: a put of strike 40 at a spot of 100, and a bought option worth 30.
    ("paradex-option", "", {"spot": 100, "strike": 40, "mark": 25, "type": "put"}, {"imr": 10, "mmr": 5}),
    (
        "paradex-option",
        "",
        {"spot": 100, "strike": 80, "mark": 30, "type": "call", "size": 1},
        {"imr": 20, "mmr": 10},
    ),
    # max(4500 - 2000, 3000) + 300; max(900, 9) + 300 + 60
    (
        "bybit-option-im",
        "short call",
        {"index": 30000, "mark": 300, "strike": 32000, "size": -1},
        {"IM": 3300, "MM": 1260},
    ),
    # 30 % of 100,000 is less than 50k: the threshold is 50,000.
    ("okx-adl", "", {"avg_8h": 100_000, "current": 60_000}, {"threshold": 50_000, "adl": False}),
    ("okx-partial", "", {"held": 2_500, "tier1_max": 2_000}, {"to_close": 500}),
]


def run(identity, description, inputs, expected, tmp_path):
    vector = {"id": identity, "description": description, "inputs": inputs, "expected": expected}
    path = tmp_path / "one.json"
    path.write_text(json.dumps([vector]), encoding="utf-8")
    return run_conformance(path).files["one"]


@pytest.mark.parametrize(("identity", "description", "inputs", "expected"), CASES)
def test_unseen_numbers_come_out(identity, description, inputs, expected, tmp_path):
    found = run(identity, description, inputs, expected, tmp_path)
    assert found.reproduced == [identity], (found.differs, found.unsupported)


@pytest.mark.parametrize(("identity", "description", "inputs", "expected"), CASES)
def test_a_number_a_thousandth_off_differs(identity, description, inputs, expected, tmp_path):
    off = {name: value if isinstance(value, bool) else value * 1.01 + 1 for name, value in expected.items()}
    found = run(identity, description, inputs, off, tmp_path)
    assert [d.id for d in found.differs] == [identity]


@pytest.mark.parametrize(
    ("identity", "inputs", "why"),
    [
        ("cboe-naked", {"legs": [["C", 250, -1, 3]]}, "no price of the underlying"),
        ("cboe-odd", {"legs": [["X", 250, -1, 3]]}, "neither a call nor a put"),
        ("deribit-sm-option", {"underlying": 1, "strike": 1, "mark_in_coin": 1}, "call or a put"),
        ("derive-auction", {"mtm": 1}, "unknown shape"),
    ],
)
def test_what_cannot_be_read_says_why(identity, inputs, why, tmp_path):
    (found,) = run(identity, "", inputs, {"margin": 1, "IM": 1, "fee": 1}, tmp_path).unsupported
    assert why in found.reason
