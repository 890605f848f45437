"""Tail margins and backtests in shapes that are not in the folder: other ids and numbers, rows or lists."""

from __future__ import annotations

import json
import math

import pytest

from seawall.conform import run_conformance

stats = pytest.importorskip("scipy.stats")


def outcome(vectors, tmp_path):
    path = tmp_path / "one.json"
    path.write_text(json.dumps(vectors), encoding="utf-8")
    return run_conformance(path).files["one"]


def t_tail(level, dof, scale=1.0):
    q = stats.t.ppf(level, dof)
    return scale * q, scale * stats.t.pdf(q, dof) / (1 - level) * (dof + q * q) / (dof - 1)


VAR3, ES3 = t_tail(0.99, 3)
UNIT_VAR, UNIT_ES = t_tail(0.99, 3, math.sqrt(1 / 3))
SHAPES = [
    (
        "margin.student_var_es",
        {"nu": [3, 5], "alpha": [0.99]},
        {"rows": [
            {"nu": 5, "alpha": 0.99, "VaR": t_tail(0.99, 5)[0], "ES": t_tail(0.99, 5)[1]},
            {"nu": 3, "alpha": 0.99, "VaR": VAR3, "ES": ES3},
        ]},
    ),
    (
        "margin.student_var_es_x",
        {"nu": 3, "alpha": 0.99},
        {"VaR": VAR3, "ES": ES3, "VaR_unit_variance": UNIT_VAR, "ES_unit_variance": UNIT_ES},
    ),
    (
        "margin.pot_btc_daily",
        {"u": 0.058, "xi": 0.251, "beta": 0.0226, "n": 3918, "Nu": 196, "q": [0.99, 0.999]},
        {"VaR": [
            0.058 + 0.0226 / 0.251 * ((3918 / 196 * (1 - q)) ** -0.251 - 1) for q in (0.99, 0.999)
        ]},
    ),
    (
        "margin.pot_named",
        {"u": 0.0, "xi": 0.5, "beta": 1.0, "n": 1000, "Nu": 100},
        {"VaR99": 2 * (10**0.5 - 1), "ES99": 2 * (2 * (10**0.5 - 1)) + 2.0},
    ),
    ("margin.other_name", {"returns": [0.1, 0.2], "lam": 0.5}, {"variance": [0.01, 0.025]}),
    ("margin.hs", {"pnl": [-1.0, -2.0, -3.0, 4.0], "alpha": 0.5001}, {"VaR": 2.0}),
    ("backtests.kupiec_x", {"n": 500, "x": 5, "p": 0.01}, {"LR": 0.0, "p_value": 1.0}),
    (
        "backtests.christoffersen_six_clustered",
        {"T": 250, "p": 0.01, "hits": [50, 51, 52, 53, 180, 181]},
        {"n00": 241, "n01": 2, "n10": 2, "n11": 4},
    ),
    ("backtests.traffic_light_generalised", {"T": 1000, "p": 0.01}, {"green_max": 14, "yellow_max": 23}),
    (
        "backtests.traffic_light_cases",
        {"cases": [[365, 0.01], [8760, 0.001]]},
        {"rows": [
            {"T": 365, "p": 0.01, "green_max": 6, "yellow_max": 12},
            {"T": 8760, "p": 0.001, "green_max": 13, "yellow_max": 21},
        ]},
    ),
    (
        "backtests.acerbi_szekely_none",
        {"pnl": [0.1, 0.2], "VaR": [0.5, 0.5], "ES": [0.6, 0.7], "alpha": 0.05},
        {"N": 0, "Z2": 1.0},
    ),
    (
        "backtests.traffic_light_sizes",
        {"T": [250, 1000], "p": 0.01},
        {"rows": [
            {"T": 250, "green_upto": 4, "yellow_upto": 9},
            {"T": 1000, "green_upto": 14, "yellow_upto": 23},
        ]},
    ),
    (
        "backtests.kupiec_many",
        {"n": 250, "x": [0, 10], "p": 0.01},
        {"LR": [5.025167926750726, 12.955491062356018]},
    ),
    ("backtests.holm", {"p_values": [0.001, 0.04, 0.03]}, {"rejected": [True, False, False]}),
]  # fmt: skip


@pytest.mark.parametrize(("identity", "inputs", "expected"), SHAPES, ids=[shape[0] for shape in SHAPES])
def test_a_case_is_taken_by_the_shape_of_its_inputs(identity, inputs, expected, tmp_path):
    vector = {
        "id": identity,
        "inputs": inputs,
        "expected": expected,
        "tolerance": {"rel": 1e-9, "abs": 1e-12},
    }
    found = outcome([vector], tmp_path)
    assert found.reproduced == [identity], (found.differs, found.unsupported)


def test_a_planted_figure_differs(tmp_path):
    _, inputs, expected = SHAPES[3]
    vector = {
        "id": "margin.pot_x",
        "inputs": inputs,
        "expected": {**expected, "VaR99": expected["VaR99"] * 1.001},
    }
    assert [d.id for d in outcome([vector], tmp_path).differs] == ["margin.pot_x"]


def test_what_cannot_be_computed_says_why(tmp_path):
    pot = {"u": 1, "xi": 1.2, "beta": 1, "n": 9, "Nu": 3, "q": 0.99}
    garch = {"omega": 1, "alpha": 0.1, "beta": 0.8, "returns_ref": "none.pnl"}
    cases = [
        {"id": "margin.a", "inputs": pot, "expected": {"VaR": 1}},
        {"id": "margin.b", "inputs": {"nu": 1, "alpha": 0.99}, "expected": {"ES": 1}},
        {"id": "margin.c", "inputs": {"curve": [], "vol": [], "version": "9.9"}, "expected": {"delta": 1}},
        {"id": "margin.d", "inputs": garch, "expected": {"h_next": 1}},
    ]
    found = outcome(cases, tmp_path)
    words = [
        "xi is 1.200",
        "expected shortfall is infinite",
        "no calibration of SIMM 9.9",
        "which is not here",
    ]
    assert not found.reproduced and not found.differs
    assert all(word in told.reason for word, told in zip(words, found.unsupported, strict=True))


def test_returns_may_be_those_of_a_neighbour(tmp_path):
    model = {"omega": 1e-5, "alpha": 0.1, "beta": 0.8}
    here = {
        "id": "margin.filtered",
        "inputs": {**model, "returns_ref": "plain.pnl/100"},
        "expected": {"h_next": 0.0},
    }
    there = {"id": "margin.plain", "inputs": {"pnl": [1.0, -2.0], "alpha": 0.9}, "expected": {"VaR": 2.0}}
    h = 1e-5 / 0.1
    for r in (0.01, -0.02):
        h = 1e-5 + 0.1 * r * r + 0.8 * h
    here["expected"] = {"h_next": h}
    assert outcome([here, there], tmp_path).reproduced == ["margin.filtered", "margin.plain"]
