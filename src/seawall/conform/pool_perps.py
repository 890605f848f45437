"""Perpetuals against a pool: Synthetix's skew, margins, windows, keepers; GMX's impact, fees, caps, ADL.

Exact fractions of the vectors' decimals. A position is opened into an empty book where only its size is told,
so its entry is the fill of that. No formula.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from seawall.conform.model import Vector
from seawall.conform.reading import Adapter, Answer, as_number, find, maybe, number, numbers, rows, table
from seawall.liquidation import pool_steps
from seawall.market import pool_fees, pool_pricing
from seawall.market.pool_pricing import ImpactTerms

ZERO = Fraction(0)
Given = dict[str, Any]


def _terms(row: Given) -> pool_steps.SkewTerms:
    return pool_steps.SkewTerms(
        scale=number(row, "skew_scale"),
        slope=number(row, "imf", "initial_margin_fraction"),
        least=number(row, "min_im_ratio", "min_initial_margin_ratio", default=0),
        maintenance_share=number(row, "mm_scalar", "maintenance_scalar", default=Fraction(1, 2)),
        floor=number(row, "min_position_margin", default=0),
        reward_share=number(row, "reward_ratio", "flag_reward_ratio", default=0),
    )


def _entry(row: Given) -> Fraction:
    return pool_pricing.skew_fill(
        number(row, "open_oracle_price", "oracle"),
        skew=number(row, "skew", default=0),
        scale=number(row, "skew_scale"),
        size=number(row, "size"),
    )


def _guards(given: Given) -> pool_steps.Guards:
    return pool_steps.Guards(
        least=number(given, "min_reward", default=0),
        profit=number(given, "min_profit", "min_profit_ratio", default=0),
        most=number(given, "max_reward"),
        scaling=number(given, "max_scaling", "max_scaling_ratio", default=1),
    )


def fill(vector: Vector) -> Answer:
    return {"fill_price": _entry(vector.inputs)}


def account(vector: Vector) -> Answer:
    """Five positions in an empty book; the reward at its largest, as the guards are not told."""
    prices = table(vector.inputs, "oracle_prices")
    profits, maintenance, reward, interest = {}, ZERO, ZERO, ZERO
    for row in rows(vector.inputs, "positions"):
        size, price = number(row, "size"), as_number(prices[row["market"]], "oracle_prices")
        profits[row["market"]] = size * (price - _entry(row))
        asked = pool_steps.required(_terms(row), size=size, price=price)
        maintenance, reward = maintenance + asked.maintenance, reward + asked.reward
        interest += abs(size) * price
    available = number(vector.inputs, "collateral_usd") + sum(profits.values(), ZERO)
    return {
        "pnl": profits,
        "available_margin": available,
        "liquidatable": maintenance + reward > available,
        "open_interest_usd": interest,
    }


def margins(vector: Vector) -> Answer:
    listed = rows(vector.inputs, "positions")
    asked = [
        pool_steps.required(_terms(row), size=number(row, "size"), price=number(row, "oracle"))
        for row in listed
    ]
    lost = sum((number(row, "size") * (number(row, "oracle") - _entry(row)) for row in listed), ZERO)
    available = number(vector.inputs, "collateral_usd") + lost
    reward = pool_steps.keeper_reward(
        _guards(table(vector.inputs, "guards")),
        reward=sum((one.reward for one in asked), ZERO),
        margin=available,
    )
    initial = sum((one.initial for one in asked), reward)
    return {
        "available": available,
        "initial_margin": initial,
        "maintenance_margin": sum((one.maintenance for one in asked), reward),
        "withdrawable": max(available - initial, ZERO),
    }


def discount(vector: Vector) -> Answer:
    found, counted, plain = [], ZERO, ZERO
    for row in rows(vector.inputs, "collaterals"):
        amount, price = number(row, "amount"), number(row, "price")
        cut = pool_steps.collateral_discount(
            amount,
            scale=number(row, "skew_scale"),
            scalar=number(row, "scalar"),
            least=number(row, "lower"),
            most=number(row, "upper"),
        )
        found.append(cut)
        counted, plain = counted + amount * price * (1 - cut), plain + amount * price
    return {"discounts": found, "available_margin": counted, "undiscounted_value": plain}


def order(vector: Vector) -> Answer:
    """A new order, beside what is held already."""
    wanted = table(vector.inputs, "order")
    held = find(vector.inputs, "existing")
    listed = [wanted, *([held] if isinstance(held, dict) else held or [])]
    asked = [
        pool_steps.required(_terms(row), size=number(row, "size"), price=number(row, "oracle"))
        for row in listed
    ]
    size, oracle = number(wanted, "size"), number(wanted, "oracle")
    available = number(vector.inputs, "collateral_usd") + min(ZERO, size * (oracle - _entry(wanted)))
    reward = pool_steps.keeper_reward(
        _guards(table(vector.inputs, "guards")),
        reward=sum((one.reward for one in asked), ZERO),
        margin=available,
    )
    initial = sum((one.initial for one in asked), ZERO)
    return {
        "initial_margin": initial,
        "liquidation_reward": reward,
        "required_before_fee": initial + reward,
        "available_after_fill_loss": available,
        "accepted": initial + reward <= available,
    }


def windows(vector: Vector) -> Answer:
    """Calls in order; sizes by account, or told with the call. A call's own limit of skew goes first."""
    given = vector.inputs
    room = maybe(given, "capacity")
    if room is None:
        room = pool_steps.capacity(
            fees=number(given, "maker_fee") + number(given, "taker_fee"),
            scale=number(given, "skew_scale"),
            multiplier=number(given, "multiplier", default=1),
            length=number(given, "window_s"),
        )
    market = pool_steps.Windows(room, number(given, "window_s"))
    left = {name: as_number(size, "sizes") for name, size in (find(given, "sizes") or {}).items()}
    closed, remaining = [], []
    for call in rows(given, "calls"):
        name = str(find(call, "account"))
        size = number(call, "size") if find(call, "size") is not None else left[name]
        skew = maybe(call, "skew")
        share = None if skew is None else abs(skew) / number(given, "skew_scale")
        limit = number(call, "max_pd", default=number(given, "max_pd", default=0))
        taken = market.close(size, number(call, "t"), skew_share=share, most_skew=limit)
        left[name] = size - taken
        closed.append(taken)
        remaining.append(left[name])
    return {
        "capacity": room,
        "closed": closed,
        "size_left": remaining,
        "second_account_left": remaining[-1],
    }


def funding(vector: Vector) -> Answer:
    """A position of its own, whose size is the skew at first; others then move it."""
    given = vector.inputs
    size, price = number(given, "size"), number(given, "price")
    skew, state, paid = size, pool_fees.Funding(), []
    for step in rows(given, "steps"):
        state = pool_fees.advance(
            state,
            skew=skew,
            scale=number(given, "skew_scale"),
            velocity=number(given, "max_velocity_per_day"),
            price=price,
            days=number(step, "days"),
        )
        paid.append(state.accrued * size)
        skew += number(step, "skew_change_after", default=0)
    return {"accrued_funding_cost": paid}


def keeper(vector: Vector) -> Answer:
    """Whole units of money; margin that was seized already caps nothing."""
    given = vector.inputs
    margin = number(given, "collateral_usd_at_reward", default=0)
    found = pool_steps.keeper_reward(
        _guards(given),
        reward=number(given, "reward"),
        cost=number(given, "flag_cost") + number(given, "liquidate_cost"),
        margin=margin or None,
    )
    return {"keeper_reward": int(found)}


def _impact_terms(given: Given) -> ImpactTerms:
    return ImpactTerms(
        positive=number(given, "positive_factor"),
        negative=number(given, "negative_factor"),
        exponent=number(given, "exponent"),
    )


def impact(vector: Vector) -> Answer:
    """Of an increase or a decrease; what an increase had pending is realised at the close."""
    given = vector.inputs
    size, is_long = number(given, "size_usd"), bool(find(given, "is_long"))
    increase = find(given, "increase") is not False
    before = number(given, "open_interest_long") - number(given, "open_interest_short")
    change = size if is_long == increase else -size
    found = pool_pricing.price_impact(_impact_terms(given), before=before, after=before + change)
    price = pool_pricing.execution_price(
        number(given, "oracle_price"), size_usd=size, impact=found, is_long=is_long, increase=increase
    )
    pending = number(given, "pending_impact_usd", default=0)
    return {
        "impact_usd": found,
        "impact_usd_close": found,
        "execution_price": price,
        "proportional_pending_impact_usd": pending,
        "impact_pool_after_usd": -found - pending,
    }


def shared_impact(vector: Vector) -> Answer:
    """Market a's own imbalance was made by one order; the order at hand sees its own or the shared one."""
    given, terms = vector.inputs, _impact_terms(vector.inputs)
    first, wanted = table(given, "market_a"), table(given, "order")
    held = table(given, f"market_{find(wanted, 'market')}")
    change = number(wanted, "size_usd") * (1 if find(wanted, "is_long") else -1)
    return {
        "impact_a_usd": pool_pricing.worse_impact(
            terms, own=ZERO, shared=None, change=number(first, "long") - number(first, "short")
        ),
        "impact_b_usd": pool_pricing.worse_impact(
            terms,
            own=number(held, "long") - number(held, "short"),
            shared=number(given, "virtual_imbalance"),
            change=change,
        ),
    }


def impact_factor(vector: Vector) -> Answer:
    given = vector.inputs
    return {
        "value": pool_pricing.scaled(
            number(given, "diff_usd"), number(given, "factor"), number(given, "exponent")
        )
    }


def adaptive(vector: Vector) -> Answer:
    given = vector.inputs
    terms = pool_fees.AdaptiveTerms(
        increase=number(given, "increase_factor_per_s"),
        decrease=number(given, "decrease_factor_per_s"),
        stable=number(given, "threshold_stable"),
        falling=number(given, "threshold_decrease"),
    )
    longs, shorts = number(given, "open_interest_long"), number(given, "open_interest_short")
    factor, seen = number(given, "funding_factor_start", default=0), []
    for step in rows(given, "steps"):
        factor = pool_fees.adapt(factor, terms, longs=longs, shorts=shorts, seconds=number(step, "dt_s"))
        seen.append(factor)
        longs += number(step, "then_long_increase_usd", default=0)
        shorts += number(step, "then_short_increase_usd", default=0)
    return {"funding_factor_per_s": seen}


def skew_funding(vector: Vector) -> Answer:
    given = vector.inputs
    fee = pool_fees.skew_fee(
        longs=number(given, "open_interest_long"),
        shorts=number(given, "open_interest_short"),
        factor=number(given, "funding_factor"),
        exponent=number(given, "exponent", default=1),
        seconds=number(given, "elapsed_s"),
    )
    return {"funding_fee_usd": fee, "exceeds_collateral": fee > number(given, "collateral_usd", default=0)}


def borrowing(vector: Vector) -> Answer:
    given = vector.inputs
    return {
        f"fee_{side}_usd": pool_fees.borrowing_fee(
            reserved=number(given, f"open_interest_{side}"),
            pool=number(given, f"pool_{side}_usd"),
            factor=number(given, f"borrowing_factor_{side}"),
            exponent=number(given, "exponent", default=1),
            seconds=number(given, "elapsed_s"),
        )
        for side in ("long", "short")
    }


def _profit(given: Given, size: Fraction) -> Fraction:
    """Of a long opened at the entry."""
    entry = number(given, "entry")
    found = pool_steps.judge_isolated(
        size_usd=size,
        tokens=size / entry,
        price=number(given, "price"),
        collateral_usd=ZERO,
        least_share=ZERO,
    )
    return found.profit


def profit_cap(vector: Vector) -> Answer:
    """Longs closed in turn out of a pool of one token, each side's half of it."""
    given = vector.inputs
    held = [
        (number(row, "collateral"), _profit(given, number(row, "size_usd")))
        for row in rows(given, "positions")
    ]
    pool, factor = number(given, "pool_usd"), number(given, "max_pnl_factor_withdrawals")
    found = pool_steps.payouts(held, pool=pool, sides=2, factor=number(given, "max_pnl_factor_traders"))
    whole = sum((profit for _, profit in held), ZERO)
    states = [(pool, whole), *((after, left) for _, after, left in found)]
    worth = [
        after - pool_pricing.capped_profit(left, all_profit=left, pool=after / 2, factor=factor)
        for after, left in states
    ]
    return {"payouts": [paid for paid, _, _ in found], "pool_value_with_open_pnl": worth}


def no_cap(vector: Vector) -> Answer:
    given = vector.inputs
    profit = _profit(given, number(given, "size_usd"))
    return {"payout_each": number(given, "collateral") + profit}


def impact_pool(vector: Vector) -> Answer:
    given = vector.inputs
    return {
        "pool_value": [
            pool_pricing.pool_value(
                tokens=number(given, "pool_eth"),
                usd=number(given, "pool_usd"),
                price=number(given, "price"),
                impact_tokens=number(given, "impact_pool_eth"),
                least=number(given, "floor_eth", default=0),
                rate=number(given, "rate_eth_per_s", default=0),
                elapsed=elapsed,
            ).value
            for elapsed in numbers(given, "times_s")
        ]
    }


def isolated(vector: Vector) -> Answer:
    """At each price of its collateral; what is left goes back in kind at the last."""
    given = vector.inputs
    prices = numbers(given, "collateral_price")
    found = [
        pool_steps.judge_isolated(
            size_usd=number(given, "size_usd"),
            tokens=number(given, "size_tokens"),
            price=number(given, "index_price"),
            collateral_usd=number(given, "collateral_eth", "collateral") * price,
            least_share=number(given, "min_collateral_factor"),
            is_long=find(given, "is_long") is not False,
        )
        for price in prices
    ]
    gone = [one.liquidatable for one in found]
    return {
        "liquidatable": gone if isinstance(find(given, "collateral_price"), list) else gone[0],
        "pnl_usd": found[-1].profit,
        "returned_eth": max(found[-1].remaining, ZERO) / prices[-1],
    }


def winners(vector: Vector) -> Answer:
    given, held = vector.inputs, table(vector.inputs, "position")
    size, pool = number(held, "size_usd"), number(given, "pool_usd")
    most, shares, enabled = number(given, "max_pnl_factor_for_adl"), [], []
    for price in numbers(given, "prices"):
        judged = pool_steps.judge_isolated(
            size_usd=size,
            tokens=number(held, "tokens"),
            price=price,
            collateral_usd=ZERO,
            least_share=ZERO,
        )
        shares.append(judged.profit / pool)
        enabled.append(pool_steps.deleverage_enabled(judged.profit, pool=pool, most=most))
    chosen = number(given, "adl_size_usd", default=0)
    after = shares[-1] * (size - chosen) / size
    floor = number(given, "min_pnl_factor_after_adl", default=0)
    lowers = pool_steps.deleverage_allowed(shares[-1], after, floor=floor)
    return {
        "enabled": enabled,
        "pnl_to_pool": shares,
        "size_left_usd": size - chosen if enabled[-1] and lowers else size,
    }


ADAPTERS: tuple[Any, ...] = (
    Adapter("synthetix-fill", ("skew", "skew_scale", "size"), fill),
    Adapter("synthetix-margins", ("positions", "guards"), margins),
    Adapter("synthetix-margin", ("positions", "oracle_prices"), account),
    Adapter("synthetix-collateral", ("collaterals",), discount),
    Adapter("synthetix-order", ("order", "guards"), order),
    Adapter("synthetix-window", ("window_s", "calls"), windows),
    Adapter("synthetix-funding", ("steps", "max_velocity_per_day"), funding),
    Adapter("synthetix-keeper", ("flag_cost", "reward"), keeper),
    Adapter("gmx-impactpool", ("pool_eth", "impact_pool_eth"), impact_pool),
    Adapter("gmx-impactfactor", ("diff_usd", "factor"), impact_factor),
    Adapter("gmx-impact", ("positive_factor", "size_usd", "oracle_price"), impact),
    Adapter("gmx-virtual", ("virtual_imbalance", "order"), shared_impact),
    Adapter("gmx-funding", ("threshold_stable", "steps"), adaptive),
    Adapter("gmx-funding", ("funding_factor", "elapsed_s"), skew_funding),
    Adapter("gmx-borrowing", ("borrowing_factor_long", "elapsed_s"), borrowing),
    Adapter("gmx-pnlcap", ("positions", "max_pnl_factor_traders"), profit_cap),
    Adapter("gmx-pnlcap", ("size_usd", "collateral", "entry"), no_cap),
    Adapter("gmx-liq", ("size_usd", "size_tokens", "index_price"), isolated),
    Adapter("gmx-adl", ("pool_usd", "position", "prices"), winners),
)
