"""The synthetic book: balanced to the lot, alive, reproducible, and shaped as published."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.errors import InputError
from seawall.lab.synthetic import (
    AS_PRINTED,
    Shape,
    SyntheticBook,
    distance,
    markets_at,
    reached_shares,
    synthetic_book,
)

MARKETS = markets_at({"BTC": 116_600.0, "ETH": 3_995.0, "SOL": 206.5, "LINK": 20.6, "AVAX": 26.3})


def sides(book: SyntheticBook, k: int) -> tuple[float, float]:
    mine = book.market == k
    long = book.size_lots > 0
    return math.fsum(book.notional_usd[mine & long]), math.fsum(book.notional_usd[mine & ~long])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**40), st.integers(5, 400), st.floats(0.0, 1.0), st.integers(1, 4))
def test_longs_equal_shorts_to_the_lot_in_every_market(
    seed: int, accounts: int, long_share: float, makers: int
) -> None:
    shape = Shape(long_share=long_share, makers=makers)
    book = synthetic_book(MARKETS, accounts=accounts, seed=seed, shape=shape)
    for k in range(len(MARKETS)):
        assert int(book.size_lots[book.market == k].sum()) == 0
    assert (book.size_lots != 0).all()


def test_open_interest_is_the_one_asked_for_and_falls_like_one_over_rank() -> None:
    book = synthetic_book(MARKETS, accounts=5_000, open_interest_usd=2e9, seed=3)
    held = [sides(book, k)[0] for k in range(5)]
    total = sum(1.0 / r for r in range(1, 6))
    assert held == pytest.approx([2e9 / r / total for r in range(1, 6)], rel=1e-3)


def test_within_2_5_10_percent_about_7_20_51_percent_of_open_interest_liquidates() -> None:
    # A hundred thousand accounts: Pareto weights (capped) leave about half a point of sampling error.
    book = synthetic_book(MARKETS, accounts=100_000, seed=1)
    two, five, ten = reached_shares(book)
    assert two == pytest.approx(0.07, abs=0.01)
    assert five == pytest.approx(0.20, abs=0.025)
    assert ten == pytest.approx(0.51, abs=0.02)


def within_sampling_error(book: SyntheticBook, expected: tuple[float, ...]) -> bool:
    """Four standard errors, counting as many independent positions as their weights amount to."""
    weight = book.notional_usd[~book.maker]
    effective = math.fsum(weight) ** 2 / math.fsum(weight**2)
    got = reached_shares(book)
    return all(abs(g - e) < 4.0 * math.sqrt(e * (1 - e) / effective) for g, e in zip(got, expected))


def test_the_printed_parameters_reach_less_than_the_printed_shares() -> None:
    book = synthetic_book(MARKETS, accounts=100_000, seed=1, shape=AS_PRINTED)
    assert within_sampling_error(book, (0.050, 0.157, 0.366))
    assert not within_sampling_error(book, (0.07, 0.20, 0.51))


@pytest.mark.parametrize("seed", range(5))
def test_a_small_book_has_the_same_shape_within_its_sampling_error(seed: int) -> None:
    book = synthetic_book(MARKETS, accounts=2_000, seed=seed)
    assert within_sampling_error(book, (0.0705, 0.219, 0.500))


def test_nobody_is_due_for_liquidation_at_the_mark() -> None:
    book = synthetic_book(MARKETS, accounts=20_000, seed=9)
    price = np.array([m.price_usd for m in MARKETS])[book.market]
    left = distance(price, book.entry_price, book.leverage, book.size_lots > 0, book.collateral > 0, 0.01)
    assert left.min() >= Shape().closest


@pytest.mark.parametrize("long", [True, False])
@pytest.mark.parametrize("coin", [True, False])
def test_at_the_distance_equity_is_exactly_the_maintenance(long: bool, coin: bool) -> None:
    price, entry, leverage, rate = 100.0, 103.0, 7.0, 0.01
    one = distance(
        np.array([price]), np.array([entry]), np.array([leverage]), np.array([long]), np.array([coin]), rate
    )[0]
    mark = price * (1.0 - one if long else 1.0 + one)
    collateral = entry / leverage * (mark / price if coin else 1.0)
    equity = collateral + (mark - entry if long else entry - mark)
    assert equity == pytest.approx(rate * mark, rel=1e-12)


def test_the_same_seed_gives_the_same_bytes_and_another_does_not() -> None:
    one, two, other = (synthetic_book(MARKETS, seed=s) for s in (5, 5, 6))
    for field in one.__struct_fields__[2:]:
        assert getattr(one, field).tobytes() == getattr(two, field).tobytes()
    assert one.notional_usd.tobytes() != other.notional_usd.tobytes()


def test_shares_of_sides_isolated_and_coin_are_the_ones_asked_for() -> None:
    shape = Shape(long_share=0.7, isolated_share=0.25, coin_collateral_share=0.4)
    book = synthetic_book(MARKETS, accounts=50_000, seed=2, shape=shape)
    mine = ~book.maker
    assert (book.size_lots[mine] > 0).mean() == pytest.approx(0.7, abs=0.01)
    assert book.isolated[mine].mean() == pytest.approx(0.25, abs=0.01)
    assert (book.collateral[mine] > 0).mean() == pytest.approx(0.4 * 0.75, abs=0.01)
    assert not (book.isolated & (book.collateral > 0)).any()
    assert set(book.collateral.tolist()) == {0, 1, 2}
    assert book.collateral_names == ("USDT", "BTC", "ETH")


def test_sizes_have_the_pareto_tail_below_the_cap() -> None:
    shape = Shape(size_cap_share=1.0)
    book = synthetic_book(MARKETS[:1], accounts=100_000, open_interest_usd=1e12, seed=4, shape=shape)
    size = np.sort(book.notional_usd[~book.maker])[::-1]
    top = size[:5_000]
    hill = 1.0 / np.mean(np.log(top[:-1] / top[-1]))
    assert hill == pytest.approx(1.3, abs=0.08)
    capped = synthetic_book(MARKETS, accounts=5_000, open_interest_usd=1e9, seed=4)
    for k in range(5):
        biggest = capped.notional_usd[(capped.market == k) & ~capped.maker].max()
        assert biggest <= 0.02 * sides(capped, k)[0] * 1.01


def test_makers_are_large_low_leverage_cross_and_few() -> None:
    book = synthetic_book(MARKETS, accounts=5_000, seed=4)
    assert len(set(book.account[book.maker])) == 3
    assert set(book.leverage[book.maker]) == {2.0}
    assert not book.isolated[book.maker].any()
    assert set(book.account[book.maker]).isdisjoint(book.account[~book.maker])
    assert book.instrument(0) in {m.instrument for m in MARKETS}


def test_a_lot_of_an_unknown_coin_is_worth_one_to_ten_dollars() -> None:
    for price in (0.00012, 0.3, 7.0, 999.0, 65_000.0):
        lot = markets_at({"X": price})[0].lot_coins
        assert 0.999 <= lot * price < 10.0


@pytest.mark.parametrize(
    "make",
    [
        lambda: Shape(long_share=1.1),
        lambda: Shape(coin_collateral_share=math.nan),
        lambda: Shape(leverage_median=0.0),
        lambda: Shape(size_tail=math.inf),
        lambda: Shape(makers=0),
        lambda: Shape(leverage_most=1.0),
        lambda: markets_at({"BTC": 0.0}),
        lambda: markets_at({"BTC": math.nan}),
        lambda: synthetic_book(()),
        lambda: synthetic_book(MARKETS, accounts=4),
        lambda: synthetic_book(MARKETS, open_interest_usd=-1.0),
        lambda: synthetic_book(MARKETS, shape=Shape(leverage_least=99.0, maintenance_rate=0.9)),
    ],
)
def test_nonsense_is_refused(make) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError):
        make()
