"""Option vectors: every published one this engine prices, and the same shapes with other names and numbers.

Expected numbers of the unseen cases: Black at 50 digits, or closed forms.
"""

from __future__ import annotations

import json
from pathlib import Path

import mpmath as mp
import pytest

from seawall.conform import run_conformance
from tests.kernels.black_oracle import oracle

FILE = Path(__file__).resolve().parents[3] / "shared" / "vectors" / "quant" / "options.json"
OURS = ("haug_", "black76_", "deribit_live_", "inverse_", "implied_vol_", "tail_ratio_")


def run(vectors: list[dict], tmp_path: Path):
    path = tmp_path / "options.json"
    path.write_text(json.dumps(vectors), encoding="utf-8")
    (found,) = run_conformance(path).files.values()
    return found


def test_every_published_price_greek_and_vol_is_reproduced():
    if not FILE.exists():
        pytest.skip("published vectors (../shared) are not here")
    (found,) = run_conformance(FILE).files.values()
    ids = [vector["id"] for vector in json.loads(FILE.read_text(encoding="utf-8"))]
    ours = {name for name in ids if name.split(".")[1].startswith(OURS)}
    assert len(ours) > 30
    assert ours <= set(found.reproduced) and not found.differs


def black(f, k, t, v, call) -> float:
    with mp.workdps(50):
        return float(oracle(mp.mpf(f), mp.mpf(k), mp.mpf(t), mp.mpf(v), call))


UNSEEN = [
    (
        "options.black76_expired",
        {"F": 100, "K": 90, "T_years": 0, "sigma": 0.5, "type": "call"},
        {"price": 10, "delta": 1, "gamma": 0, "vega": 0, "coin_price": 0.1},
        {"rel": 1e-13},
    ),
    (
        "options.black76_some_put_3d",
        {"F": 2500.0, "K": 2600.0, "T_years": 3 / 365, "sigma": 0.75, "type": "put"},
        {"price": black(2500, 2600, 3 / 365, 0.75, False)},
        {"rel": 1e-12},
    ),
    (
        "options.haug_another",
        {"type": "put", "S": 80.0, "K": 75.0, "r": 0.0, "q": 0.0, "T": 0.4, "sigma": 0.33},
        {"price": black(80, 75, 0.4, 0.33, False), "printed": round(black(80, 75, 0.4, 0.33, False), 4)},
        {"price": 1e-12, "printed": 1e-4},
    ),
    (
        "options.haug_greek_vega_put",  # the put's vega is the call's
        {"type": "put", "S": 55, "K": 60, "r": 0.1, "q": 0.0, "T": 0.75, "sigma": 0.3},
        {"value": 18.935777349617858, "printed": 18.9358},
        {"value": 1e-10, "printed": 1e-4},
    ),
    (
        "options.inverse_parity_x",
        {"F": 2000, "K": 2500, "T": 0.1, "sigma": 0.8},
        {
            "C": black(2000, 2500, 0.1, 0.8, True) / 2000,
            "P": black(2000, 2500, 0.1, 0.8, False) / 2000,
            "C_minus_P": -0.25,
        },
        {"abs": 1e-13},
    ),
    (
        "options.inverse_settlement_put",
        {"K": 100000, "S": 80000, "contracts": 3, "type": "put"},
        {"coin": 0.75, "usd": 60000},
        {"abs": 1e-9},
    ),
    (
        "options.implied_vol_99",
        {"price": black(1, 10, 1, 1.5, True), "F": 1.0, "K": 10.0, "T": 1.0, "type": "call"},
        {"sigma": 1.5},
        {"rel": 1e-13},
    ),
    (
        "options.implied_vol_bounds_x",
        {"cases": [{"price": 10, "F": 100, "K": 100, "T": 1, "type": "put"},
                   {"price": 101, "F": 100, "K": 100, "T": 1, "type": "put"},
                   {"price": 0, "F": 90, "K": 100, "T": 1, "type": "put"}]},
        {"result": ["ok", "above_maximum", "below_intrinsic"]},
        {"exact": True},
    ),
    (
        # Four degrees: 1/2 - 3/8 w (1 - w*w/12) with w = t / sqrt(1 + t*t/4); t = 2 sqrt 2.
        "options.tail_ratio_another",
        {"nu": 4.0},
        {"2sd": {"t": 0.5 - 0.375 * (8 / 3) ** 0.5 * (1 - (8 / 3) / 12), "normal": 0.022750131948179195}},
        {"rel": 1e-9},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("name", "inputs", "expected", "tolerance"), UNSEEN, ids=[row[0] for row in UNSEEN])
def test_other_cases_of_the_same_shapes_are_reproduced(name, inputs, expected, tolerance, tmp_path):
    found = run([{"id": name, "inputs": inputs, "expected": expected, "tolerance": tolerance}], tmp_path)
    assert (found.reproduced, found.differs, found.unsupported) == ([name], [], [])


def test_a_changed_input_changes_the_answer_and_a_strange_one_is_told(tmp_path):
    inputs = {"price": 8.0, "F": 100.0, "K": 100.0, "T": 1.0, "type": "call"}
    wrong = {"id": "options.implied_vol_0", "inputs": inputs, "expected": {"sigma": 0.2}}
    (differs,) = run([wrong], tmp_path).differs
    assert differs.got["sigma"] == pytest.approx(0.20086, abs=1e-4)
    (told,) = run([{**wrong, "inputs": {**inputs, "type": "straddle"}}], tmp_path).unsupported
    assert "neither call nor put" in told.reason
    (told,) = run([{**wrong, "inputs": {**inputs, "price": 101.0}}], tmp_path).unsupported
    assert "no option is worth that much" in told.reason


def test_the_tolerance_of_a_printed_figure_is_absolute(tmp_path):
    inputs = {"type": "call", "S": 55, "K": 60, "r": 0.1, "q": 0.0, "T": 0.75, "sigma": 0.3}
    vector = {"id": "options.haug_greek_gamma_call", "inputs": inputs, "tolerance": {"printed": 1e-4}}
    assert run([{**vector, "expected": {"printed": 0.0278}}], tmp_path).reproduced
    assert run([{**vector, "expected": {"printed": 0.0280}}], tmp_path).differs
