"""Drift v2: weights by size, buffered margin, sizes and fees of liquidations, calls in a row, losses.

Vectors count in integers at the venue's precisions (money 1e-6, sizes 1e-9, ratios 1e-4, fees 1e-6), or in
dollars and coins, which become those integers here. No formula.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from seawall.conform.model import Vector
from seawall.conform.reading import Adapter, Answer, find, number, rows, table
from seawall.errors import Unsupported
from seawall.ledger import accrual
from seawall.liquidation import cover, takeover_flow
from seawall.liquidation.socialise import index_step
from seawall.liquidation.tiers import InsuranceTier
from seawall.liquidation.waterfall import draw
from seawall.margin import buffered, size_weights
from seawall.margin.buffered import MONEY, SIZE, Ratios, Sum
from seawall.margin.size_weights import WEIGHT

RATE = 10**9  # of a funding rate, per unit of size
PAYMENTS = 24  # a day's spread is paid by the hour
POOL_SHARE, POOL_KEPT = 3, 2  # the pool pays a third of what lies above half of it
TOKEN = 6  # decimals of a token whose vector counts in coins


def units(value: Fraction, per: int, name: str) -> int:
    scaled = value * per
    if scaled.denominator != 1:
        raise Unsupported(f"{name} {float(value)!r} is finer than 1/{per}")
    return int(scaled)


def whole(vector: Vector, *names: str, default: int | None = None) -> int:
    return units(number(vector.inputs, *names, default=default), 1, names[0])


def scaled(vector: Vector, per: int, *names: str, default: int | None = None) -> int:
    return units(number(vector.inputs, *names, default=default), per, names[0])


def money(atoms: int) -> Fraction:
    return Fraction(atoms, MONEY)


def size_weight(vector: Vector) -> Answer:
    size = whole(vector, "token_amount_1e6") * (SIZE // MONEY)
    rule = size_weights.size_discount if find(vector.inputs, "kind") == "asset" else size_weights.size_premium
    weight, factor = whole(vector, "base_weight_1e4"), whole(vector, "imf_factor_1e6")
    return {"weight_1e4": rule(weight, size=size, factor=factor)}


def scaled_weight(vector: Vector) -> Answer:
    deposits = number(vector.inputs, "total_deposits_tokens") * number(vector.inputs, "oracle_price")
    return {
        "scaled_weight_1e4": size_weights.scaled_by_deposits(
            whole(vector, "initial_asset_weight_1e4"),
            deposits=int(deposits * MONEY),
            start=scaled(vector, MONEY, "scale_start_usd"),
        )
    }


def fill_weight(vector: Vector) -> Answer:
    return {"fill": size_weights.between(whole(vector, "initial"), whole(vector, "maintenance"))}


def profit_weight(vector: Vector) -> Answer:
    return {
        "weight_1e4": size_weights.profit_weight(
            whole(vector, "initial_weight_1e4"),
            profit=whole(vector, "unrealized_pnl_quote"),
            factor=whole(vector, "unrealized_pnl_imf_factor"),
        )
    }


def perp_initial(vector: Vector) -> Answer:
    """Requirement of a position, and what of its profit counts; without an entry: the most that may."""
    ratios = Ratios(
        whole(vector, "margin_ratio_initial", "margin_ratio_1e4"), whole(vector, "imf_factor", default=0)
    )
    found = buffered.perpetual(
        whole(vector, "base"), whole(vector, "quote", default=0), whole(vector, "oracle_price"), ratios
    )
    most = whole(vector, "max_positive_upnl", default=PROFIT_CAP)
    profit = most if find(vector.inputs, "quote") is None else found.collateral
    return {
        "margin_requirement": found.requirement,
        "weighted_upnl": buffered.counted_profit(profit, most=most),
    }


PROFIT_CAP = 100 * MONEY  # of one market's open profit in the initial level


def perp_maintenance(vector: Vector) -> Answer:
    ratios = Ratios(whole(vector, "margin_ratio_1e4"), whole(vector, "imf_factor", default=0))
    found = buffered.perpetual(
        whole(vector, "base"),
        0,
        whole(vector, "oracle_price"),
        ratios,
        bids=whole(vector, "open_bids", default=0),
        asks=whole(vector, "open_asks", default=0),
        orders=whole(vector, "open_orders", default=0),
    )
    return {"maintenance_requirement": found.requirement}


def orders(vector: Vector) -> Answer:
    held = buffered.with_orders(
        scaled(vector, SIZE, "sol", "token", default=0),
        scaled(vector, MONEY, "price"),
        bids=scaled(vector, SIZE, "open_bid_sol", "open_bid", default=0),
        asks=scaled(vector, SIZE, "open_ask_sol", "open_ask", default=0),
        orders=whole(vector, "open_orders", default=1),
        asset_weight=scaled(vector, WEIGHT, "asset_w"),
        liability_weight=scaled(vector, WEIGHT, "liab_w"),
    )
    cash = buffered.balance(
        scaled(vector, MONEY, "usdc", default=0), asset_weight=WEIGHT, liability_weight=WEIGHT
    )
    both = held.plus(cash)
    return {"margin_requirement": both.requirement, "total_collateral": both.collateral}


def side_by_side(vector: Vector) -> Answer:
    """A cross account of money and a debt, and an isolated perpetual, each with the buffer."""
    buffer = scaled(vector, WEIGHT, "buffer_ratio", default=0)
    price = scaled(vector, MONEY, "sol_price", "price")
    owed = buffered.value_of(-scaled(vector, SIZE, "sol_borrow"), price)
    weight = scaled(vector, WEIGHT, "liab_w_initial")
    cash = buffered.balance(scaled(vector, MONEY, "usdc"), asset_weight=WEIGHT, liability_weight=WEIGHT)
    cross = cash.plus(buffered.balance(owed, asset_weight=WEIGHT, liability_weight=weight, buffer=buffer))
    own = table(vector.inputs, "isolated")
    isolated = buffered.perpetual(
        units(number(own, "base"), SIZE, "base"),
        units(number(own, "quote"), MONEY, "quote"),
        price,
        Ratios(units(number(own, "margin_ratio_initial"), WEIGHT, "ratio"), buffer=buffer),
    ).plus(Sum(0, units(number(own, "deposit", default=0), MONEY, "deposit")))
    answer: Answer = {}
    for name, one in (("cross", cross), ("isolated", isolated)):
        answer |= {
            f"{name}_requirement": money(one.requirement),
            f"{name}_collateral": money(one.collateral),
            f"{name}_requirement_plus_buffer": money(one.requirement + one.buffer),
            f"{name}_collateral_plus_buffer": money(one.collateral - one.loss),
            f"healthy_{name}": one.collateral >= one.requirement,
        }
    return answer


def profit_buffer(vector: Vector) -> Answer:
    ratios = Ratios(0, buffer=scaled(vector, WEIGHT, "buffer"))
    held = buffered.perpetual(0, scaled(vector, MONEY, "perp_quote"), MONEY, ratios)
    both = held.plus(Sum(0, scaled(vector, MONEY, "usdc")))
    return {
        "total_collateral": money(both.collateral),
        "total_collateral_plus_buffer": money(both.collateral - both.loss),
    }


def prediction(vector: Vector) -> Answer:
    base, price = scaled(vector, SIZE, "base"), scaled(vector, MONEY, "oracle")
    profit = buffered.perpetual(base, scaled(vector, MONEY, "quote"), price, Ratios(0)).collateral
    answer: Answer = {}
    for level, name in (("im", "initial"), ("mm", "maint")):
        ratio = scaled(vector, WEIGHT, f"{level}_ratio")
        answer[level.upper()] = money(buffered.fully_paid(base, price, ratio))
        weight = scaled(vector, WEIGHT, f"upnl_{name}_weight", default=1)
        counted = buffered.balance(profit, asset_weight=weight, liability_weight=WEIGHT)
        answer["upnl_initial" if level == "im" else "upnl_maintenance"] = money(
            counted.collateral - counted.requirement
        )
    return answer


def cover_base(vector: Vector) -> Answer:
    return {
        "base_amount": cover.base_to_cover(
            whole(vector, "margin_shortage"),
            ratio=whole(vector, "margin_ratio_1e4"),
            liquidator_fee=whole(vector, "liquidator_fee_1e6", default=0),
            fund_fee=whole(vector, "if_fee_1e6", default=0),
            price=whole(vector, "oracle_price"),
            quote_price=whole(vector, "quote_price", default=MONEY),
        )
    }


def cover_liability(vector: Vector) -> Answer:
    return {
        "liability_amount": cover.liability_to_cover(
            whole(vector, "margin_shortage"),
            asset_weight=whole(vector, "asset_weight"),
            asset_multiplier=whole(vector, "asset_multiplier"),
            liability_weight=whole(vector, "liability_weight"),
            liability_multiplier=whole(vector, "liability_multiplier"),
            decimals=whole(vector, "liability_decimals"),
            price=whole(vector, "liability_price"),
            fund_fee=whole(vector, "if_fee", default=0),
        )
    }


def asset_paid(vector: Vector) -> Answer:
    return {
        "asset_amount": cover.asset_for_liability(
            whole(vector, "liability"),
            liability_price=whole(vector, "liability_price"),
            asset_price=whole(vector, "asset_price"),
            asset_multiplier=whole(vector, "asset_multiplier"),
            liability_multiplier=whole(vector, "liability_multiplier"),
            liability_decimals=whole(vector, "liability_decimals", default=9),
            asset_decimals=whole(vector, "asset_decimals", default=6),
        )
    }


def fund_fee(vector: Vector) -> Answer:
    return {
        "if_fee_1e6": cover.fund_fee(
            whole(vector, "margin_shortage"),
            base=whole(vector, "base"),
            ratio=whole(vector, "margin_ratio_1e4"),
            liquidator_fee=whole(vector, "liquidator_fee"),
            price=whole(vector, "oracle_price"),
            most=whole(vector, "max_if_fee"),
        )
    }


def balance_fund_fee(vector: Vector) -> Answer:
    return {
        "if_fee_1e6": cover.balance_fund_fee(
            whole(vector, "margin_shortage"),
            amount=scaled(vector, 10**TOKEN, "token_amount"),
            asset_weight=scaled(vector, WEIGHT, "asset_weight"),
            asset_multiplier=scaled(vector, cover.FEE, "asset_multiplier"),
            liability_weight=scaled(vector, WEIGHT, "liability_weight"),
            liability_multiplier=scaled(vector, cover.FEE, "liability_multiplier"),
            price=scaled(vector, MONEY, "liability_price"),
            decimals=TOKEN,
            most=scaled(vector, cover.FEE, "max_if_fee"),
        )
    }


def liquidator_fee(vector: Vector) -> Answer:
    ramp = cover.Ramp(whole(vector, "base_fee_1e6"), whole(vector, "max_fee_1e6"))
    waited = whole(vector, "slot") - whole(vector, "last_active_slot", default=0)
    return {"fee_1e6": cover.liquidator_fee(ramp, waited)}


def released(vector: Vector) -> Answer:
    return {
        "pct_1e4": cover.released(
            cover.Pace(whole(vector, "initial_pct_1e4"), whole(vector, "duration_slots")),
            shortage=whole(vector, "margin_shortage"),
            freed=whole(vector, "margin_freed", default=0),
            elapsed=whole(vector, "elapsed_slots"),
        )
    }


def index_of_loss(vector: Vector) -> Answer:
    """A loss over what is open on both sides, as the step of an index per unit kept in 1e-9."""
    open_units = whole(vector, "base_long") + abs(whole(vector, "base_short"))
    return {"funding_delta_1e9": index_step(whole(vector, "loss"), open_units) * (RATE // MONEY)}


def index_of_deposits(vector: Vector) -> Answer:
    step = index_step(whole(vector, "loss"), whole(vector, "deposits"), scale=whole(vector, "index_1e10"))
    return {"index_delta_1e10": step}


def perp_bankruptcy(vector: Vector) -> Answer:
    """Insurance, then the fee pool, then an index over both sides."""
    loss = scaled(vector, MONEY, "loss")
    funds = {name: scaled(vector, MONEY, name, default=0) for name in ("insurance", "fee_pool")}
    found = draw([InsuranceTier(fund=name) for name in funds], funds, loss)
    longs, shorts = whole(vector, "base_long"), abs(whole(vector, "base_short"))
    step = index_step(found.remaining_atoms, longs + shorts)
    return {
        "insurance_payment": money(found.payments[0].paid_atoms),
        "fee_pool_payment": money(found.payments[1].paid_atoms),
        "socialised": money(found.remaining_atoms),
        "total_social_loss": money(found.remaining_atoms),
        "funding_index_change_per_base": money(step),
        "long_holder_loss": money(step * longs),
        "short_holder_loss": money(step * shorts),
    }


def balance_bankruptcy(vector: Vector) -> Answer:
    loss = scaled(vector, MONEY, "borrow", "loss")
    found = draw(
        [InsuranceTier(fund="insurance")], {"insurance": scaled(vector, MONEY, "insurance", default=0)}, loss
    )
    deposits = scaled(vector, MONEY, "deposits")
    index = 10**10
    step = index_step(found.remaining_atoms, deposits, scale=index)
    after = Fraction(index - step, index)
    return {"deposit_index_after": after, "deposits_after": money(deposits) * after}


def _terms(vector: Vector) -> takeover_flow.Terms:
    fee = whole(vector, "liquidator_fee_1e6")
    return takeover_flow.Terms(
        ratios=Ratios(
            whole(vector, "margin_ratio_maintenance_1e4"),
            whole(vector, "imf_factor", default=0),
            whole(vector, "liquidation_buffer_1e4"),
        ),
        step=whole(vector, "step_size"),
        fee=cover.Ramp(fee, whole(vector, "max_liquidator_fee_1e6", default=fee)),
        most_fund_fee=whole(vector, "if_fee_max_1e6"),
        pace=cover.Pace(whole(vector, "initial_pct_1e4"), whole(vector, "liquidation_duration_slots")),
    )


def flow(vector: Vector) -> Answer:
    """Calls of liquidators one after another, and the account after each."""
    account = takeover_flow.Account(
        cash=whole(vector, "usdc"),
        base=whole(vector, "base"),
        quote=whole(vector, "quote"),
        bids=whole(vector, "open_bids_base", default=0),
        asks=abs(whole(vector, "open_asks_base", default=0)),
        orders=whole(vector, "open_orders", default=0),
    )
    terms, price, seen = _terms(vector), whole(vector, "oracle_price"), []
    for row in rows(vector.inputs, "calls"):
        account = takeover_flow.call(
            account,
            terms,
            price=price,
            slot=units(number(row, "slot"), 1, "slot"),
            most=units(number(row, "max_base"), 1, "max_base"),
        )
        seen.append(
            {
                "base": account.base,
                "quote": account.quote,
                "if_fees": account.fund_fees,
                "margin_freed": account.freed,
            }
        )
    return {"after_each_call": seen}


def balance_flow(vector: Vector) -> Answer:
    """A debt of coins against money: what is taken over, at which price, and what stays."""
    token = 10**TOKEN
    price, weight = scaled(vector, MONEY, "price"), scaled(vector, WEIGHT, "maint_liab_weight")
    buffer = scaled(vector, WEIGHT, "buffer")
    less = cover.FEE - scaled(vector, cover.FEE, "liability_fee", default=0)
    more = cover.FEE + scaled(vector, cover.FEE, "asset_fee", default=0)
    cash, owed = scaled(vector, MONEY, "usdc"), scaled(vector, token, "sol_borrow")
    fee = scaled(vector, cover.FEE, "if_fee", default=0)

    def standing() -> Sum:
        debt = buffered.balance(
            -(owed * price // token), asset_weight=WEIGHT, liability_weight=weight, buffer=buffer
        )
        return debt.plus(Sum(0, cash))

    taken = min(
        owed,
        cover.liability_to_cover(
            standing().shortage,
            asset_weight=WEIGHT,
            asset_multiplier=more,
            liability_weight=weight + buffer,
            liability_multiplier=less,
            decimals=TOKEN,
            price=price,
            fund_fee=fee,
        ),
    )
    cash -= cover.asset_for_liability(
        taken,
        liability_price=price,
        asset_price=MONEY,
        asset_multiplier=more,
        liability_multiplier=less,
        liability_decimals=TOKEN,
    )
    owed += taken * fee // cover.FEE - taken
    after = standing()
    return {
        "usdc_after": money(cash),
        "sol_borrow_after": Fraction(owed, token),
        "margin_requirement": money(after.requirement),
        "total_collateral": money(after.collateral),
        "requirement_plus_buffer": money(after.requirement + after.buffer),
    }


def funding(vector: Vector) -> Answer:
    rate = accrual.spread_rate(
        whole(vector, "mark_twap"), whole(vector, "oracle_twap"), payments=PAYMENTS, finer=RATE // MONEY
    )
    longs, shorts = whole(vector, "base_long"), abs(whole(vector, "base_short"))
    pool = whole(vector, "fee_pool")
    paying, receiving = (longs, shorts) if rate > 0 else (shorts, longs)
    limited, paid = accrual.limited_rate(
        rate,
        paying=paying,
        receiving=receiving,
        limit=accrual.pool_limit(pool, kept=pool // POOL_KEPT, share=POOL_SHARE),
        scale=RATE * SIZE // MONEY,
    )
    return {
        "funding_rate": rate,
        "long_rate": rate if rate > 0 else limited,
        "short_rate": limited if rate > 0 else rate,
        "fee_pool_after": pool - paid,
    }


ADAPTERS: tuple[Any, ...] = (
    Adapter("drift-weight", ("token_amount_1e6", "kind"), size_weight),
    Adapter("drift-scaled", ("total_deposits_tokens", "scale_start_usd"), scaled_weight),
    Adapter("drift-fill", ("initial", "maintenance"), fill_weight),
    Adapter("drift-upnl", ("unrealized_pnl_quote", "initial_weight_1e4"), profit_weight),
    Adapter("drift-perp", ("base", "oracle_price", "margin_ratio_initial"), perp_initial),
    Adapter("drift-whale", ("base", "oracle_price", "margin_ratio_1e4"), perp_maintenance),
    Adapter("drift-orders", ("price", "asset_w", "liab_w"), orders),
    Adapter("drift-isolated", ("usdc", "isolated"), side_by_side),
    Adapter("drift-pnl", ("usdc", "perp_quote", "buffer"), profit_buffer),
    Adapter("drift-prediction", ("base", "quote", "oracle"), prediction),
    Adapter("drift-cover", ("margin_shortage", "margin_ratio_1e4"), cover_base),
    Adapter("drift-liabcover", ("margin_shortage", "liability_multiplier"), cover_liability),
    Adapter("drift-assetxfer", ("liability", "asset_price"), asset_paid),
    Adapter("drift-iffee", ("margin_shortage", "base", "max_if_fee"), fund_fee),
    Adapter("drift-spotiffee", ("margin_shortage", "token_amount"), balance_fund_fee),
    Adapter("drift-liqfee", ("base_fee_1e6", "max_fee_1e6", "slot"), liquidator_fee),
    Adapter("drift-maxpct", ("margin_shortage", "elapsed_slots"), released),
    Adapter("drift-socialise", ("loss", "base_long"), index_of_loss),
    Adapter("drift-socialise", ("loss", "deposits"), index_of_deposits),
    Adapter("drift-bankr", ("loss", "base_long"), perp_bankruptcy),
    Adapter("drift-bankr", ("borrow", "deposits"), balance_bankruptcy),
    Adapter("drift-flow", ("base", "quote", "calls"), flow),
    Adapter("drift-spotliq", ("usdc", "sol_borrow", "maint_liab_weight"), balance_flow),
    Adapter("drift-fund", ("base_long", "mark_twap"), funding),
)
