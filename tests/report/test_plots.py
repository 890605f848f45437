"""The pieces of the plots: ticks, thinning, bins and numbers as written."""

from __future__ import annotations

import numpy as np
import pytest

from seawall.report import figures
from seawall.report.bars import binned, flow_plots
from seawall.report.book import counts_in, equity_edges, map_spans
from seawall.report.lines import clock_of, extreme
from seawall.report.svg import el, nice_ticks, path_of, thin, time_ticks
from tests.report.demo import EIGHT, MINUTE_NS, START_NS, demo

NBSP = "\u00a0"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (-0.0, "0"),
        (999.9, f"1{NBSP}k"),
        (999_999, f"1{NBSP}M"),
        (1234, f"1.23{NBSP}k"),
        (0.00012345, "0.000123"),
        (-61_204_000.25, f"−61.2{NBSP}M"),
        (999.4, "999"),
        (2.5e13, f"25{NBSP}tn"),
        (float("nan"), "–"),
        (None, "–"),
    ],
)
def test_amounts_are_written_with_three_digits(value: float, text: str) -> None:
    assert figures.amount(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(-0.3123, f"−31.2{NBSP}%"), (-0.0001, f"0.0{NBSP}%"), (float("inf"), "–"), (12.5, f"1,250.0{NBSP}%")],
)
def test_shares_are_written_in_percent(value: float, text: str) -> None:
    assert figures.share(value) == text


@pytest.mark.parametrize("scale", [1e-8, 1e-4, 1.0, 1e5, 1e12])
def test_ticks_are_round_inside_the_span_and_few(scale: float) -> None:
    ticks = nice_ticks(0.13 * scale, 0.97 * scale)
    assert 3 <= len(ticks) <= 8
    assert all(0.13 * scale * 0.999 <= t <= 0.97 * scale * 1.001 for t in ticks)


def test_times_on_the_axis_are_whole_hours() -> None:
    ticks = time_ticks(START_NS + 7 * MINUTE_NS, START_NS + 247 * MINUTE_NS)
    assert ticks and all(t % (60 * MINUTE_NS) == 0 for t in ticks)


def test_thinning_keeps_both_ends_and_every_spike() -> None:
    values = np.zeros(100_000)
    values[[17, 54_321]] = (-5.0, 9.0)
    keep = thin([values], 400)
    assert {0, 17, 54_321, 99_999} <= set(keep.tolist())
    assert len(keep) <= 402


def test_a_path_lifts_the_pen_where_nothing_is_known() -> None:
    assert path_of(np.array([0.0, 1, 2, 3]), np.array([5.0, np.nan, 6, 7])) == "M0 5M2 6L3 7"


def test_elements_escape_text_and_attributes() -> None:
    assert el("text", "<b>&", class_='"><x') == '<text class="&#34;&gt;&lt;x">&lt;b&gt;&amp;</text>'


def test_bins_over_time_lose_nothing() -> None:
    tables = demo(EIGHT, steps=240)
    rows = tables.flow
    bins = binned(rows, "notional", clock_of(tables), 48)
    assert bins.sum() == pytest.approx(rows["notional"].sum(), rel=1e-12)


def test_both_runs_are_drawn_on_one_scale() -> None:
    tables = demo(EIGHT)
    labels = [
        [part.split("<")[0] for part in str(plot.svg).split('class="tick">')[1:]]
        for plot in flow_plots(tables, clock_of(tables))
    ]
    assert labels[0] == labels[1]


def test_every_account_is_in_one_equity_bin() -> None:
    rng = np.random.default_rng(3)
    values = np.concatenate([rng.normal(0, 1, 500) * 10 ** rng.uniform(-6, 9, 500), [0.0, 0.0]])
    edges = equity_edges(values)
    assert (np.diff(edges) > 0).all()
    counts = counts_in(values, edges)
    assert counts.sum() == len(values)
    # Nothing crosses zero: a bankrupt account is never drawn on the solvent side.
    middle = int(np.searchsorted(edges, 0.0)) - 1
    assert counts[:middle].sum() == (values < edges[middle]).sum()


@pytest.mark.parametrize("values", [[5.0], [-5.0], [0.0], [1e-12, 1e12], [-1.0, 1.0], [100.0, 1000.0]])
def test_equity_bins_hold_odd_books(values: list[float]) -> None:
    edges = equity_edges(np.array(values))
    assert (np.diff(edges) > 0).all() and edges[0] < 0 < edges[-1]
    assert counts_in(np.array(values), edges).sum() == len(values)


def test_each_bucket_of_the_map_reaches_towards_the_price_before() -> None:
    left, right = map_spans(np.array([-0.2, -0.1, 0.1, 0.3]))
    assert left.tolist() == [-0.2, -0.1, 0.0, 0.1]
    assert right.tolist() == [-0.1, 0.0, 0.1, 0.3]


def test_the_furthest_price_may_be_a_rise() -> None:
    prices = demo(steps=30).prices.with_columns(with_feedback=demo(steps=30).prices["exogenous"] * 0 + 10.0)
    prices[29, "with_feedback"] = 15.0
    assert extreme(prices, "with_feedback") == (15.0, 0.5)
