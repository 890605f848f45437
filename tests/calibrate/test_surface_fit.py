"""Fits: known smiles come back, arbitrage is repaired or refused with the reason, real chains fit."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.calibrate.quotes import Chain, make_chains
from seawall.calibrate.smile import fault_of, make_target
from seawall.calibrate.ssvi_fit import fit_ssvi
from seawall.calibrate.surface_fit import fit_surface
from seawall.calibrate.svi_fit import fit_slice
from seawall.errors import InputError
from seawall.pricing.ssvi import PowerLaw, to_raw
from seawall.pricing.surface import YEAR_NS, static_faults
from seawall.pricing.svi import G_FLOOR, RawSvi, butterfly, total_variance

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "options" / "deribit_chains_2026.parquet"
K = np.linspace(-0.8, 0.8, 25)
GOOD = RawSvi(a=0.01, b=0.12, rho=-0.25, m=0.03, sigma=0.3)
VOGT = RawSvi(a=-0.0410, b=0.1331, rho=0.3060, m=0.3586, sigma=0.4153)


def vols(svi, years, k=K):
    return np.sqrt(total_variance(svi, k) / years)


def test_a_smile_that_is_svi_comes_back():
    fit = fit_slice(make_target(K, vols(GOOD, 0.25), 0.25))
    assert fit.how == "svi" and fit.rmse_vol < 1e-9
    assert fit.svi is not None
    got = [getattr(fit.svi, name) for name in RawSvi.__struct_fields__]
    assert got == pytest.approx([0.01, 0.12, -0.25, 0.03, 0.3], rel=1e-5)


def test_the_smile_of_vogt_is_repaired_and_stays_near_its_quotes():
    k = np.linspace(-1.0, 1.4, 31)
    fit = fit_slice(make_target(k, vols(VOGT, 1.0, k), 1.0))
    assert fit.how == "penalised" and "below zero" in fit.reason and fit.plain_rmse_vol < 1e-8
    assert fit.svi is not None and butterfly(fit.svi).g_min >= G_FLOOR
    assert fit.rmse_vol < 0.01


@settings(max_examples=12, deadline=None)
@given(
    st.sampled_from([(1 / 365, 3.0), (30 / 365, 1.0), (1.0, 0.6)]),
    st.lists(st.floats(-0.25, 0.25), min_size=9, max_size=9),
    st.floats(-1.0, 1.0),
)
def test_whatever_the_quotes_a_slice_has_no_arbitrage_or_there_is_none(regime, noise, skew):
    years, width = regime
    k = np.linspace(-width, width, 9) * np.sqrt(years)
    vol = 0.6 * (1.0 + skew * k + np.array(noise))
    fit = fit_slice(make_target(k, np.clip(vol, 0.05, 4.0), years))
    if fit.svi is None:
        assert fit.how == "refused" and fit.reason
    else:
        assert butterfly(fit.svi).g_min >= G_FLOOR and butterfly(fit.svi).holds


def test_a_smile_that_no_slice_comes_near_is_refused_with_how_far():
    vol = np.where(np.abs(K) < 0.2, 0.3, 1.2)
    vol[::2] *= 1.6
    fit = fit_slice(make_target(K, vol, 0.25))
    assert not fit.accepted and "limit 0.05" in fit.reason
    assert fit_slice(make_target(K, vol, 0.25), max_rmse_vol=2.0).accepted


def test_a_slice_keeps_above_the_one_before_and_below_the_one_after():
    low, high = (
        RawSvi(a=0.02, b=0.12, rho=-0.25, m=0.03, sigma=0.3),
        RawSvi(a=0.05, b=0.13, rho=-0.25, m=0.03, sigma=0.3),
    )
    free = fit_slice(make_target(K, vols(GOOD, 0.25), 0.25))
    held = fit_slice(make_target(K, vols(GOOD, 0.25), 0.25, floor=low, ceiling=high))
    assert free.svi is not None and held.svi is not None
    assert "below the expiry before" in fault_of(free.svi, make_target(K, vols(GOOD, 0.25), 0.25, floor=low))
    assert "above the expiry after" in fault_of(high, make_target(K, vols(high, 0.25), 0.25, ceiling=low))
    pressed = fit_slice(make_target(K, vols(high, 0.25), 0.25, ceiling=low), max_rmse_vol=1.0)
    assert pressed.svi is not None and "above the expiry after" in pressed.reason
    k = np.linspace(-4.0, 4.0, 401)
    assert np.all(total_variance(pressed.svi, k) <= total_variance(low, k) + 1e-10)
    assert np.all(total_variance(held.svi, k) >= total_variance(low, k) - 1e-10)
    assert np.all(total_variance(held.svi, k) <= total_variance(high, k) + 1e-10)


def test_ssvi_finds_the_law_its_quotes_came_from():
    law = PowerLaw(eta=1.1, gamma=0.4, rho=-0.35)
    thetas = (0.004, 0.02, 0.06)
    targets = [
        make_target(K, vols(to_raw(law.slice_at(theta)), years), years)
        for theta, years in zip(thetas, (0.02, 0.1, 0.3))
    ]
    fit = fit_ssvi(targets)
    assert fit.law.free_of_arbitrage
    assert (fit.law.eta, fit.law.gamma, fit.law.rho) == pytest.approx((1.1, 0.4, -0.35), rel=1e-3)
    assert fit.thetas == pytest.approx(thetas, rel=1e-4) and max(fit.rmse_vol) < 1e-4


def chain(svi, days, *, k=K, half=0.004):
    years = days / 365
    vol = vols(svi, years, k)
    forward = 50_000.0
    ones = np.ones_like(k)
    return Chain(
        observed_ns=0,
        expiry_ns=round(years * YEAR_NS),
        forward=forward,
        forwards=forward * ones,
        strikes=forward * np.exp(k),
        is_call=k >= 0.0,
        bid_usd=ones,
        ask_usd=ones,
        bid_vol=vol - half,
        ask_vol=vol + half,
        mid_vol=vol,
    )


def test_an_expiry_with_too_few_quotes_is_refused_and_the_others_make_the_surface():
    law = PowerLaw(eta=1.0, gamma=0.4, rho=-0.3)
    slices = [to_raw(law.slice_at(theta)) for theta in (0.003, 0.012, 0.05)]
    poor = chain(slices[0], 2, k=K[:3])
    found = fit_surface([poor, chain(slices[1], 10), chain(slices[2], 45)])
    assert [one.fit.how for one in found.expiries] == ["refused", "svi", "svi"]
    assert "3 usable quotes, 5 are needed" in found.refused[0].fit.reason
    assert len(found.surface.smiles) == 2 and static_faults(found.surface) == ()
    assert all(one.inside_spread == 1.0 for one in found.expiries[1:])


def test_a_surface_of_nothing_refuses_everything():
    found = fit_surface([chain(GOOD, 5, k=K[:2])])
    assert found.surface.smiles == () and found.ssvi is None and len(found.refused) == 1


@pytest.mark.parametrize(
    ("build", "word"),
    [
        (lambda: make_target(K, np.full(25, 6.0), 0.25), "vol must be in"),
        (lambda: make_target(K, np.zeros(25), 0.25), "vol must be in"),
        (lambda: make_target(K[:4], np.ones(4), 0.25), "4 quotes"),
        (lambda: make_target(K, np.ones(24), 0.25), "differ in length"),
        (lambda: make_target(K, np.ones(25), -0.1), "years to expiry"),
        (lambda: fit_ssvi([]), "no slices"),
        (
            lambda: fit_surface([chain(GOOD, 5), msgspec.structs.replace(chain(GOOD, 9), observed_ns=7)]),
            "several moments",
        ),
    ],
)
def test_bad_input_is_a_sentence(build, word):
    with pytest.raises(InputError, match=word):
        build()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("day", "currency"), [("2026-01-15", "BTC"), ("2026-02-05", "ETH"), ("2026-06-06", "BTC")]
)
def test_real_chains_fit_without_arbitrage_to_well_under_a_vol_point(day, currency):
    if not DATA.exists():
        pytest.skip("the option chains of ../shared are not here")
    frame = pl.read_parquet(DATA).filter(
        (pl.col("currency") == currency) & (pl.col("ts").dt.date() == pl.lit(day).str.to_date())
    )
    frame = frame.filter(pl.col("ts") == frame["ts"].min())
    found = fit_surface(make_chains(frame, coin=True))
    assert static_faults(found.surface) == ()
    accepted = [one for one in found.expiries if one.fit.accepted]
    assert len(accepted) >= 8 and all(one.fit.reason for one in found.refused)
    settled = [one for one in accepted if one.years > 5 / 365]
    assert max(one.fit.rmse_vol for one in settled) < 0.01
    assert np.mean([one.inside_spread for one in settled]) > 0.9
