"""LLAMMA: outputs of the deployed contract, mpmath, round trips, the path that costs, and what is refused."""

from __future__ import annotations

from fractions import Fraction

import mpmath as mp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.errors import InputError, NumberError
from seawall.market.amm.bands import (
    WAD,
    Grid,
    _exp_wad,
    _log_wad,
    current_down,
    current_up,
    health,
    limited_price,
    oracle_up,
    removed_share,
)
from seawall.market.amm.llamma import (
    Llamma,
    buy_collateral,
    convert_all,
    deposit,
    holding,
    price,
    sell_collateral,
)

# The contract behind these numbers was deployed with its root in double precision.
GRID = Grid(amplification=100, base_price_wad=3000 * WAD, band_root_wad=1005037815259212160)


def loan_of(fee_wad=10**16, collateral=10 * WAD):
    return deposit(Llamma(grid=GRID, fee_wad=fee_wad), collateral, 5, 14)


def test_the_contracts_grid():
    assert oracle_up(GRID, 50) == 1815018201412609968000
    assert oracle_up(GRID, -5) == 3154607138440050672000
    assert current_up(GRID, 3000 * WAD, 10) == 3742372158883135307856
    assert current_down(GRID, 3000 * WAD, 5) == 3317182065965641682624


@pytest.mark.parametrize(
    ("oracle", "x_down", "y_up", "asked"),
    [
        (3000, 27142768325167652421687, 9999999999999999990, 3030303030303030303030),
        (2500, 21261661356773151883593, 7852858467622875138, 1753647586980920314252),
    ],
)
def test_the_contracts_conversions(oracle, x_down, y_up, asked):
    loan, market = loan_of()
    assert convert_all(market, loan, oracle * WAD, to_collateral=False) == x_down
    assert convert_all(market, loan, oracle * WAD, to_collateral=True) == y_up
    assert price(market, oracle * WAD) == asked


@pytest.mark.parametrize(
    ("offered", "paid", "got"),
    [
        (WAD, WAD, 294253564364487),
        (30000 * WAD, 30000 * WAD, 8005708837281255327),
        (10**24, 38429104240787769317289, 10 * WAD),
    ],
)
def test_the_contracts_trades(offered, paid, got):
    done = buy_collateral(loan_of()[1], 3000 * WAD, offered)
    assert (done.amount_in_atoms, done.amount_out_atoms) == (paid, got)


@given(st.integers(2, 10_000), st.integers(-300, 300))
def test_logarithm_and_exponential_are_exact_and_cut_off(a, band):
    with mp.workdps(120):
        log = int(mp.floor(mp.log(mp.mpf(a) / (a - 1)) * WAD))
        assert _log_wad(a) == log
        if abs(band * log) < 40 * WAD:
            assert _exp_wad(band * log) == int(mp.floor(mp.exp(mp.mpf(band * log) / WAD) * WAD))


@given(
    st.integers(2400, 3400),
    st.integers(1, 10**24),
    st.integers(1, 10**24),
    st.sampled_from([0, 10**6, 10**16]),
)
@settings(deadline=None)
def test_a_round_trip_never_gains_and_nothing_is_lost(oracle, first, second, fee_wad):
    _, market = loan_of(fee_wad)
    bought = buy_collateral(market, oracle * WAD, first)
    assert bought.amount_in_atoms <= first
    assert sum(bought.market.x) == bought.amount_in_atoms
    assert sum(bought.market.y) == 10 * WAD - bought.amount_out_atoms
    if not bought.amount_out_atoms:
        return
    sold = sell_collateral(bought.market, oracle * WAD, bought.amount_out_atoms)
    assert sold.amount_out_atoms <= bought.amount_in_atoms
    again = buy_collateral(sold.market, oracle * WAD, second)
    assert again.amount_out_atoms <= sum(sold.market.y)


@given(st.integers(2600, 2850), st.integers(WAD, 3000 * WAD))
@settings(deadline=None)
def test_trades_in_small_steps_bring_no_more_than_one(oracle, paid):
    market = loan_of(0)[1]
    whole = buy_collateral(market, oracle * WAD, 2 * paid)
    half = buy_collateral(market, oracle * WAD, paid)
    rest = buy_collateral(half.market, oracle * WAD, 2 * paid - half.amount_in_atoms)
    # The fee of the first part stays in the band and makes the second part dearer.
    both = half.amount_out_atoms + rest.amount_out_atoms
    assert both <= whole.amount_out_atoms + 20
    assert both >= whole.amount_out_atoms * 99 // 100


def test_the_path_costs_what_the_end_does_not_show():
    """Down to 2650 and back with arbitrage at every step: less collateral than at the start."""
    loan, market = loan_of(10**6)
    start = convert_all(market, loan, 3000 * WAD, to_collateral=True)
    path = [*range(3000, 2640, -10), *range(2650, 3010, 10)]
    for oracle in path:
        for trade in (buy_collateral, sell_collateral):
            # Trade in small lots while the pool's price is on the wrong side of the oracle's.
            for _ in range(40):
                asked = price(market, oracle * WAD)
                buying = trade is buy_collateral
                if (asked < oracle * WAD) != buying or asked == oracle * WAD:
                    break
                lot = 60 * WAD if buying else WAD // 50
                done = trade(market, oracle * WAD, lot)
                if not done.amount_out_atoms:
                    break
                market = done.market
    end = convert_all(market, loan, 3000 * WAD, to_collateral=True)
    assert Fraction(end, start) < 1 and Fraction(end, start) > Fraction(95, 100)
    x, y = holding(market, loan)
    assert x <= sum(market.x) + 10 and y <= sum(market.y) + 10


def test_the_limiter():
    old = 3000 * WAD
    assert limited_price(old, 2000 * WAD, 119)[0] == 2400 * WAD
    assert limited_price(old, 2000 * WAD, 120) == (2000 * WAD, 0)
    assert limited_price(old, 4500 * WAD, 0)[0] == 3750 * WAD
    assert limited_price(old, old, 0) == (old, 0)
    # A jump of 10 % costs 1 - 0.9**3, half of it after half of the time.
    assert limited_price(old, 2700 * WAD, 0)[1] == WAD - 729 * 10**15
    assert limited_price(old, 2700 * WAD, 60)[1] == (WAD - 729 * 10**15) // 2
    for bad in ((0, 1, 0), (1, 0, 0), (1, 1, -1)):
        with pytest.raises(InputError):
            limited_price(*bad)


def test_health_and_the_share_removed():
    assert health(Fraction(10), Fraction(9), Fraction(1, 10)) == 0
    assert removed_share(WAD // 2, 5 * 10**16) == 494047619047619047
    assert removed_share(WAD, 0) == WAD
    with pytest.raises(InputError):
        health(Fraction(1), Fraction(0), Fraction(0))
    with pytest.raises(InputError):
        removed_share(WAD + 1, 0)


def test_what_cannot_be_is_refused():
    market = Llamma(grid=GRID, fee_wad=0)
    for first, last, amount in ((5, 4, 100), (0, 50, 100), (0, 9, 9), (0, 0, 0)):
        with pytest.raises(InputError):
            deposit(market, amount, first, last)
    _, market = loan_of()
    traded = buy_collateral(market, 3000 * WAD, WAD).market
    with pytest.raises(InputError):
        deposit(traded, WAD, 5, 8)
    for bad in (0, -1, True):
        with pytest.raises(InputError):
            buy_collateral(market, 3000 * WAD, bad)
        with pytest.raises(InputError):
            buy_collateral(market, bad, WAD)
    with pytest.raises(InputError):
        Grid(amplification=1, base_price_wad=WAD)
    with pytest.raises(NumberError):
        oracle_up(GRID, 100_000)
