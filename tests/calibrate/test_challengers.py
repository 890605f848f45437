"""Models run forward: none sees what is to come, a right one is right; crises go by the worst window."""

from __future__ import annotations

import numpy as np
import pytest

from seawall.calibrate.challengers import MODELS, run_model, variance_before
from seawall.calibrate.crises import CRISES, Crisis, judge
from seawall.calibrate.history import DAY_NS, windows
from seawall.calibrate.tails import student_tail
from seawall.calibrate.verdicts import holm_over, judge_row
from seawall.errors import InputError
from tests.calibrate.histories import walk

pytest.importorskip("scipy")


def losses(size: int = 700, seed: int = 5) -> np.ndarray:
    return np.random.default_rng(seed).standard_t(4, size) * 0.03


@pytest.mark.parametrize("name", sorted(MODELS))
def test_a_margin_does_not_change_when_the_future_does(name):
    past, other = losses(), losses()
    cut = 560
    other[cut:] = 0.9 + other[cut:] ** 2  # a loss so large that a margin which saw it would move
    one = run_model(name, past, first=500, lookback=500, level=0.99)
    two = run_model(name, other, first=500, lookback=500, level=0.99)
    # The margin of window `cut` is set before its loss is known.
    assert one.var[: cut - 500 + 1].tobytes() == two.var[: cut - 500 + 1].tobytes()
    assert one.es[: cut - 500 + 1].tobytes() == two.es[: cut - 500 + 1].tobytes()
    assert not np.array_equal(one.var, two.var)


@pytest.mark.parametrize("name", sorted(MODELS))
def test_every_margin_is_finite_and_its_shortfall_no_smaller(name):
    found = run_model(name, losses(620), first=500, lookback=500, level=0.975)
    assert np.isfinite(found.var).all() and (found.var >= 0.0).all() and (found.es >= found.var).all()
    assert found.var.size == 120


def test_a_long_lookback_reaches_beyond_the_windows_a_garch_is_usually_fitted_to():
    found = run_model("fhs-garch", losses(1260), first=1200, lookback=1200, level=0.99)
    assert found.var.size == 60 and np.isfinite(found.var).all()


@pytest.mark.parametrize("name", ["historical", "student", "pot"])
def test_of_losses_that_do_not_change_a_model_without_volatility_finds_the_true_quantile(name):
    found = run_model(name, losses(4000), first=3000, lookback=3000, level=0.99)
    assert found.var.mean() == pytest.approx(student_tail(0.99, 4.0).var * 0.03, rel=0.15)


def test_the_variance_before_a_loss_is_the_recursion_over_those_before_it():
    past = losses(60)
    h = [float(np.mean(past[:50] ** 2))]
    for loss in past[:-1]:
        h.append(0.97 * h[-1] + 0.03 * loss * loss)
    assert np.allclose(variance_before(past), h)


@pytest.mark.parametrize(
    ("name", "lookback", "words"), [("garch", 500, "none of that name"), ("pot", 100, "100 windows")]
)
def test_a_model_that_is_none_or_too_short_a_past_is_refused(name, lookback, words):
    with pytest.raises(InputError, match=words):
        run_model(name, losses(), first=500, lookback=lookback, level=0.99)


def test_a_crisis_is_judged_in_the_window_the_margin_did_worst_on():
    history = walk(days=60, crash={150: -0.3}, vol=0.001)  # 2019-01-26 00:00, over in one bar
    spans = windows(history, DAY_NS, overlapping=True)
    day = Crisis("test", "2019-01-26", "2019-01-27", "")
    known = np.ones(spans.size, dtype=np.bool_)

    def verdict(rate, side="long"):
        return judge(day, spans, np.full(spans.size, rate), known, side, inverse=False)

    lost = spans.losses("long")
    worst = spans.losses("long", worst=True)
    assert verdict(0.29).verdict == "did not hold"
    assert verdict(0.29).close_surplus == pytest.approx(0.29 - lost.max())
    assert verdict(worst.max() + 1e-9).verdict == "held"
    between = (lost.max() + worst.max()) / 2
    assert verdict(between).verdict == "held at the close only"
    assert verdict(0.05, "short").verdict == "held"
    assert (
        verdict(0.29).windows == 11
    )  # of those that touch the day: begun within the day before it, or in it


def test_a_crisis_outside_the_history_or_before_the_first_margin_is_not_judged():
    spans = windows(walk(days=60), DAY_NS, overlapping=True)
    known = np.ones(spans.size, dtype=np.bool_)
    args = {"inverse": False}
    assert judge(CRISES[0], spans, np.full(spans.size, 0.1), known, "long", **args) is None
    inside = Crisis("test", "2019-01-20", "2019-01-21", "")
    assert judge(inside, spans, np.full(spans.size, 0.1), ~known, "long", **args) is None


def test_the_days_of_crisis_are_the_five_asked_about():
    assert [crisis.name for crisis in CRISES] == [
        "2020-03-12",
        "2021-05-19",
        "2022-05",
        "2022-11",
        "2025-10-10",
    ]


def test_a_row_counts_what_exceeds_and_a_margin_that_is_half_is_rejected_over_many():
    lost = losses(3000)
    right = np.full(2500, student_tail(0.99, 4.0).var * 0.03)
    rows = []
    for name, margin in (("right", right), ("half", right / 2)):
        rows.append(judge_row(name, "long", lost, margin, margin * 1.4, first=500, level=0.99))
    assert rows[1].exceeded == int((lost[500:] > right / 2).sum()) and rows[1].zone == "red"
    assert rows[1].z2 < rows[0].z2 and rows[1].tick > rows[0].tick and rows[1].fz0 > rows[0].fz0
    assert holm_over(tuple(rows)) == {("right", "long"): False, ("half", "long"): True}
