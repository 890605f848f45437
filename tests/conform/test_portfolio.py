"""Portfolio vectors: every one of the folder, and shapes and numbers that are not in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from seawall.conform import run_conformance
from tests.margin.portfolios import PARAMETERS, SCENARIOS, random_case
from tests.oracles.portfolio_margin import pm2

SHARED = Path(__file__).resolve().parents[3] / "shared" / "vectors"
COVERED = {
    "quant/margin": (
        "margin.span",
        "margin.deribit_pm",
        "margin.deribit_vol",
        "margin.deribit_ext",
        "margin.grid",
    ),
    "venues/deribit_docs": ("deribit-pm",),
    "venues/derive_docs": ("derive-pm",),
    "venues/okx_docs": ("okx-pm", "okx-mr"),
    "venues/bybit_docs": ("bybit-pm",),
    "venues/dederi_docs": ("dederi-",),
    "venues/cme_docs": ("cme-",),
    "venues/paradex_docs": ("paradex-min",),
}
# What its file says of itself: the printed number does not follow from the printed rule.
CONTRADICTS = {"derive-pm2-ivshock"}


@pytest.mark.parametrize("name", COVERED)
def test_every_published_figure_is_reproduced(name):
    path = SHARED / f"{name}.json"
    if not path.exists():
        pytest.skip("published vectors (../shared) are not here")
    ids = [vector["id"] for vector in json.loads(path.read_text(encoding="utf-8"))]
    wanted = {identity for identity in ids if identity.startswith(COVERED[name])} - CONTRADICTS
    (found,) = run_conformance(path).files.values()
    assert wanted and wanted <= set(found.reproduced)
    assert {entry.id for entry in found.differs if not entry.excused} == set()


def outcome(vector, tmp_path):
    path = tmp_path / "one.json"
    path.write_text(json.dumps([vector]), encoding="utf-8")
    return run_conformance(path).files["one"]


NAMES = {
    "linear_base": "LINEAR_SCALE_CAP", "linear_slope": "LINEAR_CBASE", "absolute_base": "ABS_SCALE_CAP",
    "absolute_slope": "ABS_CBASE", "least_width": "MIN_K_STAR", "width": "MIN_WIDTH_SCALE",
    "static": "VOL_PARAM_STATIC", "scale": "VOL_PARAM_SCALE", "vol_up": "VOLRANGEUP",
    "vol_down": "VOLRANGEDOWN", "vol_floor": "MIN_VOL_EVAL_SHOCKED", "short_power": "SHORTTERMPOWER",
    "long_power": "LONGTERMPOWER", "floor_days": "DTE_FLOOR", "mm_factor": "MM_LOSS_FACTOR",
    "im_factor": "IM_LOSS_FACTOR", "short_rate": "SHORT_RATE_MULTSCALE", "long_rate": "LONG_RATE_MULTSCALE",
    "short_add": "SHORT_RATE_ADDSCALE", "long_add": "LONG_RATE_ADDSCALE", "long_base": "BASE_STATIC_DISCOUNT",
    "short_base": "BASE_STATIC_DISCOUNT_NEG", "basis_up": "SCENARIO_SPOT_UP",
    "basis_down": "SCENARIO_SPOT_DOWN",
    "basis_add": "BASIS_CONT_ADD_FACTOR", "basis_mult": "BASIS_CONT_MULT_FACTOR",
    "peg_below": "PEG_LOSS_THRESHOLD", "peg_slope": "PEG_LOSS_FACTOR", "conf_below": "CONF_THRESHOLD",
    "conf_factor": "CONF_MARGIN", "perp_mm": "MM_PERP_PERCENT", "perp_im": "IM_PERP_PERCENT",
    "option_mm": "MM_OPTION_PERCENT", "option_im": "IM_OPTION_PERCENT",
}  # fmt: skip
MOVES = {"up": "Up", "down": "Down", "same": "None", "skew_linear": "LINEAR", "skew_absolute": "ABS"}


def venue_spelling(case):
    """A case of the slow model as the venue's own tests spell one: tables in tables, times in seconds."""
    seconds = {name: round(feed["years"] * 365 * 86_400) for name, feed in case["feeds"].items()}
    scenario = {
        "Cash": case["cash"], "SpotPrice": case["spot"], "SpotConfidence": case["spot_confidence"],
        "NumPerps": case["perps"], "PerpPrice": case["perp_price"], "PerpConfidence": case["perp_confidence"],
        "UnrealisedPerpPNL": case["upnl"], "StablePrice": case["stable"],
        "Collaterals": [
            {"Name": c["name"], "Amount": c["size"], "Price": c["price"], "Confidence": c["confidence"],
             "IsRiskCancelling": c["shocked"], "MMHaircut": c["mm"], "IMHaircut": c["im"],
             "ConfidenceFactor": c["conf_factor"]}
            for c in case["collaterals"]
        ],
        "Options": [
            {"Expiry": seconds[o["expiry"]], "Strike": o["strike"], "IsCall": int(o["call"]),
             "MarkVol": o["vol"], "Amount": o["size"]}
            for o in case["options"]
        ],
        "OptionFeeds": [
            {"FeedExpiry": seconds[name], "Forward": feed["forward"], "ForwardFixed": feed["fixed"],
             "Rate": feed["rate"], "ForwardConfidence": 1.0, "OptionVolConfidences": feed["confidence"]}
            for name, feed in case["feeds"].items()
        ],
    }  # fmt: skip
    listed = [
        {"SpotShock": 1 + move, "VolShockDirection": MOVES[vol], "DampeningFactor": weight}
        for move, vol, weight in SCENARIOS
    ]
    parameters = {"Scenarios": listed, "All": {NAMES[name]: value for name, value in PARAMETERS.items()}}
    return {"Scenario": scenario, "Parameters": parameters}


def plain_words(case):
    """The same in plain words: a perpetual's own table, options inside their expiry, collateral by name."""
    spelled = venue_spelling(case)
    expiries = [
        {
            "seconds": round(feed["years"] * 365 * 86_400),
            "forward": feed["forward"], "fixed": feed["fixed"],
            "rate": feed["rate"], "confidence": feed["confidence"],
            "options": [
                {"strike": o["strike"], "type": "call" if o["call"] else "put",
                 "vol": o["vol"], "size": o["size"]}
                for o in case["options"]
                if o["expiry"] == name
            ],
        }
        for name, feed in case["feeds"].items()
    ]  # fmt: skip
    collaterals = {
        c["name"]: {"amount": c["size"], "price": c["price"], "confidence": c["confidence"],
                    "risk_cancelling": c["shocked"], "mm_haircut": c["mm"], "im_haircut": c["im"],
                    "confidence_factor": c["conf_factor"]}
        for c in case["collaterals"]
    }  # fmt: skip
    return {
        "cash": case["cash"], "spot": case["spot"], "spot_confidence": case["spot_confidence"],
        "stable": case["stable"], "expiries": expiries, "collaterals": collaterals,
        "perp": {"size": case["perps"], "price": case["perp_price"], "confidence": case["perp_confidence"],
                 "upnl": case["upnl"]},
        **spelled["Parameters"],
    }  # fmt: skip


@pytest.mark.parametrize("spelling", [venue_spelling, plain_words])
@pytest.mark.parametrize("seed", range(40, 46))
def test_whole_portfolios_as_the_venue_and_as_others_would_spell_them(seed, spelling, tmp_path):
    case = random_case(seed, 40)
    seconds = [round(feed["years"] * 365 * 86_400) for feed in case["feeds"].values()]
    if len(set(seconds)) < len(seconds):  # the spelling knows an expiry by its time alone
        first = next(iter(case["feeds"]))
        case["feeds"] = {first: case["feeds"][first]}
        case["options"] = [option | {"expiry": first} for option in case["options"]]
    want = pm2(case, PARAMETERS)
    vector = {
        "id": "derive-pm2-case-unseen",
        "inputs": spelling(case),
        "expected": {"IM": want["IM"], "MM": want["MM"], "ForwardContingency": want["basis"]},
        "tolerance": {"rel": 1e-6, "abs": 1e-3},
        "status": "recomputed",
    }
    found = outcome(vector, tmp_path)
    assert found.reproduced == ["derive-pm2-case-unseen"], (found.differs, found.unsupported)


UNSEEN = [
    # Another range, another share of gains, a later day: the plain formula q * (1 - 1 / (1 + m)).
    (
        "deribit-pme-unseen",
        {
            "positions": {"ETH-PERPETUAL": -20.0, "ETH-27MAR26": 8.0},
            "price_range": 0.18,
            "buckets": 2,
            "min_annualised_move": 0.005,
            "annualised_move_risk": 0.05,
            "pnl_offset": 0.6,
            "mm_factor": 0.8,
            "T_27MAR26_days": 73.0,
        },
        {
            "perp_standard": [-20 * (1 - 1 / (1 + m)) for m in (-0.18, -0.09, 0, 0.09, 0.18)],
            "aggregated_standard": [
                x * (0.6 if x > 0 else 1)
                for x in (-12 * (1 - 1 / (1 + m)) for m in (-0.18, -0.09, 0, 0.09, 0.18))
            ],
            "worst_case": 12 * (1 - 1 / 1.18),
            "roll_shock": 20 * 0.005 + 8 * max(0.005, 0.05 * 73 / 365),
            "maintenance_margin": 0.8 * (12 * (1 - 1 / 1.18) + 20 * 0.005 + 8 * 0.01),
        },
    ),
    ("derive-pm1-volshock-x", {"dte": 3, "range": 0.6, "power": 0.3}, {"mult": 1 + 0.6 * 10**0.3}),
    ("okx-mr7-x", {"MR": 90_000, "MR7_raw": 80_000}, {"MR7_adj": 10_000 + 120_000 + 40_000, "MMR": 170_000}),
    (
        "okx-pm-builder-x",
        {"delta_usd": 5_000.0, "mr1_loss_at_-18pct": 900.0},
        {"mr4": 40.0, "mr6": 900.0, "mmr": 940.0, "imr": 1_222.0, "mr1_at_0.06": 300.0},
    ),
    ("bybit-pm-x", {"priceScale": [-0.15, 0, 0.15], "slope_usd": -200.0}, {"pnls": [30, 0, -30]}),
    ("cme-span-x", {"psr_usd": 1_000, "cvf": 50}, {"psr_points": 20}),
]


@pytest.mark.parametrize(("identity", "inputs", "expected"), UNSEEN)
def test_other_numbers_of_known_shapes_are_answered(identity, inputs, expected, tmp_path):
    vector = {"id": identity, "inputs": inputs, "expected": expected, "tolerance": {"rel": 1e-8, "abs": 1e-9}}
    found = outcome(vector | {"status": "recomputed"}, tmp_path)
    assert found.reproduced == [identity], (found.differs, found.unsupported)


def test_a_figure_that_is_wrong_is_told_apart(tmp_path):
    identity, inputs, expected = UNSEEN[0]
    wrong = expected | {"roll_shock": expected["roll_shock"] * 1.0001}
    vector = {"id": identity, "inputs": inputs, "expected": wrong, "tolerance": 1e-8, "status": "recomputed"}
    (differs,) = outcome(vector, tmp_path).differs
    assert [mismatch.path for mismatch in differs.mismatches] == ["roll_shock"]
