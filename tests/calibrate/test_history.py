"""Histories: what is refused with place, value and fix; and windows against a slow walk over the bars."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.calibrate.history import DAY_NS, HOUR_NS, SIDES, windows
from seawall.errors import InputError
from tests.calibrate.histories import START_NS, walk, without


def with_value(history, column, row, value):
    values = getattr(history, column).copy()
    values[row] = value
    return msgspec.structs.replace(history, **{column: values})


def test_the_print_of_2017_04_15_is_refused_with_bar_value_and_fix():
    # Coinbase's daily low of that day: 0.06 USD, where bitcoin opened at 1,177 and closed at 1,176.
    history = walk(days=30)
    row = 60
    history = with_value(history, "low", row, history.open[row] * 5.1e-5)
    with pytest.raises(InputError) as found:
        history.checked()
    text = str(found.value)
    assert "bar of 2019-01-11 00:00Z" in text and "(-99.99%)" in text and "leave the row out" in text


@pytest.mark.parametrize(("column", "times"), [("low", 0.09), ("high", 11.0)])
def test_a_bar_that_reaches_ten_times_away_and_back_is_a_bad_print(column, times):
    history = walk(days=30)
    with pytest.raises(InputError, match=f"the {column} is"):
        with_value(history, column, 17, history.close[17] * times).checked()


def test_a_change_of_unit_between_two_bars_is_refused():
    history = walk(days=30)
    scaled = {name: getattr(history, name).copy() for name in ("open", "high", "low", "close")}
    for values in scaled.values():
        values[90:] /= 100.0
    with pytest.raises(InputError, match=r"the close is .* after a close of"):
        msgspec.structs.replace(history, **scaled).checked()


def test_a_real_crash_is_no_bad_print():
    assert walk(days=30, crash={50: -0.7, 51: -0.5}).checked() == ()


def test_a_gap_is_told_and_nothing_fills_it():
    history = without(walk(days=300), slice(100, 107))
    (note,) = history.checked()
    assert "7 of 1,800 bars are missing" in note and "28 h after 2019-01-17 12:00Z" in note
    cut = windows(history, DAY_NS, overlapping=False)
    assert cut.left_out == 2 and cut.size == 299 - 2


def test_a_history_full_of_gaps_is_refused_with_the_longest():
    with pytest.raises(InputError, match=r"300 of 1,800 bars are missing, 17%; the longest is 1200 h after"):
        without(walk(days=300), slice(600, 900)).checked()


def test_a_price_that_stands_is_refused():
    history = walk(days=60)
    still = np.where(np.arange(history.close.size) % 3 == 0, history.close, np.nan)
    filled = still[np.maximum.accumulate(np.where(np.isnan(still), 0, np.arange(still.size)))]
    frozen = msgspec.structs.replace(history, open=filled, high=filled, low=filled, close=filled)
    with pytest.raises(InputError, match=r"the close repeats in 67% of the bars"):
        frozen.checked()


@pytest.mark.parametrize("hours", [2, 6, 23])
def test_a_horizon_of_broken_bars_is_refused(hours):
    with pytest.raises(InputError, match="is no whole number of bars of 4 h"):
        windows(walk(days=30), hours * HOUR_NS, overlapping=True)


@given(
    bars=st.sampled_from([1, 3, 6, 12]),
    overlapping=st.booleans(),
    hole=st.tuples(st.integers(0, 200), st.integers(0, 30)),
    seed=st.integers(0, 5),
)
def test_windows_are_those_of_a_slow_walk(bars, overlapping, hole, seed):
    history = without(walk(days=40, seed=seed), slice(hole[0], hole[0] + hole[1]))
    found = windows(history, bars * 4 * HOUR_NS, overlapping=overlapping)
    place = {int(t): k for k, t in enumerate(history.time_ns)}
    wanted = []
    for k, t in enumerate(history.time_ns.tolist()):
        end = place.get(t + found.horizon_ns)
        if end is not None and (overlapping or (t + history.bar_ns) % found.horizon_ns == 0):
            inside = slice(k + 1, end + 1)
            low, high = history.low[inside].min(), history.high[inside].max()
            wanted.append((t + history.bar_ns, history.close[k], history.close[end], low, high))
    got = zip(found.begin_ns, found.entry, found.exit, found.low, found.high)
    assert [tuple(row) for row in got] == wanted
    if not overlapping:
        assert (np.diff(found.begin_ns) >= found.horizon_ns).all()
        assert (found.begin_ns % found.horizon_ns == 0).all() or START_NS % found.horizon_ns


@given(seed=st.integers(0, 20), inverse=st.booleans())
def test_what_one_side_loses_the_other_gains_and_the_worst_price_is_no_better(seed, inverse):
    found = windows(walk(days=20, seed=seed), DAY_NS, overlapping=True)
    long, short = (found.losses(side, inverse=inverse) for side in SIDES)
    assert np.array_equal(long, -short)
    for side in SIDES:
        assert (found.losses(side, inverse=inverse, worst=True) >= found.losses(side, inverse=inverse)).all()


def test_an_inverse_long_loses_more_coins_than_a_linear_one_loses_dollars():
    found = windows(walk(days=20, crash={60: -0.5}), DAY_NS, overlapping=True)
    linear, inverse = found.losses("long"), found.losses("long", inverse=True)
    assert linear.max() == pytest.approx(0.5, abs=0.1)
    # q coins at 1/P: a fall by m costs m / (1 - m) of the notional in coin.
    assert np.allclose(inverse, linear / (1.0 - linear))
