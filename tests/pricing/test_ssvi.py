"""SSVI: published slices, its sufficient conditions, and the calendar."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.errors import InputError
from seawall.pricing.ssvi import (
    PowerLaw,
    SsviSlice,
    calendar_bound,
    calendar_holds,
    conditions,
    ssvi_variance,
    to_raw,
)
from seawall.pricing.surface import calendar_gap
from seawall.pricing.svi import G_FLOOR, butterfly, density_factor

GRID = np.arange(-300, 301) * 0.01


@pytest.mark.parametrize(
    ("one", "wing", "curvature", "hold", "lowest"),
    [
        (SsviSlice(theta=0.04, phi=5.0, rho=-0.4), 0.28, 1.4, True, 0.2713992256156281),
        (SsviSlice(theta=0.25, phi=6.0, rho=-0.7), 2.55, 15.3, False, -0.19389066844786787),
    ],
)
def test_the_published_slices(one, wing, curvature, hold, lowest):
    told = conditions(one)
    assert (told.wing, told.curvature) == pytest.approx((wing, curvature), rel=1e-12)
    assert told.hold is hold
    assert float(np.min(density_factor(to_raw(one), GRID))) == pytest.approx(lowest, rel=1e-9)
    assert ssvi_variance(one, np.zeros(1))[0] == pytest.approx(one.theta, rel=1e-14)


def laws():
    return st.builds(
        lambda share, gamma, rho: PowerLaw(eta=1.999998 * share / (1.0 + abs(rho)), gamma=gamma, rho=rho),
        st.floats(0.01, 1.0),
        st.floats(0.01, 0.5),
        st.floats(-0.95, 0.95),
    )


@given(laws(), st.lists(st.floats(1e-4, 2.0), min_size=2, max_size=4, unique=True))
def test_a_power_law_inside_its_bound_has_no_arbitrage_of_either_kind(law, thetas):
    rising = sorted(thetas)
    assert law.free_of_arbitrage and calendar_holds(law, np.array(rising))
    raws = [to_raw(law.slice_at(theta)) for theta in rising]
    assert all(butterfly(one).g_min >= G_FLOOR for one in raws)
    assert all(calendar_gap(a, b)[0] >= -1e-12 for a, b in pairwise(raws))


def test_a_law_past_its_bound_is_seen_in_the_density():
    law = PowerLaw(eta=3.2, gamma=0.5, rho=-0.6)
    assert not law.free_of_arbitrage
    assert not butterfly(to_raw(law.slice_at(0.02))).holds


def test_falling_thetas_break_the_calendar_in_both_checks():
    law = PowerLaw(eta=1.0, gamma=0.4, rho=-0.3)
    assert not calendar_holds(law, np.array([0.05, 0.04]))
    early, late = to_raw(law.slice_at(0.05)), to_raw(law.slice_at(0.04))
    assert calendar_gap(early, late)[0] <= -0.01


def test_the_calendar_bound_is_where_slices_begin_to_cross():
    """Theorem 4.1: with theta fixed in the limit, phi may fall or rise only so fast."""
    theta, phi, rho, step = 0.04, 5.0, -0.6, 1e-4
    for factor, crosses in ((0.9, False), (1.1, True)):
        slope = factor * calendar_bound(phi, rho)
        later_theta = theta + step
        later = SsviSlice(theta=later_theta, phi=(theta * phi + slope * step) / later_theta, rho=rho)
        k = np.linspace(-2.0, 2.0, 4001)
        gap = ssvi_variance(later, k) - ssvi_variance(SsviSlice(theta=theta, phi=phi, rho=rho), k)
        assert (float(gap.min()) < 0.0) is crosses
    assert calendar_bound(5.0, 0.0) == float("inf")


@given(laws(), st.floats(1e-3, 2.0))
def test_the_slope_of_theta_phi_is_its_derivative(law, theta):
    step = 1e-6 * theta
    wide = (theta + step) * law.phi(theta + step) - (theta - step) * law.phi(theta - step)
    assert law.theta_phi_slope(theta) == pytest.approx(wide / (2 * step), rel=1e-6)


def test_a_slice_without_variance_is_refused():
    with pytest.raises(InputError, match="theta and phi"):
        conditions(SsviSlice(theta=0.0, phi=1.0, rho=0.0))
