"""Mango v4: health, token swaps, perpetuals taken over in steps, losses, three levels side by side.

Inputs are exact fractions of the vector's decimals. No formula: tokens and perpetuals are put together and
asked.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from seawall.conform.model import Vector
from seawall.conform.reading import Adapter, Answer, find, maybe, number, numbers, table
from seawall.errors import Unsupported
from seawall.liquidation import token_steps
from seawall.margin import token_health
from seawall.margin.token_health import ONE, ZERO, Perp, Reserved, Token

Given = dict[str, Any]
CUT = 100  # of a unit: to how much figures are cut where they are printed as 13.63


def token(balance: Fraction, price: Fraction = ONE, asset: Fraction = ONE, debt: Fraction = ONE) -> Token:
    return Token(balance, price, price, asset, debt)


def _perp(given: Given, settle: str) -> Perp:
    return Perp(
        settle=settle,
        base=number(given, "base_units", "base"),
        quote=number(given, "quote"),
        price=number(given, "price", default=1),
        asset_weight=number(given, "base_asset_weight"),
        liability_weight=number(given, "base_liab_weight"),
        overall_weight=number(given, "overall_asset_weight", default=1),
        bids=number(given, "bids_base", default=0),
        asks=number(given, "asks_base", default=0),
    )


def _scaled(one: Token, given: Given) -> Token:
    """Weights after what all have deposited and borrowed of the token."""
    deposits = number(given, "dep", default=0) + number(given, "pot", default=0)
    return one._replace(
        asset_weight=token_health.scaled_asset_weight(
            one.asset_weight, deposits=deposits * one.asset_price, start=number(given, "dstart", default=0)
        ),
        liability_weight=token_health.scaled_liability_weight(
            one.liability_weight,
            borrows=number(given, "bor", default=0) * one.liability_price,
            start=number(given, "bstart", default=0),
        ),
    )


def _orders(given: Given) -> list[Reserved]:
    """Markets named base_quote, as t2_t1."""
    found = []
    for market, row in given.items():
        base, _, quote = market.partition("_")
        inverse = maybe(row, "highest_bid_inv")
        found.append(
            Reserved(
                base,
                quote,
                number(row, "base", default=0),
                number(row, "quote", default=0),
                lowest_ask=maybe(row, "lowest_ask"),
                highest_bid=1 / inverse if inverse else maybe(row, "highest_bid"),
            )
        )
    return found


def health(vector: Vector) -> Answer:
    balances, prices = numbers(vector.inputs, "tokens"), numbers(vector.inputs, "prices")
    assets = numbers(vector.inputs, "init_asset_weights")
    debts = numbers(vector.inputs, "init_liab_weights")
    if not len(balances) == len(prices) == len(assets) == len(debts):
        raise Unsupported("tokens, prices and weights are not as many")
    scaling = find(vector.inputs, "collateral_scaling") or [{}] * len(balances)
    tokens = {
        f"t{place}": _scaled(token(*row), scaling[place - 1])
        for place, row in enumerate(zip(balances, prices, assets, debts, strict=True), 1)
    }
    told = find(vector.inputs, "perp")
    perps = [_perp(told, "t1")] if told else []
    orders = _orders(find(vector.inputs, "spot_orders_reserved") or {})
    return {"init_health": token_health.health(tokens, perps, orders)}


def perp_steps(vector: Vector) -> Answer:
    start = table(vector.inputs, "start")
    perp = _perp({**vector.inputs, **{key: start[key] for key in ("base", "quote")}}, "settle")
    fee = number(vector.inputs, "positive_pnl_liq_fee", default=0)
    account = token_steps.PerpAccount(
        token(number(start, "settle_token")), perp, number(start, "other_token", default=0)
    )
    after = token_steps.reduce_perp(
        account,
        most_lots=int(abs(number(vector.inputs, "max_base_transfer"))),
        most_profit=number(vector.inputs, "max_pnl_transfer"),
        fee=fee,
    )
    return {"settle_token": after.settle.balance, "base": after.perp.base, "quote": after.perp.quote}


def loss(vector: Vector) -> Answer:
    start = table(vector.inputs, "start")
    settle = token(
        number(start, "settle_token"),
        number(vector.inputs, "settle_price"),
        number(vector.inputs, "settle_token_weight"),
        number(vector.inputs, "settle_liab_weight"),
    )
    perp = number(start, "perp_quote")
    found = token_steps.resolve_loss(
        loss=-perp,
        settle=settle,
        other_health=number(start, "other_health_usd"),
        settle_limit=number(start, "pnl_settle_limit"),
        most=number(vector.inputs, "max_liab_transfer"),
        vault=token_steps.Vault(
            int(number(start, "insurance_vault_tokens")),
            number(vector.inputs, "insurance_token_price"),
            number(vector.inputs, "liquidation_fee", default=0),
        ),
    )
    answer: Answer = {
        "liqee_settle": settle.balance - found.settled,
        "liqee_perp": -found.left,
        "liqor_settle": found.settled,
        "liqor_perp": -found.settled - found.insured,
        "liqor_insurance": found.insurance_tokens,
        "socialised": found.socialised,
    }
    _refuse_cut(vector, answer)
    return answer


def _refuse_cut(vector: Vector, answer: Answer) -> None:
    """Unsupported where a figure is printed cut to two decimals and its vector allows no such difference."""
    for name, printed in vector.expected.items():
        exact = answer.get(name)
        if exact is None or isinstance(printed, str | bool):
            continue
        gap, digits = abs(Fraction(exact) - Fraction(printed)), Fraction(printed) * CUT
        if vector.tolerance is None and 0 < gap < Fraction(1, CUT) and digits.denominator == 1:
            raise Unsupported(f"{name} is printed as {float(printed)}, cut from {float(exact):.6f}")


def swap(vector: Vector) -> Answer:
    start = table(vector.inputs, "start")
    overall = number(vector.inputs, "perp_overall_asset_weight", default=1)
    asset_token, debt_token = number(start, "asset_token"), number(start, "liab_token")
    tokens = {
        "asset": token(asset_token, asset=number(vector.inputs, "asset_init_weight")),
        "debt": token(debt_token, debt=number(vector.inputs, "liab_init_liab_weight")),
    }
    perps = [
        Perp(name, ZERO, number(start, f"{key}_perp_quote", default=0), ONE, ONE, ONE, overall)
        for name, key in (("asset", "asset"), ("debt", "liab"))
    ]
    seen = token_health.settled(tokens, perps)
    found = token_steps.swap_tokens(
        seen["asset"],
        seen["debt"],
        asset_token=asset_token,
        debt_token=debt_token,
        other_health=number(start, "other_health", default=0),
        fee=number(vector.inputs, "liq_fee", default=0),
        most=number(vector.inputs, "max_liab_transfer"),
    )
    return {"asset_token": asset_token - found.given, "liab_token": debt_token + found.repaid}


def stable_perp(vector: Vector) -> Answer:
    """The initial level at the worse of oracle and stable price; the others at the oracle's."""
    oracle, stable = number(vector.inputs, "oracle"), number(vector.inputs, "stable")
    settle = token(number(vector.inputs, "settle"))

    def account(price: Fraction, weight: str) -> token_steps.PerpAccount:
        perp = Perp(
            "settle",
            number(vector.inputs, "base"),
            number(vector.inputs, "quote"),
            price,
            number(vector.inputs, weight),
            2 - number(vector.inputs, weight),
            ONE,
        )
        return token_steps.PerpAccount(settle, perp)

    end = account(oracle, "init_weight")
    after = token_steps.reduce_perp(end, most_lots=10**18, most_profit=ZERO)
    return {
        "init_health": account(min(oracle, stable), "init_weight").health(),
        "liquidation_end_health": end.health(),
        "maint_health": account(oracle, "maint_weight").health(),
        "base_after_liquidation": after.perp.base,
        "liq_end_after": after.health(),
    }


def stable_token(vector: Vector) -> Answer:
    oracle = number(vector.inputs, "oracle")
    asset, debt = number(vector.inputs, "asset"), number(vector.inputs, "liab")
    weights = {name: number(vector.inputs, f"{name}_liab_weight") for name in ("init", "maint")}
    worst_asset = min(oracle, number(vector.inputs, "asset_stable"))
    worst_debt = max(oracle, number(vector.inputs, "liab_stable"))
    scaled = {
        "asset": Token(
            asset,
            worst_asset,
            worst_asset,
            token_health.scaled_asset_weight(
                ONE,
                deposits=number(vector.inputs, "asset_deposits_quote"),
                start=number(vector.inputs, "asset_scale_start"),
            ),
            ONE,
        ),
        "debt": Token(
            debt,
            worst_debt,
            worst_debt,
            ONE,
            token_health.scaled_liability_weight(
                weights["init"],
                borrows=-debt * worst_debt,
                start=number(vector.inputs, "liab_scale_start"),
            ),
        ),
    }

    def plain(level: str) -> dict[str, Token]:
        return {"asset": token(asset, oracle), "debt": token(debt, oracle, debt=weights[level])}

    end = plain("init")
    found = token_steps.swap_tokens(end["asset"], end["debt"], asset_token=asset, debt_token=debt, most=-debt)
    return {
        "init_health": token_health.health(scaled),
        "liquidation_end_health": token_health.health(end),
        "maint_health": token_health.health(plain("maint")),
        "asset_after": asset - found.given,
        "liab_after": debt + found.repaid,
    }


ADAPTERS: tuple[Any, ...] = (
    Adapter("mango-health", ("tokens", "prices", "init_asset_weights"), health),
    Adapter("mango-perpliq", ("base_asset_weight", "start", "max_base_transfer"), perp_steps),
    Adapter("mango-bankr", ("settle_token_weight", "start", "max_liab_transfer"), loss),
    Adapter("mango-tokenliq", ("asset_init_weight", "start", "max_liab_transfer"), swap),
    Adapter("mango-stable-perp", ("base", "oracle", "stable"), stable_perp),
    Adapter("mango-stable-token", ("asset", "liab", "oracle"), stable_token),
)
