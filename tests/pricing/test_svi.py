"""One smile: published slices, the density behind g, jump wings and their repair."""

from __future__ import annotations

import mpmath as mp
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from seawall.errors import InputError
from seawall.pricing.svi import (
    G_FLOOR,
    JumpWings,
    RawSvi,
    butterfly,
    check_raw,
    density_factor,
    derivatives,
    from_jump_wings,
    repaired_wings,
    to_jump_wings,
    total_variance,
)

VOGT = RawSvi(a=-0.0410, b=0.1331, rho=0.3060, m=0.3586, sigma=0.4153)


@st.composite
def slices(draw):
    """Smiles of a day, a month or a year: the regime first, then the numbers."""
    level = draw(st.sampled_from([3e-4, 0.02, 0.4]))
    b = draw(st.floats(0.05, 3.0)) * level
    rho = draw(st.floats(-0.95, 0.95))
    sigma = draw(st.floats(0.02, 1.0))
    a = level * draw(st.floats(0.05, 2.0)) - b * sigma * np.sqrt(1 - rho * rho)
    return RawSvi(a=float(a), b=b, rho=rho, m=draw(st.floats(-0.5, 0.5)), sigma=sigma)


def test_the_slice_of_vogt_has_the_arbitrage_that_was_published():
    # Gatheral and Jacquier, arXiv:1204.0646, example 3.1
    report = butterfly(VOGT)
    assert not report.holds
    assert report.g_min == pytest.approx(-0.032863573453623014, rel=1e-12)
    assert report.k_at_g_min == pytest.approx(0.8792625416220679, rel=1e-12)
    assert report.negative[0] == pytest.approx((0.6424078778693807, 1.2569129919321274), rel=1e-12)
    assert "0.8793" in report.explain()


def test_its_repair_has_the_published_wings_and_no_arbitrage():
    wings = to_jump_wings(VOGT, 1.0)
    assert wings.v == pytest.approx(0.01742625, rel=1e-6) and wings.psi == pytest.approx(-0.1752111, rel=1e-6)
    assert wings.p == pytest.approx(0.6997381, rel=1e-6) and wings.c == pytest.approx(1.316798, rel=1e-6)
    c, vtilde = repaired_wings(wings.v, wings.psi, wings.p)
    assert c == pytest.approx(0.3493158, rel=1e-6) and vtilde == pytest.approx(0.01548182, rel=1e-6)
    safe = from_jump_wings(JumpWings(v=wings.v, psi=wings.psi, p=wings.p, c=c, vtilde=vtilde), 1.0)
    assert butterfly(safe).holds


@given(slices(), st.floats(-1.5, 1.5))
def test_derivatives_are_those_of_w(svi, k):
    step = mp.mpf("1e-12")
    with mp.workdps(50):

        def w(x):
            y = x - mp.mpf(svi.m)
            return mp.mpf(svi.a) + svi.b * (svi.rho * y + mp.sqrt(y * y + mp.mpf(svi.sigma) ** 2))

        _, first, second, third = (float(part[0]) for part in derivatives(svi, np.array([k])))
        assert first == pytest.approx(float(mp.diff(w, k, 1, h=step)), rel=1e-9, abs=1e-12)
        assert second == pytest.approx(float(mp.diff(w, k, 2, h=step)), rel=1e-6, abs=1e-9)
        assert third == pytest.approx(float(mp.diff(w, k, 3, h=step)), rel=1e-5, abs=1e-6)


@pytest.mark.parametrize("k", [-0.6, -0.1, 0.0, 0.3, 0.9])
def test_g_is_the_density_of_the_price_by_black_in_forty_digits(k):
    """d2C/dK2 = g(k) exp(-d2^2/2) / (K sqrt(2 pi w)) with F = 1."""
    with mp.workdps(40):

        def call(strike):
            x = mp.log(strike) - mp.mpf(VOGT.m)
            w = VOGT.a + mp.mpf(VOGT.b) * (VOGT.rho * x + mp.sqrt(x * x + mp.mpf(VOGT.sigma) ** 2))
            d1 = -mp.log(strike) / mp.sqrt(w) + mp.sqrt(w) / 2
            return mp.ncdf(d1) - strike * mp.ncdf(d1 - mp.sqrt(w))

        strike = mp.exp(k)
        density = mp.diff(call, strike, 2)
        w = float(total_variance(VOGT, np.array([k]))[0])
        d2 = -k / np.sqrt(w) - np.sqrt(w) / 2
        g = float(density_factor(VOGT, np.array([k]))[0])
        assert g * np.exp(-0.5 * d2 * d2) / (np.exp(k) * np.sqrt(2 * np.pi * w)) == pytest.approx(
            float(density), rel=1e-9, abs=1e-12
        )


@given(slices())
def test_the_search_finds_no_higher_minimum_than_a_dense_grid(svi):
    report = butterfly(svi)
    dense = density_factor(svi, np.linspace(-10.0, 10.0, 20_001))
    assert report.g_min <= dense.min() + 1e-9 * max(1.0, abs(dense.min()))


@given(slices(), st.floats(0.003, 2.0))
def test_jump_wings_lead_back_to_the_slice(svi, years):
    assume(svi.wing_slopes[0] > 1e-6 and svi.wing_slopes[1] > 1e-6)
    wings = to_jump_wings(svi, years)
    assume(wings.v - wings.vtilde > 1e-3 * wings.v)  # near the vertex sigma cannot be read off
    back = from_jump_wings(wings, years)
    k = np.linspace(-1.0, 1.0, 21)
    assert total_variance(back, k) == pytest.approx(total_variance(svi, k), rel=1e-6)


@given(st.floats(0.001, 4.0), st.floats(-0.9, 0.9), st.floats(0.05, 1.5), st.floats(0.003, 2.0))
def test_a_repaired_slice_has_no_negative_density(v, skew, p, years):
    psi = skew * 0.5 * p
    scale = np.sqrt(v * years)
    c, vtilde = repaired_wings(v, psi, p)
    assume(abs(psi) > 1e-3 and max(p, c) * scale < 1.99)  # steeper wings cannot be had at this variance
    svi = from_jump_wings(JumpWings(v=v, psi=psi, p=p, c=c, vtilde=vtilde), years)
    # Theorem 4.2 asks for (p + c) max(p, c) <= 2 too; beyond it the formula promises nothing.
    assume((p + c) * max(p, c) <= 2.0)
    assert butterfly(svi).g_min >= G_FLOOR


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"b": -0.1}, "b must be >= 0"),
        ({"rho": 1.0}, "rho inside"),
        ({"sigma": 0.0}, "sigma > 0"),
        ({"a": -0.2}, "raise a"),
        ({"m": float("nan")}, "five finite numbers"),
    ],
)
def test_numbers_that_are_no_smile_are_refused_with_the_reason(change, word):
    given_numbers = {"a": 0.02, "b": 0.1, "rho": -0.2, "m": 0.0, "sigma": 0.3, **change}
    with pytest.raises(InputError, match=word):
        check_raw(RawSvi(**given_numbers))


@given(
    st.floats(-1e6, 1e6),
    st.floats(0.0, 1e6),
    st.floats(-0.9999999, 0.9999999),
    st.floats(-1e6, 1e6),
    st.floats(1e-12, 1e6),
    st.floats(-700.0, 700.0),
)
def test_no_nan_leaves_a_slice_however_odd(a, b, rho, m, sigma, k):
    svi = RawSvi(a=a, b=b, rho=rho, m=m, sigma=sigma)
    try:
        check_raw(svi)
    except InputError:
        return
    report = butterfly(svi)
    assert np.isfinite(report.g_min) and np.isfinite(report.k_at_g_min)
    assert np.all(np.isfinite(density_factor(svi, np.array([k]))))


def test_wings_that_cannot_be_repaired_say_so():
    with pytest.raises(InputError, match="p \\+ 2 psi"):
        repaired_wings(0.02, -0.4, 0.5)
    with pytest.raises(InputError, match="vtilde"):
        from_jump_wings(JumpWings(v=0.02, psi=-0.1, p=0.5, c=0.4, vtilde=0.03), 1.0)
    with pytest.raises(InputError, match="years"):
        to_jump_wings(VOGT, 0.0)
