"""Every instrument under every scenario, once: a table of integers from which any portfolio is added up.

A contract is a row of float64 columns (CONTRACT), a scenario a row (SCENARIO). Results go to
table[tile, contract, lane], scenario = tile * LANES + lane, in whole `unit`s of the settlement unit per one
contract, rounded to the nearest; `base` is the value today. Sums over contracts are then exact and in any
order the same. Spot moves the variable part of a forward, a basis move the whole of it. No libm.
Source of values: Black (1976); in coin divided by the shocked forward; 1 - 1/(1+move) for inverse futures.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from seawall.kernels.black import black_price, placed, price_at
from seawall.kernels.elementary import exp, log, power
from seawall.kernels.fixed import LEAF, add_checked, mul_div_floor
from seawall.kernels.greeks import black_greeks

LANES = 8
LARGEST = 4.0e18  # of a rounded value: leaves room to take a difference in int64
DAYS = 365.0

CONTRACT = ("kind", "coin", "forward", "fixed", "strike", "years", "df", "call", "price",
            "vol_same", "vol_up", "vol_down", "vol_linear", "vol_absolute")  # fmt: skip
CON_KIND, CON_COIN, CON_FORWARD, CON_FIXED, CON_STRIKE, CON_YEARS, CON_DF, CON_CALL, CON_PRICE, CON_VOL = (
    range(10)
)
SCENARIO = ("spot", "basis", "vol")
SCN_SPOT, SCN_BASIS, SCN_VOL = range(3)
OPTION, FUTURE, PERPETUAL, SPOT, STILL = range(5)
# Shock of volatility, shared by all contracts of an underlying.
SHOCK = ("absolute", "up", "down", "short_power", "long_power", "reference", "floor", "up_floor")
SKEW = ("linear_base", "linear_slope", "absolute_base", "absolute_slope",
        "least_width", "width", "static", "scale")  # fmt: skip


@njit(**LEAF, error_model="numpy")
def _clamp(value, bound):  # type: ignore[no-untyped-def]
    return min(max(value, -bound), bound)


@njit(**LEAF, error_model="numpy")
def shock_vols(contracts, shock, skew):  # type: ignore[no-untyped-def]
    """Fill the shocked volatilities of every option from `vol_same`; an empty `skew` leaves it unmoved."""
    for i in range(contracts.shape[0]):
        row = contracts[i]
        vol, years = row[CON_VOL], row[CON_YEARS]
        if row[CON_KIND] != OPTION:
            continue
        days = years * DAYS
        time = power(shock[5] / max(days, shock[6]), shock[3] if days <= shock[5] else shock[4])
        up, down = shock[1] * time, shock[2] * time
        if shock[0] != 0.0:
            row[CON_VOL + 1] = max(vol + up, shock[7])
            row[CON_VOL + 2] = max(vol - down, 0.0)
        else:
            row[CON_VOL + 1] = max(vol * (1.0 + up), shock[7])
            row[CON_VOL + 2] = vol * max(1.0 - down, 0.0)
        row[CON_VOL + 3] = vol
        row[CON_VOL + 4] = vol
        if skew.size:
            root = np.sqrt(years)
            distance = log(row[CON_STRIKE] / (row[CON_FORWARD] + row[CON_FIXED]))
            width = max(skew[4], root * skew[5] * (skew[6] + root * skew[7]))
            linear = max(skew[0] + skew[1] * root, 0.0)
            absolute = max(skew[2] + skew[3] * root, 0.0)
            row[CON_VOL + 3] = vol * (1.0 + _clamp(distance * linear / width, linear))
            row[CON_VOL + 4] = vol * (1.0 + _clamp(abs(distance) * absolute / width, absolute))


@njit(**LEAF, error_model="numpy")
def value_of(row, spot, basis, vol):  # type: ignore[no-untyped-def]
    """Value of one contract in settlement units after a move; futures and spot: their gain."""
    kind = row[CON_KIND]
    if kind == OPTION:
        forward = (row[CON_FORWARD] * spot + row[CON_FIXED]) * basis
        value = row[CON_DF] * black_price(
            forward, row[CON_STRIKE], row[CON_YEARS], row[CON_VOL + vol], row[CON_CALL] != 0.0
        )
        return value / forward if row[CON_COIN] != 0.0 else value
    if kind == STILL:
        return 0.0
    moved = spot * basis if kind == FUTURE else spot
    if row[CON_COIN] != 0.0:
        return 1.0 - 1.0 / moved
    return row[CON_PRICE] * (moved - 1.0)


@njit(**LEAF, error_model="numpy")
def _option_row(row, spots, bases, vols, room):  # type: ignore[no-untyped-def]
    """`value_of` of one option under every scenario into room[0], the same bits, in loops over vectors."""
    values, h, t, forwards = room[0], room[1], room[2], room[3]
    forward, fixed, strike, years = row[CON_FORWARD], row[CON_FIXED], row[CON_STRIKE], row[CON_YEARS]
    is_call, df, coin = row[CON_CALL] != 0.0, row[CON_DF], row[CON_COIN] != 0.0
    for s in range(spots.size):
        forwards[s] = (forward * spots[s] + fixed) * bases[s]
        values[s] = row[CON_VOL + np.int64(vols[s])]
    for s in range(spots.size):
        h[s], t[s], _, _ = placed(forwards[s], strike, years, values[s])
    for s in range(spots.size):
        price = df * price_at(forwards[s], strike, is_call, h[s], t[s])
        values[s] = price / forwards[s] if coin else price


@njit(**LEAF, error_model="numpy")
def reprice(contracts, moves, unit, base, table, room):  # type: ignore[no-untyped-def]
    """Fill `base` and `table`. -1, or the first contract whose value is no number or too large.

    `moves` are the scenarios by column, a row for each of SCENARIO; `room` is four more such rows.
    """
    spots, bases, vols, values = moves[SCN_SPOT], moves[SCN_BASIS], moves[SCN_VOL], room[0]
    for i in range(contracts.shape[0]):
        row = contracts[i]
        today = value_of(row, 1.0, 1.0, 0) / unit
        if not (abs(today) < LARGEST):
            return i
        base[i] = np.int64(np.floor(today + 0.5))
        if row[CON_KIND] == OPTION:
            _option_row(row, spots, bases, vols, room)
        else:
            for s in range(spots.size):
                values[s] = value_of(row, spots[s], bases[s], 0)
        for s in range(spots.size):
            moved = values[s] / unit
            if not (abs(moved) < LARGEST):
                return i
            table[s // LANES, i, s % LANES] = np.int64(np.floor(moved + 0.5))
    return -1


@njit(**LEAF, error_model="numpy")
def _divisor(size, per_size):  # type: ignore[no-untyped-def]
    """Greatest common divisor, by Euclid; `per_size` is above zero."""
    one, other = np.int64(per_size), np.int64(size % per_size)
    while other != 0:
        one, other = other, one % other
    return one


@njit(**LEAF, error_model="numpy")
def add_portfolio(  # type: ignore[no-untyped-def]
    contracts, sizes, nodes, per_size, scenarios, base, table, today, results
):
    """Add positions up: today[node] of values, results[node, scenario] of gains, each leg rounded down.

    `contracts` names each position's row of the table, `sizes` are whole steps, `per_size` of them one
    contract. OverflowError where a sum passes 64 bits.
    """
    for p in range(contracts.size):
        i, node = contracts[p], nodes[p]
        # In lowest terms products stay small, and most divisions need no more than 64 bits.
        shared = _divisor(sizes[p], per_size)
        size, per = sizes[p] // shared, per_size // shared
        today[node] = add_checked(today[node], mul_div_floor(size, base[i], per))
        for s in range(scenarios):
            gain = mul_div_floor(size, table[s // LANES, i, s % LANES] - base[i], per)
            results[node, s] = add_checked(results[node, s], gain)


@njit(**LEAF, error_model="numpy")
def discount_factor(rate, years):  # type: ignore[no-untyped-def]
    """exp(-rate * years), a rate below zero counting as zero."""
    return exp(-max(rate, 0.0) * years)


@njit(**LEAF, error_model="numpy")
def delta_of(row):  # type: ignore[no-untyped-def]
    """Change of one contract per unit of underlying, undiscounted; in coin less its own value (net delta)."""
    kind = row[CON_KIND]
    if kind != OPTION:
        return 1.0 if kind in (FUTURE, PERPETUAL) else 0.0
    forward = row[CON_FORWARD] + row[CON_FIXED]
    strike, years, vol = row[CON_STRIKE], row[CON_YEARS], row[CON_VOL]
    _, delta, _, _, _ = black_greeks(forward, strike, years, vol, row[CON_CALL] != 0.0)
    return delta - value_of(row, 1.0, 1.0, 0) if row[CON_COIN] != 0.0 else delta
