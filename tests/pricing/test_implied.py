"""Implied vols through the public door: errors by type, statuses by element, and tail ratios."""

from __future__ import annotations

import math

import numpy as np
import pytest

from seawall.errors import AboveMaximum, BelowIntrinsic, InputError, NoImpliedVol
from seawall.pricing.black import black_price
from seawall.pricing.implied import VolStatus, implied_vol, implied_vols
from seawall.pricing.tails import tail_ratio

# Prices at 40 digits, rounded to a double: price, F, K, years, vol.
KNOWN = [
    (7.965567455405797, 100.0, 100.0, 1.0, 0.2),
    (3770.4091091833534, 60000.0, 60000.0, 0.0821917808219178, 0.55),
    (0.006264363951711577, 1.0, 1.0000001, 0.0027397260273972603, 0.3),
    (0.0003989422803997704, 100.0, 100.0, 1e-06, 0.01),
]


@pytest.mark.parametrize("row", KNOWN, ids=str)
def test_known_vols(row):
    price, f, k, t, vol = row
    assert implied_vol(price, f, k, t, True) == pytest.approx(vol, rel=1e-13)


def test_a_surface_comes_back():
    strikes, vols = np.linspace(20.0, 400.0, 61)[:, None], np.linspace(0.1, 3.0, 30)
    for call in (True, False):
        out = (strikes > 100.0) == call
        prices = black_price(100.0, strikes, 0.3, vols, call)
        found = implied_vols(prices, 100.0, strikes, 0.3, call)
        kept = out & (prices > 1e-290)
        assert found.vol.shape == found.status.shape == (61, 30)
        assert found.ok[kept].all()
        assert np.abs(found.vol / vols - 1.0)[kept].max() < 1e-13


def test_each_error_has_its_type_and_says_what_to_do():
    with pytest.raises(BelowIntrinsic, match="less than the intrinsic value"):
        implied_vol(9.999, 100.0, 90.0, 1.0, True)
    with pytest.raises(AboveMaximum, match="no option is worth that much"):
        implied_vol(90.0, 100.0, 90.0, 1.0, False)
    assert issubclass(BelowIntrinsic, NoImpliedVol) and issubclass(NoImpliedVol, InputError)
    for given_ in ((5.0, 100.0, 100.0, 0.0), (math.nan, 1.0, 1.0, 1.0), (1e-305, 1.0, 2.0, 1.0)):
        with pytest.raises(InputError):
            implied_vol(*given_, True)
    assert implied_vol(10.0, 100.0, 90.0, 1.0, True) == 0.0


def test_one_bad_price_among_good_ones_spoils_nothing():
    prices = np.array([7.965567455405797, -1.0, math.nan, 200.0, 7.965567455405797])
    found = implied_vols(prices, 100.0, 100.0, 1.0, True)
    assert [VolStatus(int(status)) for status in found.status] == [
        VolStatus.OK, VolStatus.BELOW_INTRINSIC, VolStatus.UNDEFINED, VolStatus.ABOVE_MAXIMUM, VolStatus.OK,
    ]  # fmt: skip
    assert found.ok.tolist() == [True, False, False, False, True]
    assert found.vol[1:4].tolist() == [0.0, 0.0, 0.0]
    assert found.vol[0] == found.vol[4] == implied_vol(prices[0], 100.0, 100.0, 1.0, True)


def test_a_student_tail_of_three_degrees_beside_the_normal():
    found = tail_ratio(nu=3.0, deviations=5.0)
    assert found.student == pytest.approx(0.001619518538272208, rel=1e-12)
    assert found.normal == pytest.approx(2.866515718791933e-07, rel=1e-12)
    assert found.ratio == found.student / found.normal


@pytest.mark.parametrize("given_", [dict(nu=2.0, deviations=1.0), dict(nu=3.0, deviations=40.0)])
def test_a_tail_without_a_ratio_is_refused(given_):
    with pytest.raises(InputError, match="tail ratio"):
        tail_ratio(**given_)
