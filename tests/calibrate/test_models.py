"""Challenger models: published prices, two methods against each other, characteristic functions by ODE."""

from __future__ import annotations

import mpmath as mp
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from seawall.calibrate.models.catalogue import CATALOGUE, state_after
from seawall.calibrate.models.closed import gamma_distribution
from seawall.calibrate.models.cos import cos_distribution, cos_prices
from seawall.calibrate.models.levy import Black, Cgmy, Kou, Merton, VarianceGamma
from seawall.calibrate.models.lewis import lewis_calls
from seawall.calibrate.models.model import carry, cumulants
from seawall.calibrate.models.price import model_prices
from seawall.calibrate.models.stochastic import Heston, Svcj
from seawall.errors import InputError, NumberError

FANG = {"kappa": 1.5768, "theta": 0.0398, "xi": 0.5751, "rho": -0.5711, "v0": 0.0175}
SVCJ_BTC = Svcj(  # medians of Deribit fits, Dec 2025 to Apr 2026
    kappa=13.377,
    theta=0.1082,
    xi=0.9402,
    rho=-0.4253,
    v0=0.2249,
    intensity=1.2879,
    jump_mean=-0.0676,
    jump_vol=0.1576,
    jump_variance=0.7375,
    jump_correlation=-0.0303,
)
# (model, spot, strike, years, rate, call): Fang and Oosterlee (2008), Kou (2002), Kahl and Jaeckel; the
# Heston value at a year is theirs corrected in the 8th decimal.
PUBLISHED = [
    (Heston(**FANG), 100, 100, 1, 0.0, 5.785155434376189),
    (Heston(**FANG), 100, 100, 10, 0.0, 22.3189457911545),
    (Heston(v0=0.16, kappa=1, theta=0.16, xi=2, rho=-0.8), 100, 200, 10, 0.0, 4.952114720879765),
    (Kou(vol=0.16, intensity=1, p_up=0.4, eta_up=10, eta_down=5), 100, 98, 0.5, 0.05, 9.14731730393692635560),
    (VarianceGamma(vol=0.12, nu=0.2, theta=-0.14), 100, 90, 0.1, 0.1, 10.9937031867290561),
    (VarianceGamma(vol=0.12, nu=0.2, theta=-0.14), 100, 90, 1, 0.1, 19.0993547242020929),
    (Cgmy(c=1, g=5, m=5, y=0.5), 100, 100, 1, 0.1, 19.8129488431187),
    (Cgmy(c=1, g=5, m=5, y=1.5), 100, 100, 1, 0.1, 49.7909054685239),
    (Cgmy(c=1, g=5, m=5, y=1.98), 100, 100, 1, 0.1, 99.9999055100641),
    (
        Merton(vol=0.45, intensity=20, jump_mean=-0.03, jump_vol=0.05),
        60000,
        60000,
        7 / 365,
        0.0,
        1690.72689356493967611248522,
    ),
]


@pytest.mark.parametrize(("model", "spot", "strike", "years", "rate", "call"), PUBLISHED)
def test_published_prices_come_out_to_twelve_digits(model, spot, strike, years, rate, call):
    told = carry(spot, years, rate=rate)
    assert told.discount * model_prices(model, told.forward, strike, years, True)[0] == pytest.approx(
        call, rel=1e-12
    )


def every_model():
    return [entry.make([limits[0] for limits in entry.ranges.values()]) for entry in CATALOGUE.values()]


def test_the_ten_prices_of_alan_lewis_for_heston():
    model = Heston(v0=0.04, kappa=4, theta=0.25, xi=1, rho=-0.5)
    told = carry(100, 1, rate=0.01, dividend=0.02)
    known = {80: (26.774758743998854, 7.958878113256768), 120: (9.024913483457836, 29.811026202682473)}
    for strike, sides in known.items():
        for is_call, price in zip((True, False), sides):
            found = told.discount * model_prices(model, told.forward, strike, 1, is_call)[0]
            assert found == pytest.approx(price, rel=1e-13)


@pytest.mark.parametrize("model", [*every_model(), SVCJ_BTC], ids=lambda one: one.name)
def test_a_characteristic_function_is_one_at_zero_and_at_minus_i_and_never_above(model):
    ends = model.log_cf(np.array([1e-14, -1j]), 0.3)
    assert np.abs(ends) == pytest.approx(0.0, abs=1e-10)
    u = np.linspace(0.01, 300.0, 2000)
    assert np.all(model.log_cf(u.astype(complex), 0.3).real <= 1e-12)


@pytest.mark.parametrize("model", [*every_model(), SVCJ_BTC], ids=lambda one: one.name)
def test_two_ways_to_a_price_agree(model):
    strikes = np.array([50.0, 80.0, 95.0, 100.0, 110.0, 150.0])
    years = 0.35
    exact = model_prices(model, 100.0, strikes, years, True)
    series = cos_prices(model, 100.0, strikes, years, True, terms=4096)
    assert series == pytest.approx(exact, abs=1e-6 if isinstance(model, VarianceGamma) else 1e-9)
    if not isinstance(model, VarianceGamma):
        assert lewis_calls(model, 100.0, strikes, years) == pytest.approx(exact, abs=1e-10)


@settings(max_examples=40, deadline=None)
@given(
    st.floats(0.005, 1.5),
    st.floats(0.3, 15.0),
    st.floats(0.01, 1.0),
    st.floats(0.1, 3.0),
    st.floats(-0.95, 0.95),
    st.sampled_from([7 / 365, 0.25, 2.0]),
)
def test_heston_by_integral_and_by_series(v0, kappa, theta, xi, rho, years):
    model = Heston(v0=v0, kappa=kappa, theta=theta, xi=xi, rho=rho)
    # Where variance reverts to nothing for years, the density is a spike that a series resolves slowly.
    assume(2 * kappa * theta / xi**2 > 0.15)
    strikes = 100.0 * np.exp(np.array([-0.5, -0.1, 0.0, 0.1, 0.5]) * np.sqrt(max(v0, theta) * years))
    series = cos_prices(model, 100.0, strikes, years, True, terms=8192, width=14.0)
    assert lewis_calls(model, 100.0, strikes, years) == pytest.approx(series, abs=2e-6)


@pytest.mark.parametrize("u", [0.7 - 0.5j, 3.0 + 0j, 12.0 - 0.5j, 60.0 - 0.2j])
@pytest.mark.parametrize("years", [0.05, 1.5])
def test_svcj_solves_its_riccati_equations(u, years):
    """Duffie, Pan and Singleton's equations, integrated step by step instead of in closed form."""
    m = SVCJ_BTC
    jump = np.exp(1j * u * m.jump_mean - 0.5 * m.jump_vol**2 * u * u)
    gain = np.exp(m.jump_mean + 0.5 * m.jump_vol**2) / (1 - m.jump_correlation * m.jump_variance) - 1

    def slopes(_, state):
        b = state[0]
        db = 0.5 * m.xi**2 * b * b - (m.kappa - m.rho * m.xi * 1j * u) * b - 0.5 * (1j * u + u * u)
        leap = jump / (1 - m.jump_variance * (b + m.jump_correlation * 1j * u))
        return [db, m.kappa * m.theta * b + m.intensity * (leap - 1 - 1j * u * gain)]

    found = solve_ivp(slopes, (0, years), [0j, 0j], rtol=1e-11, atol=1e-13, method="DOP853").y[:, -1]
    assert m.log_cf(np.array([u]), years)[0] == pytest.approx(found[0] * m.v0 + found[1], rel=1e-8)


def test_svcj_without_jumps_is_heston_and_with_jumps_of_price_alone_is_bates():
    quiet = Svcj(**FANG, intensity=0, jump_mean=0, jump_vol=0.1, jump_variance=0, jump_correlation=0)
    u = np.linspace(0.1, 40, 50) - 0.5j
    assert quiet.log_cf(u, 1.0) == pytest.approx(Heston(**FANG).log_cf(u, 1.0), rel=1e-13)
    bates = Svcj(**FANG, intensity=3, jump_mean=-0.1, jump_vol=0.1, jump_variance=0, jump_correlation=0)
    jumps = Merton(vol=1e-9, intensity=3, jump_mean=-0.1, jump_vol=0.1)
    both = Heston(**FANG).log_cf(u, 1.0) + jumps.log_cf(u, 1.0)
    assert bates.log_cf(u, 1.0) == pytest.approx(both, rel=1e-9)


@pytest.mark.parametrize("y", [0.0, 1.0])
def test_cgmy_is_continuous_where_its_formula_is_not(y):
    u = np.array([0.5, 2.0, 9.0]) - 0.5j
    at = Cgmy(c=1, g=5, m=6, y=y).log_cf(u, 0.5)
    beside = Cgmy(c=1, g=5, m=6, y=y + 1e-7).log_cf(u, 0.5)
    assert at == pytest.approx(beside, rel=1e-5)


def test_cgmy_at_y_zero_is_variance_gamma():
    c, g, m = 4.0, 9.0, 14.0
    twin = VarianceGamma(vol=np.sqrt(2 * c / (g * m)), nu=1 / c, theta=c * (1 / m - 1 / g))
    u = np.array([0.5, 3.0, 20.0]) - 0.5j
    assert Cgmy(c=c, g=g, m=m, y=0.0).log_cf(u, 0.7) == pytest.approx(twin.log_cf(u, 0.7), rel=1e-12)


def test_a_far_put_of_merton_keeps_its_digits_against_a_sum_in_thirty():
    model = Merton(vol=0.45, intensity=6, jump_mean=-0.08, jump_vol=0.08)
    years = 3 / 365
    with mp.workdps(30):
        total, mean = mp.mpf(0), mp.mpf(6) * mp.mpf(years)
        per = mp.mpf(-0.08) + mp.mpf(0.08) ** 2 / 2
        for n in range(60):
            w = mp.mpf(0.45) ** 2 * mp.mpf(years) + n * mp.mpf(0.08) ** 2
            forward = mp.exp(n * per - mean * (mp.exp(per) - 1))
            d1 = mp.log(forward / mp.mpf(0.7)) / mp.sqrt(w) + mp.sqrt(w) / 2
            put = mp.mpf(0.7) * mp.ncdf(mp.sqrt(w) - d1) - forward * mp.ncdf(-d1)
            total += mp.exp(-mean) * mean**n / mp.factorial(n) * put
    assert model_prices(model, 1.0, 0.7, years, False)[0] == pytest.approx(float(total), rel=1e-11)


@given(st.floats(0.1, 2.0), st.floats(0.0, 60.0), st.floats(-0.3, 0.2), st.floats(0.01, 0.3))
def test_cumulants_of_merton_are_the_known_ones(vol, intensity, mean, deviation):
    model = Merton(vol=vol, intensity=intensity, jump_mean=mean, jump_vol=deviation)
    _, second, fourth = cumulants(model, 0.2)
    size = mean**2 + deviation**2
    assert second == pytest.approx(0.2 * (vol**2 + intensity * size), rel=1e-5)
    true = 0.2 * intensity * (mean**4 + 6 * mean**2 * deviation**2 + 3 * deviation**4)
    assert fourth == pytest.approx(true, rel=0.05, abs=1e-3 * second**2)


def test_distributions_are_distributions_and_the_mixture_agrees_with_the_series():
    at = np.linspace(-3.0, 3.0, 201)
    model = VarianceGamma(vol=0.5, nu=0.02, theta=-0.3)
    mixture, series = gamma_distribution(model, 0.3, at), cos_distribution(model, 0.3, at)
    assert np.all(np.diff(mixture) >= -1e-14) and mixture[-1] == pytest.approx(1.0, abs=1e-6)
    assert series == pytest.approx(mixture, abs=1e-6)


def test_expected_variance_later_is_the_average_of_its_process():
    later = state_after(SVCJ_BTC, 0.1)
    mean = SVCJ_BTC.theta + SVCJ_BTC.intensity * SVCJ_BTC.jump_variance / SVCJ_BTC.kappa
    found = solve_ivp(
        lambda _, v: SVCJ_BTC.kappa * (mean - v), (0, 0.1), [SVCJ_BTC.v0], rtol=1e-11, atol=1e-13
    )
    assert later.v0 == pytest.approx(found.y[0, -1], rel=1e-8)
    assert state_after(Black(vol=0.5), 1.0) == Black(vol=0.5)


@pytest.mark.parametrize(
    ("model", "word"),
    [
        (Black(vol=0.0), "vol = 0"),
        (Kou(vol=0.2, intensity=1, p_up=0.5, eta_up=1.0, eta_down=5), "eta_up must be above 1"),
        (VarianceGamma(vol=0.5, nu=3.0, theta=0.3), "no expectation"),
        (Cgmy(c=1, g=5, m=0.9, y=0.5), "m above 1"),
        (Cgmy(c=1, g=5, m=5, y=2.0), r"\[0, 2\)"),
        (Heston(v0=0.1, kappa=1, theta=0.1, xi=0.5, rho=1.5), "rho"),
        (Merton(vol=0.3, intensity=-1, jump_mean=0, jump_vol=0.1), "intensity"),
    ],
)
def test_parameters_that_are_no_model_are_refused(model, word):
    with pytest.raises(InputError, match=word):
        model_prices(model, 100.0, 100.0, 0.5, True)


@pytest.mark.parametrize(("strike", "years"), [(100.0, 0.0), (-1.0, 1.0), (float("nan"), 1.0), (100.0, -1.0)])
def test_what_is_no_option_is_refused(strike, years):
    with pytest.raises(InputError):
        model_prices(Black(vol=0.5), 100.0, strike, years, True)


def test_an_integral_that_does_not_end_is_refused_instead_of_cut():
    with pytest.raises(NumberError, match="falls too slowly"):
        lewis_calls(VarianceGamma(vol=0.2, nu=0.5, theta=-0.1), 100.0, [90.0], 0.01)
