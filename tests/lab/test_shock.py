"""Described shocks: the stated move, over the stated time, with the stated recovery and betas."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.errors import InputError
from seawall.lab.shock import Shock, beta_to, parse_shock, shock_path

PRICES = {"BTC": 100_000.0, "ETH": 4_000.0, "XYZ": 2.0}


@given(st.floats(-0.99, 3.0), st.integers(0, 50), st.integers(0, 50), st.floats(0.0, 1.0))
def test_the_move_is_met_when_it_is_over_and_the_recovery_after_it(
    move: float, start: int, over: int, recover: float
) -> None:
    shock = Shock("BTC", move, over * 60.0, start * 60.0, recover, 600.0)
    price = shock_path({"BTC": 100.0}, [shock], duration_seconds=7200.0).price[:, 0]
    if start:
        assert (price[:start] == 100.0).all()
    if over:
        assert price[start + over] == pytest.approx(100.0 * (1.0 + move), rel=1e-14)
    assert price[-1] == pytest.approx(100.0 * (1.0 + move * (1.0 - recover)), rel=1e-14)


def test_the_way_down_is_even_in_logs() -> None:
    price = shock_path({"BTC": 100.0}, [Shock("BTC", -0.3, 1200.0)]).price[:, 0]
    assert np.diff(np.log(price[:21])) == pytest.approx(np.log(0.7) / 20)
    assert price.size == 31


def test_other_assets_follow_the_lead_by_beta_and_own_shocks_come_first() -> None:
    shocks = [Shock("BTC", -0.2, 600.0), Shock("XYZ", 0.1, 600.0)]
    path = shock_path(PRICES, shocks)
    assert path.of("ETH")[-1] == pytest.approx(4_000.0 * 0.8**1.23, rel=1e-12)
    assert path.of("XYZ")[-1] == pytest.approx(2.2, rel=1e-12)
    assert path.fresh.all() and path.names == ("BTC", "ETH", "XYZ")


def test_two_shocks_of_one_asset_multiply() -> None:
    shocks = [Shock("BTC", -0.5, 60.0), Shock("BTC", -0.5, 60.0, 600.0)]
    assert shock_path({"BTC": 100.0}, shocks).price[-1, 0] == pytest.approx(25.0, rel=1e-14)


def test_a_jump_stands_from_its_own_step_on() -> None:
    price = shock_path({"BTC": 100.0}, [Shock("BTC", -0.4, 0.0, 120.0)], duration_seconds=300.0).price[:, 0]
    assert price == pytest.approx([100.0, 100.0, 60.0, 60.0, 60.0, 60.0])


def test_betas_are_ratios_of_betas_to_btc_unless_given() -> None:
    assert beta_to("ETH", "BTC") == 1.23
    assert beta_to("BTC", "ETH") == pytest.approx(1 / 1.23)
    assert beta_to("NEW", "BTC") == 1.43
    assert beta_to("ETH", "BTC", {"ETH": 2.0}) == 2.0


def test_noise_is_seeded_starts_at_zero_and_has_the_stated_size() -> None:
    shocks = [Shock("BTC", -1e-12, 60.0)]
    one, two, other = (
        shock_path(PRICES, shocks, duration_seconds=864_000.0, noise_daily_vol=0.04, seed=s).price
        for s in (1, 1, 2)
    )
    assert one.tobytes() == two.tobytes() != other.tobytes()
    assert one[0].tolist() == list(PRICES.values())
    assert np.diff(np.log(one[:, 0])).std() * np.sqrt(1440) == pytest.approx(0.04, rel=0.03)


@pytest.mark.parametrize(
    ("text", "shock"),
    [
        ("BTC:-30%:20m", Shock("BTC", -0.3, 1200.0)),
        ("ETH:-0.5:90s:1h:25%", Shock("ETH", -0.5, 90.0, 3600.0, 0.25)),
        ("SOL:+10%:1.5h", Shock("SOL", 0.1, 5400.0)),
    ],
)
def test_a_shock_is_read_from_text(text: str, shock: Shock) -> None:
    assert parse_shock(text) == shock


@pytest.mark.parametrize(
    "text", ["", "BTC", "BTC:-30%", ":-30%:20m", "BTC:x:20m", "BTC:-30%:20y", "BTC:-1:5m:1:1:1"]
)
def test_text_that_is_no_shock_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="shock"):
        parse_shock(text)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Shock("BTC", -1.0, 60.0),
        lambda: Shock("BTC", float("nan"), 60.0),
        lambda: Shock("BTC", -0.1, -1.0),
        lambda: Shock("BTC", -0.1, 60.0, recover=1.5),
        lambda: Shock("BTC", -0.1, 60.0, start_seconds=float("inf")),
        lambda: shock_path(PRICES, []),
        lambda: shock_path(PRICES, [Shock("DOGE", -0.1, 60.0)]),
        lambda: shock_path({"BTC": 0.0}, [Shock("BTC", -0.1, 60.0)]),
        lambda: shock_path(PRICES, [Shock("BTC", -0.1, 60.0)], step_seconds=0.0),
        lambda: shock_path(PRICES, [Shock("BTC", -0.1, 60.0)], duration_seconds=1.0),
        lambda: shock_path(PRICES, [Shock("BTC", -0.1, 60.0)], duration_seconds=1e12),
        lambda: shock_path(PRICES, [Shock("BTC", -0.1, 60.0)], noise_daily_vol=-1.0),
    ],
)
def test_nonsense_is_refused(make) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError):
        make()
