"""The published numbers of ../shared, and shapes of theirs that are not in it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from seawall.conform import run_conformance

SHARED = Path(__file__).resolve().parents[3] / "shared" / "vectors"
COVERED = (
    "venues/binance_docs",
    "venues/bitmex_docs",
    "venues/bybit_docs",
    "venues/cboe_docs",
    "venues/cme_docs",
    "venues/dederi_docs",
    "venues/deribit_docs",
    "venues/derive_docs",
    "venues/okx_docs",
    "venues/paradex_docs",
    "venues/drift",
    "venues/gmx",
    "venues/synthetix",
    "venues/dydx",
    "venues/kraken_docs",
    "venues/mango",
    "venues/hyperliquid",
    "venues/hyperliquid_docs",
)
FIGURES = (
    "quant/options",
    "quant/margin",
    "quant/backtests",
    "quant/calibration",
    "quant/early_warning",
    "quant/forensics",
    "quant/market",
    "lending/aave_v3",
    "lending/liquity",
    "lending/maker_auction",
    "lending/compound_v3",
    "lending/morpho_euler",
    "lending/uniswap_v2",
    "lending/uniswap_v3",
    "lending/hybrid_liquidity",
    "lending/llamma",
    "lending/eisenberg_noe",
    "lending/fire_sales",
    "lending/deleveraging_calibration",
)
NOT_YET = {
    "hyperliquid-oct10-aggregate-0": "needs the event's data",
    "deribit-fee-2022": "parameters only",
    "mango-bankr-3": "cut from",
    "mango-bankr-11": "cut from",
    "calibration.cheng_btc_margins": "nothing among its inputs",
    "calibration.black_vs_svcj_inside_spread": "nothing among its inputs",
    "calibration.svcj_deribit_medians": "nothing among its inputs",
    "market.calib_btc_daily": "a data set that its file does not hold",
    "market.calib_alts_daily": "a data set that its file does not hold",
    "market.calib_dependence": "a data set that its file does not hold",
    "market.oct10_2025_lows": "nothing among its inputs",
    "market.oct10_2025_event": "nothing among its inputs",
    "market.minimal_price_process": "real days it does not hold",
}
# Printed numbers that contradict their own page, by the file's own word.
CONTRADICT = {"derive-auction-max2", "derive-pm2-ivshock"}


def shared(name: str) -> Path:
    path = SHARED / f"{name}.json"
    if not path.exists():
        pytest.skip("published vectors (../shared) are not here")
    return path


@pytest.mark.parametrize("name", COVERED)
def test_every_covered_vector_is_reproduced_and_the_others_say_why_not(name):
    (found,) = run_conformance(shared(name)).files.values()
    assert all(d.excused and d.id in CONTRADICT for d in found.differs)
    assert {u.id: NOT_YET[u.id] in u.reason for u in found.unsupported} == {
        u.id: True for u in found.unsupported
    }
    ids = [vector["id"] for vector in json.loads(shared(name).read_text(encoding="utf-8"))]
    assert found.reproduced == [one for one in ids if one not in NOT_YET and one not in CONTRADICT]


@pytest.mark.parametrize("name", FIGURES)
def test_every_published_figure_of_models_and_pools_is_reproduced(name):
    (found,) = run_conformance(shared(name)).files.values()
    assert not found.differs
    assert all(NOT_YET[u.id] in u.reason for u in found.unsupported)
    ids = [vector["id"] for vector in json.loads(shared(name).read_text(encoding="utf-8"))]
    assert found.reproduced == [one for one in ids if one not in NOT_YET]


@pytest.mark.slow
def test_every_vector_of_every_file_is_accounted_for():
    shared(COVERED[0])
    found = run_conformance(SHARED)
    for name, result in found.files.items():
        ids = [vector["id"] for vector in json.loads((SHARED / f"{name}.json").read_text(encoding="utf-8"))]
        told = [*result.reproduced, *(d.id for d in result.differs), *(u.id for u in result.unsupported)]
        assert sorted(told) == sorted(ids)
        assert all(u.reason and "no adapter for ids" not in u.reason for u in result.unsupported)
    assert found.passed


def only(vector, tmp_path):
    path = tmp_path / "one.json"
    path.write_text(json.dumps([vector]), encoding="utf-8")
    return run_conformance(path).files["one"]


UNSEEN = [
    # freqtrade tests/exchange: the FAQ's two positions, cross and isolated.
    (
        "binance-usdm-lp-x",
        {
            "WB": 1535443.01,
            "TMM": 356512.508,
            "UPNL": -448192.89,
            "cum": 16300,
            "side": 1,
            "q": 109.488,
            "ep": 32481.98,
            "mmr": 0.025,
        },
        {"liquidation_price": 26316.89},
        5e-6,
    ),
    (
        "binance-usdm-lp-y",
        {
            "WB": 1535443.01,
            "TMM": 71200.81144,
            "UPNL": -56354.57,
            "cum": 135365,
            "side": 1,
            "q": 3683.979,
            "ep": 1456.84,
            "mmr": 0.1,
        },
        {"liquidation_price": 1153.26},
        5e-6,
    ),
    # A recorded Bybit answer (ETHUSDT, tick 0.05): displayed prices are rounded to the safe side.
    (
        "bybit-linear-live",
        {"size": 0.1, "entry": 1198.45, "positionBalance": 28.58931118, "mmr": 0.005, "taker": 0.0006},
        {"liqPrice": 919.10, "bustPrice": 913.15},
        1e-9,
    ),
    # The page's second example: at equality it starts, with nothing to close.
    (
        "bybit-adl-drawdown-2",
        {
            "pool": 1e6,
            "symbol_loss": 3e5,
            "trigger_ratio": -0.3,
            "stop_ratio": -0.25,
            "trigger_threshold": 1,
        },
        {"pnlRatio": -0.3, "triggered": True, "adl_amount": 0},
        1e-6,
    ),
    # The documented ladder: a fifth above 100,000 USDC, 30 s, then the rest; the vault below two thirds.
    (
        "hyperliquid-partial-x",
        {"notional": [99_000, 300_000], "equity_over_maintenance": [0.8, 0.8]},
        {
            "first_order_fraction": [1.0, 0.2],
            "cooldown_s": 30,
            "second_order_fraction": 1.0,
            "backstop_below": 2 / 3,
        },
        1e-6,
    ),
    # freqtrade tests/exchange: a position whose liquidation price is 2,800 times below its entry.
    (
        "hyperliquid-liqprice-x",
        {
            "entry": 63287.0,
            "side": "long",
            "size": 0.00039,
            "collateral_usd": 24.673292,
            "user_leverage": 1.0,
            "max_leverage": 50,
        },
        {"liquidation_price": 22.37166537},
        1e-4,
    ),
]


@pytest.mark.parametrize(("name", "inputs", "expected", "tolerance"), UNSEEN)
def test_other_published_cases_of_the_same_shapes_are_reproduced(name, inputs, expected, tolerance, tmp_path):
    vector = {"id": name, "inputs": inputs, "expected": expected, "tolerance": tolerance}
    found = only(vector, tmp_path)
    assert (found.reproduced, found.differs, found.unsupported) == ([name], [], [])


@pytest.mark.parametrize("side", ["long", "short"])
def test_a_changed_input_changes_the_answer(side, tmp_path):
    """So that no adapter can be right by handing the expected number back."""
    vector = {
        "id": "bybit-inverse-cross-lp",
        "inputs": {"Q": 10000, "entry": 8000, "balance": 0.5, "mmr": 0.006, "taker": 0.00075, "side": side},
        "expected": {"liquidation_price": 5739.5},
        "tolerance": 1e-9,
    }
    (differs,) = only(vector, tmp_path).differs
    assert differs.got["liquidation_price"] != 5739.5


# Fang and Oosterlee's other cases, SVCJ at Deribit's medians (oracle: its Riccati equations, integrated step
# by step, into Lewis's integral by mpmath), and what a theorem says of a slice.
UNSEEN_MODELS = [
    (
        "options.cgmy_Y1.98",
        {"S": 100, "K": 100, "T": 1, "r": 0.1, "C": 1, "G": 5, "M": 5, "Y": 1.98},
        {"call": 99.9999055100641},
    ),
    (
        "options.vg_other",
        {"S": 100, "K": 90, "T": 1, "r": 0.1, "q": 0, "sigma": 0.12, "nu": 0.2, "theta": -0.14},
        {"call": 19.0993547242020929},
    ),
    (
        "options.svcj_btc_medians",
        {
            **{"F": 80000, "K": 90000, "T": 0.25, "v0": 0.2249, "kappa": 13.377, "theta": 0.1082},
            **{"sigma_v": 0.9402, "rho": -0.4253, "lam": 1.2879, "mu_y": -0.0676, "sigma_y": 0.1576},
            **{"mu_v": 0.7375, "rho_j": -0.0303},
        },
        {"call": 3383.094040010503},
    ),
    ("options.svi_flat", {"a": 0.04, "b": 0.0, "rho": 0.0, "m": 0.0, "sigma": 0.1}, {"arbitrage_free": True}),
    (
        "options.ssvi_calendar",
        {"theta": 0.04, "phi": 5.0, "rho": -0.6},
        {"calendar_bound": 25.0, "cond1": 0.32},
    ),
]


@pytest.mark.parametrize(("identity", "inputs", "expected"), UNSEEN_MODELS)
def test_other_smiles_and_models_of_the_same_shapes(identity, inputs, expected, tmp_path):
    vector = {"id": identity, "inputs": inputs, "expected": expected, "tolerance": {"rel": 1e-10}}
    found = only(vector, tmp_path)
    assert found.reproduced == [identity], (found.differs, found.unsupported)


def test_the_command_itself_has_what_models_need(tmp_path):
    """A process of its own leaves SciPy out for most commands; not for this one."""
    identity, inputs, expected = UNSEEN_MODELS[0]
    path = tmp_path / "one.json"
    path.write_text(json.dumps([{"id": identity, "inputs": inputs, "expected": expected}]), "utf-8")
    words = [sys.executable, "-m", "seawall.cli.main", "conform", str(path)]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0 and "1 reproduced" in done.stdout
