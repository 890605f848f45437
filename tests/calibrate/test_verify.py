"""Models judged on quotes, and a book's margin under each of them."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from seawall.calibrate.black import black_price
from seawall.calibrate.book_margin import (
    Book,
    OptionLine,
    book_margin,
    horizon_law,
    model_error_reserve,
    to_atoms,
    weighted_tail,
)
from seawall.calibrate.mispricing import matched_vol, tail_mispricing
from seawall.calibrate.model_fit import exact_prices, fit_model, quick_prices
from seawall.calibrate.models.catalogue import CATALOGUE
from seawall.calibrate.models.levy import Black, Cgmy, Kou, Merton
from seawall.calibrate.models.stochastic import Heston
from seawall.calibrate.quotes import Chain, make_chains
from seawall.calibrate.verify import admitted, challenge, parity_faults, split_chain, static_faults, verify
from seawall.errors import InputError, NumberError
from seawall.pricing.surface import YEAR_NS

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "options" / "deribit_chains_2026.parquet"
TRUTH = Merton(vol=0.45, intensity=4.0, jump_mean=-0.08, jump_vol=0.1)


def quoted(model, days, half=0.005):
    """A chain whose mid prices are the model's own, with a spread of `half` of vol either side."""
    years = round(days / 365 * YEAR_NS) / YEAR_NS
    k = np.linspace(-0.4, 0.3, 15)
    ones = np.ones_like(k)
    empty = Chain(
        observed_ns=0,
        expiry_ns=round(days / 365 * YEAR_NS),
        forward=100.0,
        forwards=100.0 * ones,
        strikes=100.0 * np.exp(k),
        is_call=k >= 0.0,
        bid_usd=ones,
        ask_usd=ones,
        bid_vol=0.5 * ones - half,
        ask_vol=0.5 * ones + half,
        mid_vol=0.5 * ones,
    )
    price = exact_prices(model, empty)
    tick = 0.02 * np.sqrt(years)
    return msgspec.structs.replace(empty, bid_usd=price - tick, ask_usd=price + tick)


CHAINS = [quoted(TRUTH, 10), quoted(TRUTH, 40)]


def test_the_fit_finds_the_model_its_quotes_came_from():
    fit = fit_model("merton", CHAINS)
    assert fit.rmse_vol < 1e-5 and fit.converged and not fit.at_bound and fit.quotes == 30
    assert fit.model.vol == pytest.approx(0.45, rel=1e-2)
    assert fit.model.intensity == pytest.approx(4.0, rel=0.1)


def test_the_true_model_is_inside_every_spread_and_black_is_not():
    true, black = verify(TRUTH, CHAINS), challenge(["black"], CHAINS)[0]
    assert true.inside_share == 1.0 and true.rmse_coin < 1e-12 and true.faults == ()
    assert black.test.inside_share < 0.7 and black.test.rmse_coin > 1e-4
    assert admitted([black], least_inside=0.9) == () and len(admitted([black], least_inside=0.0)) == 1


def test_fitting_on_half_leaves_the_other_half_for_the_test():
    fitted, tested = split_chain(CHAINS[0])
    assert sorted([*fitted.strikes, *tested.strikes]) == list(CHAINS[0].strikes)
    assert verify(TRUTH, [fitted]).quotes + verify(TRUTH, [tested]).quotes == 15


@pytest.mark.parametrize("name", CATALOGUE)
def test_the_prices_of_a_fit_are_those_of_the_exact_way(name):
    entry = CATALOGUE[name]
    model = entry.make([limits[0] for limits in entry.ranges.values()])
    for one in CHAINS:
        assert quick_prices(model, one) == pytest.approx(exact_prices(model, one), abs=2e-5 * 100.0)


def test_prices_with_an_arbitrage_are_named_by_strike():
    strikes, puts = np.array([90.0, 100.0, 110.0, 120.0]), np.array([2.0, 6.0, 13.0, 21.0])
    assert static_faults(strikes, puts) == ()
    assert "fall by 0.5 from strike 90 to 100" in static_faults(strikes, [2.0, 1.5, 13.0, 21.0])[0]
    assert "more than the strike from 110 to 120" in static_faults(strikes, [2.0, 6.0, 13.0, 24.0])[0]
    assert "not convex at strike 110" in static_faults(strikes, [2.0, 6.0, 14.0, 21.0])[0]
    assert "parity is off by 0.5" in parity_faults([90.0], [12.5], [2.0], 100.0, [0.2])[0]
    assert parity_faults([90.0], [12.1], [2.0], 100.0, [0.2]) == ()


def test_tail_mispricing_is_the_published_table():
    model = Merton(vol=0.45, intensity=6, jump_mean=-0.08, jump_vol=0.08)
    rows = tail_mispricing(model, forward=60_000, moneyness=(0.95, 0.9, 0.85, 0.8), years=3 / 365)
    assert matched_vol(model, 3 / 365) == pytest.approx(0.5284884104689525, rel=1e-12)
    assert [row.ratio for row in rows] == pytest.approx(
        [1.1168177692649088, 4.778590141651551, 90.70348969542714, 6722.192222504969], rel=1e-9
    )
    assert rows[1].implied_vol == pytest.approx(0.6822989594748874, rel=1e-9)
    with pytest.raises(InputError, match="double precision"):
        tail_mispricing(model, forward=60_000, moneyness=(0.1,), years=1 / 365)


def test_matched_vol_of_other_models_is_from_their_variance():
    kou = Kou(vol=0.4, intensity=5.0, p_up=0.4, eta_up=15.0, eta_down=12.0)
    variance = 0.16 + 5.0 * (0.4 * 2 / 225 + 0.6 * 2 / 144)
    assert matched_vol(kou, 0.1) == pytest.approx(np.sqrt(variance), rel=1e-6)


@given(
    st.lists(st.tuples(st.floats(-9, 9), st.floats(0.01, 1.0)), min_size=1, max_size=30), st.floats(0.6, 0.99)
)
def test_the_tail_of_weighted_losses_is_the_rockafellar_uryasev_minimum(pairs, level):
    losses, weights = (np.array(column) for column in zip(*pairs))
    var, shortfall = weighted_tail(losses, weights, level)
    share = weights / weights.sum()
    least = min(at + np.sum(share * np.maximum(losses - at, 0.0)) / (1.0 - level) for at in losses)
    assert shortfall == pytest.approx(least, rel=1e-9, abs=1e-9)
    assert shortfall >= var - 1e-9


def test_a_forward_under_black_has_the_shortfall_of_the_lognormal():
    years, vol, level = 1 / 365, 0.6, 0.99
    deviation = vol * np.sqrt(years)
    found = book_margin(
        Book(forward=100.0, lines=(), forwards_held=2.0), Black(vol=vol), horizon_years=years, level=level
    )
    quantile = norm.ppf(1 - level)
    var = 200.0 * (1 - np.exp(quantile * deviation - 0.5 * deviation**2))
    shortfall = 200.0 * (1 - norm.cdf(quantile - deviation) / (1 - level))
    assert found.var_usd == pytest.approx(var, rel=0.01)
    assert found.es_usd == pytest.approx(shortfall, rel=2e-3)


def test_a_book_of_options_under_black_agrees_with_paths():
    book = Book(forward=100.0, lines=(OptionLine(quantity=-3.0, strike=95.0, years=0.08, is_call=False),))
    found = book_margin(book, Black(vol=0.6), horizon_years=0.02, level=0.95)
    draws = norm.ppf((np.arange(200_000) + 0.5) / 200_000)
    after = 100.0 * np.exp(0.6 * np.sqrt(0.02) * draws - 0.5 * 0.36 * 0.02)
    now = black_price(100.0, 95.0, 0.6 * np.sqrt(0.08), False)
    loss = np.sort(3.0 * (black_price(after, 95.0, 0.6 * np.sqrt(0.06), False) - now))[::-1]
    assert found.es_usd == pytest.approx(loss[:10_000].mean(), rel=3e-3)
    assert found.value_usd == pytest.approx(-3.0 * now, rel=1e-12)


def test_the_reserve_is_what_the_worst_admitted_model_asks_beyond_the_base():
    lines = tuple(
        OptionLine(quantity=-1.0, strike=strike, years=0.05, is_call=strike > 100) for strike in (85.0, 115.0)
    )
    book = Book(forward=100.0, lines=lines)
    base = Black(vol=TRUTH.matched_vol)
    heston = Heston(v0=0.27, kappa=5.0, theta=0.27, xi=1.5, rho=-0.3)
    found = model_error_reserve(book, base, [TRUTH, heston], horizon_years=1 / 365)
    assert [one.name for one in found.others] == ["merton", "heston"]
    assert found.worst == "merton" and found.reserve_usd == found.others[0].es_usd - found.base.es_usd > 0.0
    alone = model_error_reserve(book, base, [], horizon_years=1 / 365)
    assert alone.reserve_usd == 0.0 and alone.worst == "black"
    assert to_atoms(found.reserve_usd, atoms_per_usd=1000) >= found.reserve_usd * 1000
    assert to_atoms(0.0001, atoms_per_usd=1000) == 1


def test_a_law_that_does_not_come_out_is_refused():
    with pytest.raises(NumberError, match="instead of 1"):
        horizon_law(Cgmy(c=1, g=5, m=8, y=0.3), 1 / 365)


LINE = OptionLine(quantity=1.0, strike=100.0, years=0.1, is_call=True)


@pytest.mark.parametrize(
    ("build", "word"),
    [
        (
            lambda: book_margin(Book(forward=100.0, lines=(LINE,)), Black(vol=0.5), horizon_years=0.2),
            "Settle",
        ),
        (lambda: book_margin(Book(forward=-1.0, lines=()), Black(vol=0.5), horizon_years=0.01), "positive"),
        (
            lambda: book_margin(Book(forward=1.0, lines=()), Black(vol=0.5), horizon_years=0.01, level=1.0),
            "level 1",
        ),
        (
            lambda: book_margin(
                Book(forward=1.0, lines=(msgspec.structs.replace(LINE, strike=0.0),)),
                Black(vol=0.5),
                horizon_years=0.01,
            ),
            "book line 0: strike 0",
        ),
        (lambda: fit_model("bachelier", CHAINS), "Known: black"),
        (lambda: fit_model("svcj", [split_chain(CHAINS[0])[0]]), "8 quotes for 10"),
        (lambda: verify(TRUTH, []), "no usable quotes"),
        (lambda: to_atoms(float("nan"), atoms_per_usd=10), "finite"),
    ],
)
def test_bad_input_is_a_sentence(build, word):
    with pytest.raises(InputError, match=word):
        build()


@pytest.mark.slow
def test_on_real_quotes_stochastic_variance_beats_jumps_and_jumps_beat_black():
    if not DATA.exists():
        pytest.skip("the option chains of ../shared are not here")
    frame = pl.read_parquet(DATA).filter(pl.col("currency") == "BTC")
    frame = frame.filter(pl.col("ts") == frame["ts"].unique().sort()[20])
    chains = [one for one in make_chains(frame, coin=True) if 5 / 365 < one.years < 0.3 and one.k.size >= 10]
    found = {one.test.name: one.test for one in challenge(["black", "merton", "heston", "svcj"], chains)}
    shares = [found[name].inside_share for name in ("black", "merton", "heston", "svcj")]
    assert shares == sorted(shares)
    assert found["svcj"].rmse_coin < found["heston"].rmse_coin < found["black"].rmse_coin
    assert all(one.faults == () for one in found.values())
