"""The sieve's compiled half: judge the pots that prices have come near, file the calm, name the others.

A pot is calm if nothing is to be done about it: it meets every swept level or, once called, misses the cure
and meets the trigger. Judgement is exact and in integers (kernels.margin); where a pot is filed is found in
floats (kernels.exposure). Prices ticks, amounts atoms of the pot's unit, flags as in engine.state. `plan` is
the row PLAN: what does not change while a rulebook is in force; `levels` are the rows of the swept levels.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from seawall.kernels import layout
from seawall.kernels.exposure import ATOMS, MOST, asset_worth, position_slope
from seawall.kernels.fixed import LEAF
from seawall.kernels.margin import NOT_PLAIN, full_or_unfit, plain_health
from seawall.kernels.triggers import GUARD, NONE, cross, file, find_near, unfile

UNKNOWN, CALLED, LIQUIDATING = 1, 2, 4
# Verdicts on a pot; LOOSE is calm but not to be filed: it is judged again each time.
CALM, LOOSE, ENDANGERED, ON_RECORD = 0, 1, 2, 3
PLAN_WIDTH = 11
(
    PLAN_NESTED,  # levels come strictest first, each implying the next
    PLAN_CURE,  # place of the cure's level among the swept ones, or -1: nobody is called
    PLAN_TRIGGER,
    PLAN_USES,  # kernels.exposure.USES bits of the swept levels
    PLAN_STRICT,  # a level values collateral at the worse of index and slow price
    PLAN_ORDERS,  # a level sizes positions with their orders
    PLAN_GAIN,  # ppb that a gain in the pot's unit counts for at least, at every level
    PLAN_WEIGHT,  # ppb that an amount counts for at most, debts included
    PLAN_SHIFT,
    PLAN_RING,
    PLAN_FLAT,  # a level charges fixed amounts of the numeraire
) = range(PLAN_WIDTH)


@njit(**LEAF, error_model="numpy")
def room(  # type: ignore[no-untyped-def]
    pots, positions, resting, balances, market, rules, totals, lines, plan, levels, flag, pot
):
    """(verdict, room): atoms by which the pot may lose, or once called also gain, before something is due."""
    if flag & (UNKNOWN | LIQUIDATING) or (flag & CALLED and plan[PLAN_CURE] < 0):
        return ON_RECORD, np.int64(0)
    called, least = flag & CALLED != 0, np.int64(2**62)
    for place in range(levels.size):
        level = levels[place]
        if called and place != plan[PLAN_CURE] and place != plan[PLAN_TRIGGER]:
            continue
        has, needs, missing = plain_health(pots, positions, balances, market, rules, level, pot, lines, False)
        if missing == NOT_PLAIN:
            has, needs, missing = full_or_unfit(
                pots, positions, resting, balances, market, rules, totals, level, pot
            )
        spare = has - needs
        if missing != -1 or (spare < 0) != (has < needs):  # the difference itself may not fit
            return ENDANGERED, np.int64(0)
        if called and place == plan[PLAN_CURE]:
            if place == plan[PLAN_TRIGGER] or spare >= 0:
                return ENDANGERED, np.int64(0)
            spare = -spare
        if spare < 0:
            return ENDANGERED, np.int64(0)
        least = min(least, spare)
        if plan[PLAN_NESTED] and not called:
            break
    return CALM, least


@njit(**LEAF, error_model="numpy")
def _depends(pots, positions, balances, rules, hit, priced, pot):  # type: ignore[no-untyped-def]
    """Is the pot one that a sweep after prices of the instruments `hit` looks at?"""
    owes, slot = pots[pot]["head"] >= 0, np.int64(pots[pot]["head"])
    while slot >= 0:
        if hit[positions[slot]["instrument"]]:
            return True
        slot = np.int64(positions[slot]["next"])
    for asset in range(rules[0, layout.HDR_ASSETS]):
        owes = owes or balances[pot, asset] < 0
    for asset in range(rules[0, layout.HDR_ASSETS]):
        if owes and priced[asset] and balances[pot, asset] != 0:
            return True
    return False


@njit(**LEAF, error_model="numpy")
def depends(  # type: ignore[no-untyped-def]
    pots, positions, balances, rules, flags, hit, priced, asked, found
):
    """found[place]: does a sweep after prices of the instruments `hit` look at asked[place]?

    Whoever is on record is looked at whatever moved.
    """
    for place in range(asked.size):
        pot = np.int64(asked[place])
        found[place] = flags[pot] != 0 or _depends(pots, positions, balances, rules, hit, priced, pot)


@njit(**LEAF, error_model="numpy")
def _file_price(  # type: ignore[no-untyped-def]
    pot, column, instrument, sides, x, market, plan, first, posts, heads, near, counters
):
    """File the pot at x below (bit 0) and above (bit 1) one price, if there is one."""
    price = float(market[instrument, column])
    if price <= 0.0:
        return
    line = (column * market.shape[0] + instrument) * 2
    shift, ring = plan[PLAN_SHIFT], plan[PLAN_RING]
    if sides & 1:
        file(pot, line, price * (1.0 - x) * (1.0 + GUARD), first, posts, heads, near, counters, shift, ring)
    if sides & 2:
        file(
            pot, line + 1, price * (1.0 + x) * (1.0 - GUARD), first, posts, heads, near, counters, shift, ring
        )


@njit(**LEAF, error_model="numpy")
def _harmful(rules, plan, held, unit, required, value, both):  # type: ignore[no-untyped-def]
    """Which way the price hurts: 1 = down, 2 = up, 3 = either."""
    row = rules[0, layout.HDR_LISTING] + held["instrument"]
    if both or rules[row, layout.INS_INVERSE] or rules[row, layout.INS_SETTLE] != unit or held["lots"] == 0:
        return 3
    if held["lots"] < 0:
        return 2 if not (plan[PLAN_ORDERS] and held["orders"] != 0) else 3
    return 1 if required <= value * (plan[PLAN_GAIN] / 1e9) * 0.999 else 3


@njit(**LEAF, error_model="numpy")
def reach(  # type: ignore[no-untyped-def]
    pots, positions, resting, balances, market, rules, plan, levels, pot, least, both
):
    """x: relative move of every price at once that the pot bears. 0 = do not trust it."""
    unit, uses, weight = np.int64(pots[pot]["unit"]), plan[PLAN_USES], plan[PLAN_WEIGHT] / 1e9
    slope, rounding, jump = 0.0, ATOMS, MOST
    slot = np.int64(pots[pot]["head"])
    if slot >= 0 and pots[pot]["instrument"] < 0:
        for level in levels:
            if rules[rules[0, layout.HDR_LEVELS] + level, layout.LVL_DEMAND] >= 0:
                return 0.0  # what a portfolio rule asks is looked up anew at every price
    while slot >= 0:
        held, rest = positions[slot], resting[slot]
        slot = np.int64(held["next"])
        if rules[rules[0, layout.HDR_LISTING] + held["instrument"], layout.INS_OPTION]:
            return 0.0  # its price has no bounded slope: whoever holds options is judged at every price
        value, required, reached, worth = position_slope(
            market, rules, levels, uses, plan[PLAN_ORDERS], held, rest, unit
        )
        jump, rounding = min(jump, reached), rounding + ATOMS * max(worth, 1.0)
        # A long linear position needs less as its price falls.
        falls = _harmful(rules, plan, held, unit, required, value, both) == 1
        slope += value * weight + (0.0 if falls else required)
    for asset in range(rules[0, layout.HDR_ASSETS]):
        if asset != unit and balances[pot, asset] != 0:
            worth = asset_worth(market, rules, asset, unit)
            slope += abs(float(balances[pot, asset])) * worth * weight
            rounding += ATOMS * max(worth, 1.0)
    if plan[PLAN_FLAT] and unit != rules[0, layout.HDR_NUMERAIRE]:
        return 0.0
    if slope == 0.0:  # nothing it has or needs has a price
        return jump
    spare = float(least) * (1.0 - 1e-9) - rounding
    return max(min(spare / (slope * (1.0 + 1e-9)), jump * (1.0 - 1e-9)), 0.0)


@njit(**LEAF, error_model="numpy")
def file_pot(  # type: ignore[no-untyped-def]
    pots, positions, resting, balances, market, rules, plan, levels, pot, least, both,
    first, posts, heads, near, counters,
):  # fmt: skip
    """File a calm pot at every price it depends on. False if it is not to be trusted."""
    x = reach(pots, positions, resting, balances, market, rules, plan, levels, pot, least, both)
    if not x > 0.0:
        return False
    unit, slot, owes = np.int64(pots[pot]["unit"]), np.int64(pots[pot]["head"]), pots[pot]["head"] >= 0
    settled = np.int64(0)  # assets, by bit, that positions are settled in other than the unit
    counts_all = unit == rules[0, layout.HDR_NUMERAIRE] and not rules[0, layout.HDR_SETTLEMENT_SCOPE]
    while slot >= 0:
        held, rest = positions[slot], resting[slot]
        instrument, slot = np.int64(held["instrument"]), np.int64(held["next"])
        if held["lots"] == 0 and held["orders"] == 0:
            continue
        value, required, _jump, _worth = position_slope(
            market, rules, levels, plan[PLAN_USES], plan[PLAN_ORDERS], held, rest, unit
        )
        sides = _harmful(rules, plan, held, unit, required, value, both)
        for column in range(3):
            if plan[PLAN_USES] >> column & 1:
                _file_price(
                    pot, column, instrument, sides, x, market, plan, first, posts, heads, near, counters
                )
        settle = rules[rules[0, layout.HDR_LISTING] + instrument, layout.INS_SETTLE]
        if settle != unit:
            settled |= np.int64(1) << min(settle, 62)
    for asset in range(rules[0, layout.HDR_ASSETS]):
        owes = owes or balances[pot, asset] < 0
    for asset in range(rules[0, layout.HDR_ASSETS]):
        also, amount = settled >> min(asset, 62) & 1 != 0, balances[pot, asset]
        via = rules[rules[0, layout.HDR_COLLATERAL] + asset, layout.AST_INSTRUMENT]
        if asset == unit or via < 0 or not counts_all or not owes or not (also or amount != 0):
            continue
        sides = 3 if also or both else (1 if amount > 0 else 2)
        _file_price(pot, layout.MKT_INDEX, via, sides, x, market, plan, first, posts, heads, near, counters)
        if plan[PLAN_STRICT]:
            _file_price(
                pot, layout.MKT_STABLE, via, sides, x, market, plan, first, posts, heads, near, counters
            )
    return True


@njit(**LEAF, error_model="numpy")
def settle_pot(  # type: ignore[no-untyped-def]
    pots, positions, resting, balances, market, rules, plan, levels, pot, flag, verdict, least,
    first, posts, heads, near, counters,
):  # fmt: skip
    """Take a judged pot out of its buckets, and file it anew if it is calm. Returns the verdict, or LOOSE."""
    unfile(pot, first, posts, heads, counters)
    if verdict != CALM:
        return verdict
    both = flag & CALLED != 0
    filed = file_pot(
        pots, positions, resting, balances, market, rules, plan, levels, pot, least, both,
        first, posts, heads, near, counters,
    )  # fmt: skip
    return CALM if filed else LOOSE


@njit(**LEAF, error_model="numpy")
def walk(market, plan, walked, moved, posts, heads, seen, met, count):  # type: ignore[no-untyped-def]
    """Collect in `met` whoever the prices of the instruments `moved` have come to; returns how many."""
    for place in range(moved.size):
        for column in range(3):
            channel = column * market.shape[0] + moved[place]
            old, new = walked[channel], float(market[moved[place], column])
            if old > 0.0 and new > 0.0 and old != new:
                count = cross(
                    channel, old, new, posts, heads, seen, met, count, plan[PLAN_SHIFT], plan[PLAN_RING]
                )
    return count


@njit(**LEAF, error_model="numpy")
def arrive(market, plan, walked, moved, posts, heads, near):  # type: ignore[no-untyped-def]
    """The prices of `moved` have been walked to; find what is nearest to them now."""
    for place in range(moved.size):
        for column in range(3):
            channel, price = column * market.shape[0] + moved[place], float(market[moved[place], column])
            walked[channel] = price
            near[2 * channel], near[2 * channel + 1] = np.inf, -np.inf  # no price is never quiet
            if price > 0.0:
                find_near(channel, price, posts, heads, near, plan[PLAN_SHIFT], plan[PLAN_RING])


@njit(**LEAF, error_model="numpy")
def judge(  # type: ignore[no-untyped-def]
    pots, positions, resting, balances, market, rules, totals, lines, plan, levels, flags, met,
    first_met, end, verdicts, rooms,
):  # fmt: skip
    """Verdict and room of the pots met[first_met:end]; changes nothing."""
    for place in range(first_met, end):
        pot = np.int64(met[place])
        verdicts[place], rooms[place] = room(
            pots, positions, resting, balances, market, rules, totals, lines, plan, levels, flags[pot], pot
        )


@njit(cache=True, parallel=True)
def judge_all(  # type: ignore[no-untyped-def]
    pots, positions, resting, balances, market, rules, totals, lines, plan, levels, flags, met,
    verdicts, rooms,
):  # fmt: skip
    """`judge` on all threads."""
    for part in prange(-(-met.size // 512)):
        judge(
            pots, positions, resting, balances, market, rules, np.empty_like(totals), np.empty_like(lines),
            plan, levels, flags, met, part * 512, min(part * 512 + 512, met.size), verdicts, rooms,
        )  # fmt: skip


@njit(**LEAF, error_model="numpy")
def settle(  # type: ignore[no-untyped-def]
    pots, positions, resting, balances, market, rules, plan, levels, flags, met, count, verdicts, rooms,
    first, posts, heads, near, counters, seen,
):  # fmt: skip
    """File what was judged, up to `count` pots; verdicts say how it went."""
    for place in range(count):
        pot = np.int64(met[place])
        seen[pot] = 0
        verdicts[place] = settle_pot(
            pots, positions, resting, balances, market, rules, plan, levels, pot, flags[pot], verdicts[place],
            rooms[place], first, posts, heads, near, counters,
        )  # fmt: skip


@njit(**LEAF, error_model="numpy")
def sift(  # type: ignore[no-untyped-def]
    pots, positions, resting, balances, market, rules, totals, lines, plan, levels, flags, walked, moved,
    first, posts, heads, near, counters, seen, met, count, verdicts, rooms,
):  # fmt: skip
    """One tick: walk, judge, file. met[:count] holds pots to be judged anyway; returns how many it holds now.

    If they are more than `verdicts` holds, they are only collected, and still marked in `seen`.
    """
    for place in range(count):
        seen[met[place]] = 1
    found = walk(market, plan, walked, moved, posts, heads, seen, met, count)
    if found > verdicts.size:
        return found
    judge(
        pots, positions, resting, balances, market, rules, totals, lines, plan, levels, flags, met, 0, found,
        verdicts, rooms,
    )  # fmt: skip
    settle(
        pots, positions, resting, balances, market, rules, plan, levels, flags, met, found, verdicts, rooms,
        first, posts, heads, near, counters, seen,
    )  # fmt: skip
    arrive(market, plan, walked, moved, posts, heads, near)
    return found


@njit(cache=True, parallel=True)
def depend_on(market, changed, posts, used, seen):  # type: ignore[no-untyped-def]
    """Mark in `seen` whoever has a trigger at a price of an instrument that is in `changed`."""
    instruments = market.shape[0]
    for part in prange(-(-used // 65536)):
        for post in range(part * 65536, min(part * 65536 + 65536, used)):
            pot = posts[post]["pot"]
            if pot == NONE:
                continue
            instrument = (np.int64(posts[post]["line"]) >> 1) % instruments
            if changed[instrument]:
                seen[pot] = 1
