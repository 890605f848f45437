"""Student's tail against 40 digits, closed forms, and the bounds any tail keeps."""

from __future__ import annotations

import math
import random

import mpmath as mp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.kernels.student import gamma_ratio, student_tail


def true_tail(nu: float, t: float) -> mp.mpf:
    nu_, t_ = mp.mpf(nu), mp.mpf(t)
    return mp.betainc(nu_ / 2, mp.mpf(1) / 2, 0, nu_ / (nu_ + t_ * t_), regularized=True) / 2


@pytest.mark.parametrize("nu", [0.5, 1.0, 2.1, 2.5, 3.0, 4.0, 7.3, 30.0, 100.0])
def test_tails_are_accurate_relative_to_themselves(nu: float):
    chance = random.Random(int(10 * nu))
    with mp.workdps(40):
        for t in [0.0, 1e-8, 0.1, 1.0, 5.0, 50.0, 1e6] + [10.0 ** chance.uniform(-3, 4) for _ in range(40)]:
            true = true_tail(nu, t)
            if true > 1e-290:
                assert abs(mp.mpf(student_tail(nu, t)) / true - 1) <= 1e-13, t


def test_closed_forms_for_one_and_two_degrees():
    for t in (0.0, 0.3, 1.0, 10.0, 1e5):
        assert student_tail(1.0, t) == pytest.approx(math.atan2(1.0, t) / math.pi, rel=1e-14)
        two = 0.5 * 2.0 / (2.0 + t * t) / (1.0 + t / math.sqrt(2.0 + t * t))
        assert student_tail(2.0, t) == pytest.approx(two, rel=1e-14)


def test_the_gamma_ratio_against_40_digits():
    with mp.workdps(40):
        for a in (1e-3, 0.5, 1.0, 3.7, 19.9, 20.1, 500.0, 1e6):
            true = mp.gamma(mp.mpf(a) + mp.mpf(1) / 2) / mp.gamma(mp.mpf(a))
            assert abs(mp.mpf(gamma_ratio(a)) / true - 1) <= 1e-14


@given(st.floats(0.1, 1e5), st.floats(0, 1e6), st.floats(0, 10))
def test_a_tail_is_at_most_a_half_and_falls(nu: float, t: float, more: float):
    near, far = student_tail(nu, t), student_tail(nu, t + more)
    assert 0.0 <= far <= near * (1.0 + 1e-10) and near <= 0.5
