"""What a balance counts for (P2): its price in the pot's unit, and its weight by size.

Amounts atoms of the asset or of the pot's unit, prices ticks, weights ppb. Balances round down,
debts away from zero. Formulas and sources: docs/reference/margin.md.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from seawall.kernels import layout
from seawall.kernels.fixed import add_checked, mul_checked, mul_div_ceil, mul_div_floor
from seawall.kernels.position import PPB, PRICE_STRICT, root_up


@njit(cache=True)
def _numeraire_price(rules, view, level, asset, higher):  # type: ignore[no-untyped-def]
    """(num, den): atoms of the numeraire = atoms of `asset` * num / den; num = 0 without a usable price.

    A strict level takes the higher or the lower of index and slow price, as the caller asks.
    """
    if asset == rules.numeraire:
        return np.int64(1), np.int64(1)
    instrument = rules.collateral[asset, layout.AST_INSTRUMENT]
    if instrument < 0 or not view.usable[instrument]:
        return np.int64(0), np.int64(1)
    price = view.index_price[instrument]
    if rules.levels[level, layout.LVL_PRICE] == PRICE_STRICT:
        stable = view.stable[instrument]
        if stable > 0 and (stable > price) == higher:
            price = stable
    num = mul_checked(price, rules.collateral[asset, layout.AST_NUM])
    return num, rules.collateral[asset, layout.AST_DEN]


@njit(cache=True)
def asset_price(rules, view, level, asset, unit, owed):  # type: ignore[no-untyped-def]
    """(num, den): atoms of `unit` = atoms of `asset` * num / den; num = 0 when there is no usable price.

    A pot whose unit is not the numeraire, or that stands for one settlement asset, counts its unit only.
    """
    if asset == unit:
        return np.int64(1), np.int64(1)
    if rules.settlement_scope or unit != rules.numeraire:
        return np.int64(0), np.int64(1)
    return _numeraire_price(rules, view, level, asset, owed)


@njit(cache=True)
def fixed_charge(rules, view, level, unit, atoms):  # type: ignore[no-untyped-def]
    """Numeraire atoms of a fixed charge in atoms of `unit`, rounded up; -1 when there is no usable price."""
    if atoms == 0 or unit == rules.numeraire:
        return np.int64(atoms)
    num, den = _numeraire_price(rules, view, level, unit, False)
    return mul_div_ceil(atoms, den, num) if num > 0 else np.int64(-1)


@njit(cache=True)
def weighted_value(rules, weight_set, asset, amount, num, den):  # type: ignore[no-untyped-def]
    """P2: what an amount of an asset counts for in unit atoms, at amount * num / den before its weight."""
    row = weight_set * rules.assets + asset
    first, last = rules.weights[row, layout.WGT_TIER_START], rules.weights[row, layout.WGT_TIER_END]
    if amount < 0:
        owed = mul_div_floor(amount, num, den)
        return mul_div_floor(owed, rules.weights[row, layout.WGT_LIABILITY], PPB)
    if rules.weights[row, layout.WGT_CAP] > 0:
        amount = min(amount, rules.weights[row, layout.WGT_CAP])
    most = np.int64(-1)
    if rules.weights[row, layout.WGT_SQRT] > 0:
        root, scale = root_up(amount, rules.collateral[asset, layout.AST_ATOMS_PER_UNIT])
        discount = PPB + mul_div_ceil(rules.weights[row, layout.WGT_SQRT], root, scale)
        most = mul_div_floor(rules.weights[row, layout.WGT_SQRT_TOP], PPB, discount)
    counted = np.int64(0)
    for tier in range(first, last):
        floor = rules.weight_tiers[tier, layout.WGT_FLOOR]
        if amount <= floor:
            break
        ceiling = rules.weight_tiers[tier + 1, layout.WGT_FLOOR] if tier + 1 < last else amount
        weight = rules.weight_tiers[tier, layout.WGT_RATE]
        if most >= 0:
            weight = min(weight, most)
        counted += mul_div_floor(min(amount, ceiling) - floor, weight, PPB)
    worth = mul_div_floor(counted, num, den)
    most_worth = rules.weights[row, layout.WGT_CAP_VALUE]
    return min(worth, most_worth) if most_worth > 0 else worth


@njit(cache=True)
def collateral_value(rules, view, level, unit, totals):  # type: ignore[no-untyped-def]
    """(weighted worth of the totals per asset in unit atoms, instrument whose price is missing or -1)."""
    equity, counts_all = np.int64(0), unit == rules.numeraire and not rules.settlement_scope
    for asset in range(rules.assets):
        total = totals[asset]
        if total == 0:
            continue
        num = den = np.int64(1)
        if asset != unit:
            num, den = asset_price(rules, view, level, asset, unit, total < 0)
        if num > 0:
            worth = weighted_value(rules, rules.levels[level, layout.LVL_WEIGHTS], asset, total, num, den)
            equity = add_checked(equity, worth)
        elif total < 0 or (counts_all and rules.collateral[asset, layout.AST_INSTRUMENT] >= 0):
            return equity, np.int64(max(rules.collateral[asset, layout.AST_INSTRUMENT], 0))
    return equity, np.int64(-1)
