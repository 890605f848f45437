"""The embedded crash has the published shape, and only the stated share of the dip."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from seawall.errors import InputError
from seawall.lab.october import KNOTS, START_NS, october_path
from seawall.lab.readers import iso


def low_of(share: float, name: str, seed: int = 0) -> float:
    return float(october_path(seed=seed, exogenous_share=share).of(name).min())


def test_the_clock_is_the_day_in_minutes() -> None:
    path = october_path()
    assert path.time_ns.size == 1441
    assert iso(int(path.time_ns[0])) == "2025-10-10T00:00:00Z"
    assert iso(int(path.time_ns[-1])) == "2025-10-11T00:00:00Z"
    assert path.fresh.all()


@pytest.mark.parametrize("seed", range(5))
def test_whole_path_meets_every_published_knot(seed: int) -> None:
    path = october_path(seed=seed, exogenous_share=1.0)
    for name, knots in KNOTS.items():
        for minute, price in knots:
            assert path.of(name)[minute] == price
        assert path.of(name).min() == min(price for _, price in knots)


@pytest.mark.parametrize("seed", range(5))
def test_the_published_drawdowns_are_reproduced(seed: int) -> None:
    path = october_path(seed=seed, exogenous_share=1.0)
    noon = 12 * 60
    # Binance spot, 12:00Z open to the low (BTC and ETH here are the perpetuals, a little lower).
    for name, drawdown, room in (
        ("BTC", -0.161, 0.006),
        ("ETH", -0.209, 0.009),
        ("SOL", -0.237, 0.003),
        ("LINK", -0.648, 0.003),
        ("AVAX", -0.699, 0.003),
    ):
        assert abs(path.of(name)[noon:].min() / path.of(name)[noon] - 1.0 - drawdown) < room
    btc = path.of("BTC")
    assert -0.135 < btc[20 * 60 :].min() / btc[20 * 60] - 1.0 < -0.12
    assert 21 * 60 + 16 <= int(np.argmin(btc)) <= 21 * 60 + 21
    worst = int(np.argmin(np.diff(btc) / btc[:-1]))
    assert 21 * 60 + 16 <= worst <= 21 * 60 + 20
    assert 112_000 < btc[-1] < 114_000


def test_the_share_scales_the_dip_and_leaves_the_rest() -> None:
    lows = [low_of(share, "BTC") for share in (0.0, 0.25, 0.5, 0.75, 1.0)]
    assert all(a > b for a, b in itertools.pairwise(lows))
    whole, part = october_path(exogenous_share=1.0).of("BTC"), october_path(exogenous_share=0.75).of("BTC")
    outside = np.r_[0 : 20 * 60 + 51, 22 * 60 : 1441]
    np.testing.assert_allclose(part[outside], whole[outside], rtol=1e-15)
    at = 21 * 60 + 21
    line = np.log(whole[1250]) + (np.log(whole[1320]) - np.log(whole[1250])) * (at - 1250) / 70
    assert np.log(part[at]) - line == pytest.approx(0.75 * (np.log(whole[at]) - line), rel=1e-12)


def test_the_seed_decides_the_noise_and_nothing_else() -> None:
    assert october_path(seed=4).price.tobytes() == october_path(seed=4).price.tobytes()
    assert october_path(seed=4).price.tobytes() != october_path(seed=5).price.tobytes()
    one, all_five = october_path(seed=4, assets=("SOL",)), october_path(seed=4)
    assert one.of("SOL").tobytes() == all_five.of("SOL").tobytes()


def test_knots_are_in_order_and_span_the_day() -> None:
    for knots in KNOTS.values():
        minutes = [m for m, _ in knots]
        assert minutes[0] == 0 and minutes[-1] == 1440
        assert minutes == sorted(set(minutes))
    assert START_NS == 1_760_054_400 * 10**9


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_outside_zero_to_one_is_refused(share: float) -> None:
    with pytest.raises(InputError, match="is not a share"):
        october_path(exogenous_share=share)


@pytest.mark.parametrize("assets", [("DOGE",), (), ("BTC", "BTC")])
def test_assets_without_figures_are_refused(assets: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match="Choose from BTC, ETH"):
        october_path(assets=assets)
