"""Random paths: the crash frequency of the validated daily process, clusters, betas, seeds."""

from __future__ import annotations

import math

import numpy as np
import pytest

from seawall.errors import InputError
from seawall.lab.process import Process, cluster_jumps, lead_returns, random_path
from seawall.lab.streams import Stream

YEARS = 1_000
DAY = 86_400.0


@pytest.mark.slow
def test_daily_returns_have_the_published_tail_counts() -> None:
    # rules/quant vector market.minimal_price_process, tolerance stated there: 12 %, beyond 15 % it is 20 %.
    returns, _ = lead_returns(Process(), 365 * YEARS, DAY, Stream(1, "validate"))
    assert returns.std() * math.sqrt(365) == pytest.approx(0.691, rel=0.05)
    for level, per_year, room in (
        (-0.05, 22.07, 0.12),
        (-0.08, 8.50, 0.12),
        (-0.10, 4.58, 0.12),
        (-0.15, 1.173, 0.20),
        (-0.20, 0.423, 0.20),
    ):
        assert (returns < level).sum() / YEARS == pytest.approx(per_year, rel=room)
    assert (returns > 0.10).sum() / YEARS == pytest.approx(4.13, rel=0.12)
    assert (returns > 0.15).sum() / YEARS == pytest.approx(0.933, rel=0.20)
    assert -np.quantile(returns, 0.001) == pytest.approx(0.209, rel=0.05)


def test_intraday_steps_add_up_to_the_daily_variance() -> None:
    process = Process(clusters_per_year=0.0)
    days = 400
    steps, vol = lead_returns(process, 96 * days, 900.0, Stream(2, "intraday"))
    daily = steps.reshape(days, 96).sum(axis=1)
    scaled = daily / vol.reshape(days, 96)[:, 0]
    assert scaled.std() == pytest.approx(1.0, abs=0.1)
    assert (vol.reshape(days, 96) == vol.reshape(days, 96)[:, :1]).all()


def test_the_volatility_states_last_as_long_as_fitted() -> None:
    _, vol = lead_returns(Process(clusters_per_year=0.0), 200_000, DAY, Stream(3, "states"))
    stressed = vol == 0.0520
    assert stressed.mean() == pytest.approx(0.1215 / (0.1215 + 0.1885), abs=0.01)
    assert stressed[1:][stressed[:-1]].mean() == pytest.approx(0.8115, abs=0.01)


def test_clusters_have_the_stated_number_size_and_direction() -> None:
    process = Process()
    sums, sizes = [], []
    for k in range(4_000):
        jumps = cluster_jumps(Process(clusters_per_year=0.0), 1e9, Stream(4, str(k)), crash=True)
        sums.append(sum(j for _, j in jumps))
        sizes.append(len(jumps))
    assert np.mean(sizes) == pytest.approx(1.0 / (1.0 - 0.7), rel=0.1)  # Borel: mean 1/(1-n)
    assert np.mean(np.array(sizes) == 1) == pytest.approx(math.exp(-0.7), abs=0.03)
    assert max(np.abs(sums)) <= 0.35 + 1e-12 and max(sums) < 0.0
    years = 2_000
    jumps = cluster_jumps(process, years * 365 * DAY, Stream(5, "count"))
    assert len(jumps) / years == pytest.approx(3.0 / 0.3, rel=0.1)


def test_most_of_a_cluster_is_over_within_hours() -> None:
    # A child waits 20 minutes at the median.
    waits = []
    for k in range(2_000):
        jumps = cluster_jumps(Process(clusters_per_year=0.0), 1e9, Stream(6, str(k)), crash=True)
        if len(jumps) == 2:
            waits.append(jumps[1][0] - jumps[0][0])
    assert np.median(waits) == pytest.approx(1200.0, rel=0.15)


def test_a_crash_path_falls_further_than_a_plain_one() -> None:
    prices = {"BTC": 100_000.0, "ETH": 4_000.0}

    def mean_low(crash: bool) -> float:
        paths = (random_path(prices, seed=7, index=i, crash=crash) for i in range(60))
        return float(np.mean([path.of("BTC").min() for path in paths]))

    assert mean_low(True) < mean_low(False) - 2_000.0


def test_paths_differ_by_index_and_repeat_by_seed() -> None:
    prices = {"BTC": 100_000.0, "ETH": 4_000.0, "SOL": 200.0}
    a, b, c = (random_path(prices, seed=1, index=i).price.tobytes() for i in (3, 3, 4))
    assert a == b != c
    path = random_path(prices, seed=1, index=3)
    assert path.price.shape == (1441, 3) and path.price[0].tolist() == [100_000.0, 4_000.0, 200.0]


def test_an_asset_more_changes_no_other_path() -> None:
    two = random_path({"BTC": 1.0, "ETH": 1.0}, seed=9)
    three = random_path({"BTC": 1.0, "ETH": 1.0, "SOL": 1.0}, seed=9)
    assert two.price.tobytes() == three.price[:, :2].copy().tobytes()


def test_alts_have_the_stated_correlation_and_beta() -> None:
    calm = Process(clusters_per_year=0.0)
    path = random_path({"BTC": 1.0, "SOL": 1.0}, days=200, step_seconds=3600.0, seed=2, process=calm)
    returns = np.diff(np.log(path.price), axis=0)
    assert np.corrcoef(returns.T)[0, 1] == pytest.approx(0.75, abs=0.06)
    beta = np.cov(returns.T)[0, 1] / returns[:, 0].var()
    assert beta == pytest.approx(1.39, abs=0.12)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Process(calm_daily_vol=-1.0),
        lambda: Process(stay_calm=1.5),
        lambda: Process(branching=1.0),
        lambda: Process(mark_mean=math.inf),
        lambda: Process(own_correlation=0.0),
        lambda: random_path({}),
        lambda: random_path({"BTC": -1.0}),
        lambda: random_path({"BTC": 1.0}, days=0.0),
        lambda: random_path({"BTC": 1.0}, process=Process(freedom=2)),
    ],
)
def test_nonsense_is_refused(make) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError):
        make()
