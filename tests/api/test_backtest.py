"""`backtest` as a whole: the venue's own requirement exact, longs and shorts apart, files that repeat."""

from __future__ import annotations

import msgspec
import numpy as np
import polars as pl
import pytest

from seawall.api.backtest import backtest
from seawall.api.backtest_files import FILES, tables_of
from seawall.api.backtest_words import verdict
from seawall.api.desk import load_book
from seawall.errors import InputError, SeawallError
from seawall.rulebooks.load import load_rulebook
from tests.calibrate.histories import as_csv, walk, without

pytest.importorskip("scipy")
FAST = ("historical",)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """900 days from 2019 on with a fall of 45 % on 2021-05-19, of a made-up bitcoin."""
    path = tmp_path_factory.mktemp("history") / "BTCUSDT_4h.csv"
    as_csv(walk(days=900, crash={6 * 869 + 2: -0.45}), path)
    return path


@pytest.fixture(scope="module")
def found(file):
    return backtest("harbor", file, models=("historical", "pot", "dynamic"))


def test_the_venues_row_is_the_statement_of_its_own_rulebook(found):
    desk = load_book(
        [
            {
                "account": "one", "instrument": "BTC-PERP", "size": "-100", "entry_price": "10000",
                "collateral_asset": "USDC", "collateral_amount": "10000000",
            }
        ],
        load_rulebook("harbor"),
        {"BTC-PERP": "10000"},
    )  # fmt: skip
    (row,) = desk.statement("one")
    exact = float(row.requirement.replace(",", "")) / 1_000_000
    own = [path for path in found.paths if path.row.model == "harbor"]
    assert [path.row.side for path in own] == ["long", "short"]
    for path in own:
        # Whole lots of 0.001 BTC at prices near 10,000 are within 1e-5 of the notional.
        assert np.allclose(path.margin, exact, rtol=1e-4)


def test_a_larger_position_needs_a_larger_rate_where_the_rulebook_has_tiers(file):
    rates = [
        backtest("hyperliquid", file, models=(), notional=notional).paths[0].row.mean_margin
        for notional in ("1_000_000", "400_000_000")
    ]
    assert rates[0] == pytest.approx(0.0125, rel=1e-4) and rates[1] > 0.015


def test_an_inverse_contract_is_measured_in_its_coin(file):
    found = backtest("kraken-inverse", file, models=FAST)
    linear = backtest("harbor", file, models=FAST)
    loss = linear.losses["long"]
    assert np.allclose(found.losses["long"], loss / (1 - loss))
    assert found.paths[0].row.mean_margin == pytest.approx(0.01, rel=0.01)


def test_the_crash_is_told_for_longs_and_the_short_side_held(found):
    told = {(path.row.model, path.row.side): {c.crisis: c for c in path.crises} for path in found.paths}
    for model in ("harbor", "historical", "pot", "dynamic"):
        crash = told[model, "long"]["2021-05-19"]
        assert crash.verdict == "did not hold" and crash.worst_loss > 0.4 and crash.worst_surplus < -0.2
    assert told["pot", "short"]["2021-05-19"].worst_surplus > told["pot", "long"]["2021-05-19"].worst_surplus


def test_a_day_before_the_first_margin_is_not_judged_and_a_note_says_why(found):
    assert {crisis.crisis for path in found.paths for crisis in path.crises} == {"2021-05-19"}
    assert any(note.startswith("2020-03-12 lies before the first margin (2020-05-") for note in found.notes)


def test_a_fixed_rate_far_below_the_risk_is_too_low_and_said_so(found):
    own = found.paths[0]
    assert own.rejected and verdict(own) == "too low"
    told = tables_of(found).sentences
    assert "The maintenance margin of harbor for BTC-PERP is 1.05% of notional" in told[0]
    assert "it did not hold at the worst price of 2021-05-19" in told[1]


def test_files_are_complete_and_the_same_bytes_again(found, file, tmp_path):
    again = backtest("harbor", file, models=("historical", "pot", "dynamic"))
    one, two = tmp_path / "one", tmp_path / "two"
    assert [path.name for path in found.save(one)] == list(FILES)
    again.save(two)
    assert all((one / name).read_bytes() == (two / name).read_bytes() for name in FILES)
    results = pl.read_csv(one / "results.csv")
    assert results.height == 8 and set(results["side"]) == {"long", "short"}
    assert pl.read_parquet(one / "margins.parquet").height == 8 * (found.begin_ns.size - found.first)
    page = (one / "backtest.html").read_text("utf-8")
    assert page.count("<svg role") == 6 and "http" not in page.replace("http-equiv", "")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"models": ("garch",)}, "there is no 'garch'"),
        ({"models": ("pot", "pot")}, "named twice"),
        ({"level": 1.0}, "level: 1.0 is not usable"),
        ({"horizon": "5 h"}, "is no whole number of bars of 4 h"),
        ({"horizon": "1"}, "has no unit"),
        ({"horizon": "30 d"}, "windows of 30 d, and the first margin looks back on 500"),
        ({"notional": "a lot"}, "'a lot' is not a finite decimal number"),
        ({"notional": "0.01"}, "is less than a lot of BTC-PERP"),
        ({"notional": "-5"}, "is less than a lot of BTC-PERP"),
        ({"requirement": "none"}, "has no such level"),
        ({"instrument": "ETH-PERP"}, "it holds prices of BTC, ETH-PERP follows ETH"),
        ({"instrument": "XYZ"}, "no instrument or coin of that name"),
        ({"lookback": 100}, "100 windows of past"),
        ({"start": "2031-01-01"}, "no row lies between"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_words(file, options, words):
    with pytest.raises(SeawallError, match=words):
        backtest("harbor", file, **{"models": FAST, **options})


def test_a_history_in_another_currency_is_refused(file, tmp_path):
    euros = tmp_path / "BTCEUR_4h.csv"
    euros.write_bytes(file.read_bytes())
    with pytest.raises(InputError, match="prices are in EUR, BTC-PERP is quoted in USDC"):
        backtest("harbor", euros, models=FAST)


def test_dollars_of_another_kind_are_taken_and_a_nameless_file_too_but_said(file, tmp_path):
    assert any("Prices are in USDT" in note for note in backtest("harbor", file, models=()).notes)
    plain = tmp_path / "prices.csv"
    plain.write_bytes(file.read_bytes())
    notes = backtest("harbor", f"BTC={plain}", models=()).notes
    assert any("names no currency" in note for note in notes)


def test_dynamic_margin_without_volume_is_refused_and_the_others_are_not(file, tmp_path):
    bare = tmp_path / "BTCUSDT_4h.csv"
    rows = file.read_text("utf-8").splitlines()
    bare.write_text("\n".join(row.rsplit(",", 1)[0] for row in rows) + "\n")
    with pytest.raises(InputError, match="no volume"):
        backtest("harbor", bare)
    assert len(backtest("harbor", bare, models=FAST).paths) == 4


def test_no_margin_changes_when_the_days_after_it_do(tmp_path):
    """Prices and volumes after a midnight are others; margins up to the window that begins then are not."""
    history, cut = walk(days=760), 6 * 700
    columns = {}
    for name in ("open", "high", "low", "close", "volume"):
        values = getattr(history, name).copy()
        values[cut:] *= np.linspace(1.0, 3.0, values.size - cut)
        columns[name] = values
    found = []
    for name, one in (("a", history), ("b", msgspec.structs.replace(history, **columns))):
        path = tmp_path / f"BTCUSDT_{name}.csv"
        as_csv(one, path)
        found.append(backtest("harbor", path, models=("historical", "fhs-ewma", "dynamic")))
    same = int(np.searchsorted(found[0].begin_ns, history.time_ns[cut])) - found[0].first + 1
    for one, other in zip(found[0].paths, found[1].paths):
        assert one.margin[:same].tobytes() == other.margin[:same].tobytes()
        if one.row.model == "dynamic":
            assert not np.array_equal(one.margin, other.margin)


def test_few_windows_are_said_to_show_little(file):
    notes = backtest("harbor", file, models=(), lookback=250, end="2020-02-01").notes
    assert any("145 windows, of which 1.5 may exceed" in note for note in notes)


def test_gaps_are_counted_and_said(tmp_path):
    path = tmp_path / "BTCUSDT_4h.csv"
    as_csv(without(walk(days=900), slice(1001, 1014)), path)
    notes = backtest("harbor", path, models=FAST).notes
    assert any("13 of 5,400 bars are missing" in note for note in notes)
    assert any("windows lack a price at an end" in note for note in notes)


def test_the_print_of_2017_04_15_is_refused(tmp_path):
    history = walk(days=900)
    for share, words in ((1.5e-4, r"bar of .*the low is .*\(-99\.9\d%\)"), (5e-5, "line 702: low is")):
        low = history.low.copy()
        low[700] = history.open[700] * share
        path = tmp_path / "BTCUSDT_4h.csv"
        as_csv(
            type(history)(**{**{n: getattr(history, n) for n in history.__struct_fields__}, "low": low}), path
        )
        with pytest.raises(InputError, match=words):
            backtest("harbor", path, models=FAST)
