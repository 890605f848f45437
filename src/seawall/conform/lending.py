"""Lending: Aave's health and seizures, Comet's absorption and inventory, Morpho's and Euler's isolated loans.

Terms come from the lending rulebooks; where a vector brings its own they go before. Prices have eight
decimals, health is a wad. No formula.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import msgspec

from seawall.conform.model import Vector
from seawall.conform.reading import Adapter, Answer, as_number, find, number, numbers, table
from seawall.errors import InputError, Unsupported
from seawall.liquidation import isolated_loan, seizure
from seawall.margin import collateral_debt as rule
from seawall.margin.collateral_debt import BPS, WAD, Category, Holding, Reserve
from seawall.rulebooks.load_lending import load_lending_rulebook
from seawall.units import PPB

AAVE, AAVE_NEAREST = "aave-v3.7", "aave-v3.3"
COMET_UNITS = (10**6, 10**18)  # of the base asset and the collateral, where a vector does not say
PRICE_DECIMALS = 8


def whole(given: dict[str, Any], *names: str, default: int | None = None) -> int:
    value = number(given, *names, default=default)
    if value.denominator != 1:
        raise Unsupported(f"input {names[0]} is {float(value)!r}, no whole number")
    return int(value)


def _reserve(name: str, given: dict[str, Any] | None) -> Reserve:
    held = load_lending_rulebook(AAVE).reserves.get(name)
    if not given:
        if held is None:
            raise Unsupported(f"no terms of {name}, neither in the vector nor in {AAVE}")
        return held.reserve
    return Reserve(
        name=name,
        decimals=whole(given, "decimals"),
        ltv_bps=whole(given, "ltv_bps", "ltv"),
        threshold_bps=whole(given, "lt_bps", "lt", "liquidation_threshold_bps"),
    )


def _holdings(vector: Vector) -> list[Holding]:
    prices = table(vector.inputs, "prices_8dec", "prices")
    terms = find(vector.inputs, "params") or {}
    return [
        Holding(
            _reserve(name, terms.get(name)),
            whole(row, "collateral", default=0),
            whole(row, "debt", default=0),
            int(as_number(prices[name], name)),
        )
        for name, row in table(vector.inputs, "positions", "pos").items()
    ]


def _told(account: rule.Account) -> Answer:
    return {
        "total_collateral": account.collateral,
        "total_debt": account.debt,
        "avg_ltv": account.ltv_bps,
        "avg_lt": account.threshold_bps,
        "hf": account.health,
        "available_borrows": account.available,
    }


def health(vector: Vector) -> Answer:
    return _told(rule.account_of(_holdings(vector)))


def with_category(vector: Vector) -> Answer:
    """With and without an e-mode, or with it isolated and not."""
    told, holdings = table(vector.inputs, "emode"), _holdings(vector)
    plain = Category(
        assets=tuple(told["assets"]), ltv_bps=whole(told, "ltv"), threshold_bps=whole(told, "lt")
    )
    isolated = msgspec.structs.replace(plain, isolated=True)
    return {
        "without": _told(rule.account_of(holdings)),
        "with_emode": _told(rule.account_of(holdings, plain)),
        "not_isolated": _told(rule.account_of(holdings, plain)),
        "isolated": _told(rule.account_of(holdings, isolated)),
    }


def ratio_move(vector: Vector) -> Answer:
    move = number(vector.inputs, "ratio_reported") / number(vector.inputs, "ratio_true")
    after = rule.health_at(number(vector.inputs, "hf_before"), move)
    return {"hf_after": after, "liquidatable": after < 1}


def liquidation(vector: Vector) -> Answer:
    """One seizure, rounded as v3.7 or, where its text says half-up or an older version, as before."""
    given = vector.inputs
    older = "half-up" in vector.description or vector.id.endswith(("-v36", "-v35", "-v33"))
    rulebook = load_lending_rulebook(AAVE_NEAREST if older else AAVE)
    decimals = [int(value) for value in numbers(given, "decimals")]
    collateral, debt = (
        seizure.Side(whole(given, name), whole(given, f"price_{short}_8dec"), 10**places)
        for (name, short), places in zip((("collateral", "coll"), ("debt", "debt")), decimals, strict=True)
    )
    threshold, other = whole(given, "lt_bps"), whole(given, "other_collateral_base", default=0)
    other_debt = whole(given, "other_debt_base", default=0)
    owed = rule.value_up(debt.amount, debt.price, debt.unit) + other_debt
    factor = rule.health_factor((collateral.value + other) * threshold, owed)
    found = seizure.seize(
        rulebook.close,
        collateral,
        debt,
        wanted=whole(given, "debt_to_cover"),
        bonus=whole(given, "liquidation_bonus_bps"),
        fee_bps=whole(given, "protocol_fee_bps", default=rulebook.fee_bps),
        health=factor,
        other_debt=other_debt,
        other_collateral=other,
        rounding=rulebook.rounding,
    )
    return {
        "max_debt": found.most_debt,
        "debt_repaid": found.repaid,
        "collateral_to_liquidator": found.to_liquidator,
        "protocol_fee": found.fee,
        "reverts_dust": found.leaves_dust,
        "deficit": found.deficit,
        "hf_before": factor,
    }


def toxicity(vector: Vector) -> Answer:
    """Half of the debt repaid, as the file has it."""
    bonus = Fraction(whole(vector.inputs, "bonus_bps"), BPS) - 1
    before = number(vector.inputs, "hf_before")
    threshold = Fraction(whole(vector.inputs, "lt_bps"), BPS)
    close = Fraction(load_lending_rulebook(AAVE).close.share_bps, BPS)
    after = rule.health_after(before, threshold=threshold, bonus=bonus, close=close)
    return {"hf_after": after, "improves": after > before, "frontier_ltv": rule.frontier(bonus)}


def isolation(vector: Vector) -> Answer:
    unit, total, seen = 10**18, 0, []
    for borrowed in numbers(vector.inputs, "borrows_dai", "borrows"):
        total += rule.ceiling_units(int(borrowed * unit), 18)
        seen.append(total)
    return {"total_debt": seen}


def comet_quote(vector: Vector) -> Answer:
    base_unit, asset_unit = COMET_UNITS
    given = vector.inputs
    return {
        "collateral": seizure.inventory_quote(
            whole(given, "base_amount"),
            base_price=whole(given, "base_price"),
            asset_price=whole(given, "asset_price"),
            base_unit=whole(given, "base_scale", default=base_unit),
            asset_unit=whole(given, "asset_scale", default=asset_unit),
            discount=seizure.inventory_discount(
                whole(given, "store_front_price_factor"), whole(given, "liquidation_factor")
            ),
        )
    }


def _credit(vector: Vector, factors: list[Fraction]) -> Fraction:
    """Values of the collaterals at their factors; one factor is for all."""
    held = find(vector.inputs, "collateral")
    pairs = list(held.values()) if isinstance(held, dict) else held
    if not isinstance(pairs, list) or len(factors) not in (1, len(pairs)):
        raise Unsupported("collateral and factors are not as many")
    weights = factors * len(pairs) if len(factors) == 1 else factors
    return sum(
        (as_number(amount, "collateral") * as_number(price, "price") * weight
         for (amount, price), weight in zip(pairs, weights, strict=True)),
        Fraction(0),
    )  # fmt: skip


def comet_liquidatable(vector: Vector) -> Answer:
    debt = number(vector.inputs, "debt") * number(vector.inputs, "debt_price", default=1)
    weighed = _credit(vector, numbers(vector.inputs, "liquidate_cf"))
    factor = rule.health_factor(int(weighed * BPS * WAD), int(debt * WAD))
    return {"liquidatable": factor < WAD}


def comet_absorb(vector: Vector) -> Answer:
    credit = _credit(vector, numbers(vector.inputs, "liquidation_factor"))
    found = seizure.absorb(number(vector.inputs, "debt"), credit)
    return {"new_balance": found.balance, "bad_debt": found.bad_debt, "base_paid_by_reserves": found.paid}


def comet_gate(vector: Vector) -> Answer:
    target = whole(vector.inputs, "target")
    return {
        "for_sale": [
            seizure.inventory_open(int(reserves), target) for reserves in numbers(vector.inputs, "reserves")
        ]
    }


def incentive(vector: Vector) -> Answer:
    found = isolated_loan.incentive(whole(vector.inputs, "lltv"))
    return {"lif_wad": found, "frontier_ltv": rule.frontier(Fraction(found, WAD) - 1)}


def _threshold(vector: Vector) -> int:
    value = number(vector.inputs, "lltv")
    return int(value) if value > 1 else int(value * WAD)


def _price(vector: Vector) -> int:
    scaled = find(vector.inputs, "price_1e36")
    if scaled is not None:
        return whole(vector.inputs, "price_1e36")
    return int(number(vector.inputs, "price") * isolated_loan.PRICE)


def isolated_health(vector: Vector) -> Answer:
    debt = whole(vector.inputs, "debt", "debt_assets")
    return {
        "healthy": isolated_loan.healthy(
            whole(vector.inputs, "collateral"), debt, price=_price(vector), threshold=_threshold(vector)
        )
    }


def isolated_seizure(vector: Vector) -> Answer:
    """A loan that is the only one of its market, so that all shares are its own."""
    debt, threshold = whole(vector.inputs, "debt_assets", "debt"), _threshold(vector)
    collateral = whole(vector.inputs, "collateral")
    shares = debt * isolated_loan.VIRTUAL_SHARES
    found = isolated_loan.seize_part(
        collateral,
        shares,
        total_assets=debt,
        total_shares=shares,
        price=_price(vector),
        threshold=threshold,
        seized=whole(vector.inputs, "seize"),
    )
    return {
        **isolated_health(vector),
        "lif": isolated_loan.incentive(threshold),
        "seized": found.seized,
        "repaid_shares": found.repaid_shares,
        "repaid_assets": found.repaid_assets,
        "bad_debt_assets": found.bad_debt,
        "collateral_left": found.collateral_left,
    }


def _most_discount(vector: Vector) -> Fraction:
    default = Fraction(load_lending_rulebook("euler-v2").most_discount_ppb, PPB)
    return number(vector.inputs, "max_discount", default=default)


def _loan(collateral: Any, price: Any, threshold: Any, *, vector: Vector) -> isolated_loan.Loan:
    return isolated_loan.Loan(
        as_number(collateral, "collateral"),
        as_number(price, "price"),
        number(vector.inputs, "debt"),
        number(vector.inputs, "price_d", default=1),
        as_number(threshold, "lltv"),
    )


def _discounted(loans: list[isolated_loan.Loan], place: int, vector: Vector) -> Answer:
    factor = isolated_loan.health_of(loans)
    share = number(vector.inputs, "share", default=1)
    try:
        found = isolated_loan.take_over(
            loans[place], factor, most_discount=_most_discount(vector), share=share, alone=len(loans) == 1
        )
    except InputError:
        return {"health": factor, "repay": 0, "yield_": 0, "discount": 0, "socialised_debt": 0}
    return {
        "health": factor,
        "repay": found.repaid,
        "yield_": found.received,
        "discount": found.discount,
        "socialised_debt": found.written_off,
    }


def discounted(vector: Vector) -> Answer:
    given = vector.inputs
    loan = _loan(find(given, "collateral"), find(given, "price_c"), find(given, "lltv"), vector=vector)
    return _discounted([loan], 0, vector)


def shared_loan(vector: Vector) -> Answer:
    """A share of the loan that another vector of its file describes: the first that is liquidated whole."""
    whole_one = next(
        (given for name, given in vector.beside.items() if name.startswith("euler-") and "price_c" in given),
        None,
    )
    if whole_one is None:
        raise Unsupported("a share of a loan that neither it nor its file describes")
    return discounted(msgspec.structs.replace(vector, inputs={**whole_one, **vector.inputs}))


def discounted_many(vector: Vector) -> Answer:
    """Several collaterals; the one its text names, or the last, is taken."""
    held = table(vector.inputs, "colls")
    names = list(held)
    named = [name for name in names if f"liquidating {name}" in vector.description]
    return _discounted(
        [_loan(*held[name][:3], vector=vector) for name in names], names.index((named or names)[-1]), vector
    )


def sliced(vector: Vector) -> Answer:
    loan = _loan(find(vector.inputs, "collateral"), 1, find(vector.inputs, "lltv"), vector=vector)
    factor, cap = isolated_loan.health_of([loan]), _most_discount(vector)
    once = isolated_loan.in_slices(loan, most_discount=cap, share=Fraction(1), most=1)
    many = isolated_loan.in_slices(
        loan,
        most_discount=cap,
        share=number(vector.inputs, "slice"),
        most=whole(vector.inputs, "max_slices"),
    )
    critical = isolated_loan.critical_health(float(loan.threshold))
    return {
        "health": factor,
        "slice_worsens_health": factor < critical,
        "one_shot": _left(once),
        "sliced": _left(many),
        "critical_health": critical,
        "safe_max_discount": 1 - critical,
    }


def _left(found: isolated_loan.Sliced) -> Answer:
    return {
        "profit": found.profit,
        "collateral_left": found.collateral,
        "debt_left": found.debt,
        "health": found.health,
    }


ADAPTERS: tuple[Any, ...] = (
    Adapter("aave-", ("emode", "pos|positions"), with_category),
    Adapter("aave-hf", ("positions|pos", "prices_8dec|prices"), health),
    Adapter("aave-capo", ("hf_before", "ratio_true"), ratio_move),
    Adapter("aave-liq", ("collateral", "debt", "debt_to_cover"), liquidation),
    Adapter("aave-toxicity", ("lt_bps", "bonus_bps"), toxicity),
    Adapter("aave-isolation", ("borrows_dai|borrows",), isolation),
    Adapter("comet-quote", ("base_amount", "asset_price"), comet_quote),
    Adapter("comet-liquidatable", ("debt", "collateral", "liquidate_cf"), comet_liquidatable),
    Adapter("comet-absorb", ("debt", "collateral", "liquidation_factor"), comet_absorb),
    Adapter("comet-reserve", ("reserves", "target"), comet_gate),
    Adapter("morpho-lif", ("lltv",), incentive),
    Adapter("morpho-liq", ("collateral", "lltv", "seize"), isolated_seizure),
    Adapter("morpho-healthy", ("collateral", "lltv"), isolated_health),
    Adapter("euler-split", ("collateral", "debt", "slice"), sliced),
    Adapter("euler-", ("collateral", "price_c", "lltv", "debt"), discounted),
    Adapter("euler-", ("colls", "debt"), discounted_many),
    Adapter("euler-", ("share",), shared_loan),
)
