"""What a balance counts for (P2): its price in the pot's unit, and its weight by size.

Amounts atoms of the asset or of the pot's unit, prices ticks, weights ppb. Balances round down,
debts away from zero. `rules` and `market` are the tables of kernels.layout.
Formulas and sources: docs/reference/margin.md.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from seawall.kernels import layout
from seawall.kernels.fixed import LEAF, add_checked, mul_checked, mul_div_ceil, mul_div_floor
from seawall.kernels.position import PPB, PRICE_STRICT, root_up


@njit(**LEAF)
def _numeraire_price(rules, market, level, asset, higher):  # type: ignore[no-untyped-def]
    """(num, den): atoms of the numeraire = atoms of `asset` * num / den; num = 0 without a usable price.

    A strict level takes the higher or the lower of index and slow price, as the caller asks.
    """
    if asset == rules[0, layout.HDR_NUMERAIRE]:
        return np.int64(1), np.int64(1)
    row = rules[0, layout.HDR_COLLATERAL] + asset
    instrument = rules[row, layout.AST_INSTRUMENT]
    if instrument < 0 or not market[instrument, layout.MKT_USABLE]:
        return np.int64(0), np.int64(1)
    price = market[instrument, layout.MKT_INDEX]
    if rules[rules[0, layout.HDR_LEVELS] + level, layout.LVL_PRICE] == PRICE_STRICT:
        stable = market[instrument, layout.MKT_STABLE]
        if stable > 0 and (stable > price) == higher:
            price = stable
    return mul_checked(price, rules[row, layout.AST_NUM]), rules[row, layout.AST_DEN]


@njit(**LEAF)
def asset_price(rules, market, level, asset, unit, owed):  # type: ignore[no-untyped-def]
    """(num, den): atoms of `unit` = atoms of `asset` * num / den; num = 0 when there is no usable price.

    A pot whose unit is not the numeraire, or that stands for one settlement asset, counts its unit only.
    """
    if asset == unit:
        return np.int64(1), np.int64(1)
    if rules[0, layout.HDR_SETTLEMENT_SCOPE] or unit != rules[0, layout.HDR_NUMERAIRE]:
        return np.int64(0), np.int64(1)
    return _numeraire_price(rules, market, level, asset, owed)


@njit(**LEAF)
def fixed_charge(rules, market, level, unit, atoms):  # type: ignore[no-untyped-def]
    """Numeraire atoms of a fixed charge in atoms of `unit`, rounded up; -1 when there is no usable price."""
    if atoms == 0 or unit == rules[0, layout.HDR_NUMERAIRE]:
        return np.int64(atoms)
    num, den = _numeraire_price(rules, market, level, unit, False)
    return mul_div_ceil(atoms, den, num) if num > 0 else np.int64(-1)


@njit(**LEAF)
def weighted_value(rules, weight_set, asset, amount, num, den):  # type: ignore[no-untyped-def]
    """P2: what an amount of an asset counts for in unit atoms, at amount * num / den before its weight."""
    row = rules[0, layout.HDR_WEIGHTS] + weight_set * rules[0, layout.HDR_ASSETS] + asset
    if rules[row, layout.WGT_WHOLE]:
        return mul_div_floor(amount, num, den)
    first, last = rules[row, layout.WGT_TIER_START], rules[row, layout.WGT_TIER_END]
    if amount < 0:
        owed = mul_div_floor(amount, num, den)
        return mul_div_floor(owed, rules[row, layout.WGT_LIABILITY], PPB)
    if rules[row, layout.WGT_CAP] > 0:
        amount = min(amount, rules[row, layout.WGT_CAP])
    most = np.int64(-1)
    if rules[row, layout.WGT_SQRT] > 0:
        atoms_per_unit = rules[rules[0, layout.HDR_COLLATERAL] + asset, layout.AST_ATOMS_PER_UNIT]
        root, scale = root_up(amount, atoms_per_unit)
        discount = PPB + mul_div_ceil(rules[row, layout.WGT_SQRT], root, scale)
        most = mul_div_floor(rules[row, layout.WGT_SQRT_TOP], PPB, discount)
    counted = np.int64(0)
    for tier in range(first, last):
        floor = rules[tier, layout.WGT_FLOOR]
        if amount <= floor:
            break
        ceiling = rules[tier + 1, layout.WGT_FLOOR] if tier + 1 < last else amount
        weight = rules[tier, layout.WGT_RATE]
        if most >= 0:
            weight = min(weight, most)
        counted += mul_div_floor(min(amount, ceiling) - floor, weight, PPB)
    worth = mul_div_floor(counted, num, den)
    most_worth = rules[row, layout.WGT_CAP_VALUE]
    return min(worth, most_worth) if most_worth > 0 else worth


@njit(**LEAF)
def collateral_value(rules, market, level, unit, amounts, row, own):  # type: ignore[no-untyped-def]
    """(weighted worth of amounts[row] in unit atoms, instrument whose price is missing or -1).

    `own` stands for the amount of the unit itself.
    """
    weights = rules[rules[0, layout.HDR_LEVELS] + level, layout.LVL_WEIGHTS]
    counts_all = unit == rules[0, layout.HDR_NUMERAIRE] and not rules[0, layout.HDR_SETTLEMENT_SCOPE]
    equity = np.int64(0)
    for asset in range(rules[0, layout.HDR_ASSETS]):
        total = own if asset == unit else amounts[row, asset]
        if total == 0:
            continue
        num, den = asset_price(rules, market, level, asset, unit, total < 0)
        via = rules[rules[0, layout.HDR_COLLATERAL] + asset, layout.AST_INSTRUMENT]
        if num > 0:
            equity = add_checked(equity, weighted_value(rules, weights, asset, total, num, den))
        elif total < 0 or (counts_all and via >= 0):
            return equity, np.int64(max(via, 0))
    return equity, np.int64(-1)
