"""dYdX v4: requirements, bankruptcy and fillable prices, the fund's part, deleveraging, funding index.

An account of a vector becomes whole quote quantums here: what it has, what its positions are worth and what
the rule asks of them. Rules are those of `margin.fractions` and `liquidation.shared_bankruptcy`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

from seawall.conform.compare import names_asked
from seawall.conform.model import Vector
from seawall.conform.reading import Adapter, Answer, as_number, find, number, rows, table
from seawall.errors import Unsupported
from seawall.ledger import accrual
from seawall.liquidation import shared_bankruptcy as rule
from seawall.margin import fractions as margin
from seawall.margin.fractions import PPM, Asked

QUOTE_EXPONENT = -6  # of a quote quantum
USD = 10**6
UNITS = {"BTC": -8, "ETH": -9}  # of a base quantum where a vector does not say; its text then counts in coins
INITIAL, FRACTION = (
    Fraction(1, 5),
    Fraction(1, 2),
)  # of the tests' market, where an account's own are not told


def whole(value: Fraction, name: str) -> int:
    if value.denominator != 1:
        raise Unsupported(f"{name} is {float(value)!r}, no whole number of quantums")
    return int(value)


class Held(NamedTuple):
    """A position: quantums, its value, and what it requires, all in quote quantums."""

    size: int
    value: int
    initial: int
    maintenance: int


class Rates(NamedTuple):
    """Prices by market, the unit of a base quantum, and the fractions of every market."""

    prices: Mapping[str, Fraction]
    units: Mapping[str, Fraction]
    initial_ppm: int
    fraction_ppm: int

    def held(self, market: str, size: int) -> Held:
        if market not in self.prices or market not in self.units:
            raise Unsupported(f"no price or unit of {market}")
        value = whole(size * self.units[market] * self.prices[market] * USD, f"value of {market}")
        return Held(
            size,
            value,
            margin.initial_requirement(value, self.initial_ppm),
            margin.maintenance_requirement(value, self.initial_ppm, self.fraction_ppm),
        )


class Account(NamedTuple):
    """Cash in quote quantums and the positions by market."""

    cash: int
    positions: dict[str, int]

    def asked(self, rates: Rates) -> Asked:
        held = [rates.held(market, size) for market, size in self.positions.items() if size]
        return Asked(
            self.cash + sum(one.value for one in held),
            sum(one.initial for one in held),
            sum(one.maintenance for one in held),
        )

    def bankruptcy(self, rates: Rates, market: str, delta: int) -> int:
        """What closing `delta` quantums must bring at the bankruptcy price, signed."""
        now, held = self.asked(rates), self.positions.get(market, 0)
        if delta == 0 or (delta > 0) == (held > 0) or abs(delta) > abs(held):
            raise Unsupported(f"a change of {delta} does not close any of {held}")
        before, after = rates.held(market, held), rates.held(market, held + delta)
        return rule.bankruptcy_quote(
            equity=now.equity,
            maintenance=now.maintenance,
            value_change=after.value - before.value,
            maintenance_change=after.maintenance - before.maintenance,
        )


def _ppm(value: Fraction, name: str) -> int:
    return whole(value * PPM, name)


def _rates(inputs: Mapping[str, Any]) -> Rates:
    told = find(dict(inputs), "oracle_price_usd")
    prices = told if isinstance(told, dict) else {"BTC": told}
    units = {name: Fraction(1, 10**-exponent) for name, exponent in UNITS.items()}
    given = find(dict(inputs), "base_unit")
    for market, text in (given if isinstance(given, dict) else {}).items():
        units[market] = as_number(str(text).split()[0], "base_unit")
    return Rates(
        {
            market: as_number(price, "oracle_price_usd")
            for market, price in prices.items()
            if price is not None
        },
        units,
        _ppm(number(dict(inputs), "initial_margin_fraction", default=INITIAL), "initial_margin_fraction"),
        _ppm(number(dict(inputs), "maintenance_fraction_of_IM", default=FRACTION), "maintenance_fraction"),
    )


def _positions(listed: Any) -> dict[str, int]:
    if not isinstance(listed, list) or not all(isinstance(row, list) and len(row) == 2 for row in listed):
        raise Unsupported(f"positions {listed!r} are no list of [market, quantums]")
    return {str(market): whole(as_number(size, "positions"), "position") for market, size in listed}


def _account(inputs: Mapping[str, Any]) -> Account:
    """Positions as [market, quantums], or as coins by market."""
    given = dict(inputs)
    cash = whole(number(given, "usdc_balance_usd", "usdc_usd") * USD, "usdc")
    listed = find(given, "positions_base_quantums", "positions")
    if listed is not None:
        return Account(cash, _positions(listed))
    coins = {market: find(given, f"position_{market}", market) for market in UNITS}
    return Account(
        cash,
        {
            market: whole(as_number(size, market) * 10 ** -UNITS[market], market)
            for market, size in coins.items()
            if size is not None
        },
    )


def _market(vector: Vector, *names: str, account: Account) -> str:
    told = find(vector.inputs, *names)
    if told is not None:
        return str(told)
    if len(account.positions) != 1:
        raise Unsupported("several positions, and none is named")
    return next(iter(account.positions))


def bankruptcy(vector: Vector) -> Answer:
    account = _account(vector.inputs)
    market = _market(vector, "close_perp", "perp", account=account)
    delta = whole(number(vector.inputs, "delta_base_quantums"), "delta")
    return {"bankruptcy_quote_quantums": account.bankruptcy(_rates(vector.inputs), market, delta)}


def fillable(vector: Vector) -> Answer:
    account, rates = _account(vector.inputs), _rates(vector.inputs)
    market = _market(vector, "perp", account=account)
    now, held = account.asked(rates), rates.held(market, account.positions[market])
    loss = rule.fillable_loss(
        equity=now.equity,
        maintenance=now.maintenance,
        own=held.maintenance,
        adjustment_ppm=int(number(vector.inputs, "bankruptcy_adjustment_ppm")),
        spread_ppm=int(number(vector.inputs, "spread_to_maintenance_margin_ratio_ppm")),
    )
    each = (held.value - loss) / held.size
    return {
        "fillable_quote_quantums_per_base_quantum": [each.numerator, each.denominator],
        "fillable_price_usd": each / USD / rates.units[market],
    }


def insurance(vector: Vector) -> Answer:
    account, rates = _account(vector.inputs), _rates(vector.inputs)
    market = _market(vector, "perp", account=account)
    size = whole(number(vector.inputs, "fill_base_quantums"), "fill")
    buys = find(vector.inputs, "is_buy")
    delta = size if buys else -size
    price = number(vector.inputs, "fill_price_usd")
    traded = whole(-delta * rates.units[market] * price * USD, "fill quote")
    found = rule.fund_delta(
        fill_quote=traded,
        bankruptcy=account.bankruptcy(rates, market, delta),
        fee_ppm=int(number(vector.inputs, "max_liquidation_fee_ppm")),
    )
    return {"insurance_fund_delta_quote_quantums": found}


def fund(vector: Vector) -> Answer:
    listed = find(vector.inputs, "cases")
    if not isinstance(listed, list):
        raise Unsupported("input cases is no list")
    return {"valid": [rule.fund_may_pay(int(balance), int(delta)) for balance, delta in listed]}


def liquidatable_account(vector: Vector) -> Answer:
    asked = _account(vector.inputs).asked(_rates(vector.inputs))
    return {"is_liquidatable": margin.liquidatable(asked)}


def liquidatable(vector: Vector) -> Answer:
    equity = int(number(vector.inputs, "net_collateral"))
    asked = int(number(vector.inputs, "maintenance_margin_requirement"))
    return {"is_liquidatable": margin.liquidatable(Asked(equity, asked, asked))}


def _ramp(vector: Vector, base: int) -> int:
    return margin.ramped_rate(
        base,
        open_interest=int(number(vector.inputs, "oi_notional", default=0)),
        lower=int(number(vector.inputs, "oi_lower_cap", default=0)),
        upper=int(number(vector.inputs, "oi_upper_cap", default=0)),
    )


def effective(vector: Vector) -> Answer:
    return {"effective_imf_ppm": _ramp(vector, int(number(vector.inputs, "base_imf_ppm")))}


def initial(vector: Vector) -> Answer:
    rate = _ramp(vector, int(number(vector.inputs, "imf_ppm")))
    value = int(number(vector.inputs, "notional_quote_quantums"))
    return {"initial_margin_quote_quantums": margin.initial_requirement(value, rate)}


def _quote_exponent(vector: Vector) -> int:
    """Of price times base quantums, in quote quantums."""
    exponents = (number(vector.inputs, name) for name in ("price_exponent", "base_atomic_resolution"))
    return int(sum(exponents)) - QUOTE_EXPONENT


def requirements(vector: Vector) -> Answer:
    size, price = int(number(vector.inputs, "base_quantums")), int(number(vector.inputs, "price"))
    value = int(abs(margin.notional_of(size, price, _quote_exponent(vector))))
    rate = int(number(vector.inputs, "imf_ppm"))
    return {
        "initial_margin_quote_quantums": margin.initial_requirement(value, _ramp(vector, rate)),
        "maintenance_margin_quote_quantums": margin.maintenance_requirement(
            value, rate, int(number(vector.inputs, "maintenance_fraction_ppm"))
        ),
    }


def funding_cap(vector: Vector) -> Answer:
    return {
        "cap_ppm": accrual.margin_cap_ppm(
            factor_ppm=int(number(vector.inputs, "clamp_factor_ppm")),
            initial_ppm=int(number(vector.inputs, "imf_ppm")),
            fraction_ppm=int(number(vector.inputs, "maintenance_fraction_ppm")),
        )
    }


def funding_index(vector: Vector) -> Answer:
    return {
        "index_delta": accrual.index_delta(
            rate_ppm=int(number(vector.inputs, "rate_8h_ppm")),
            price=margin.notional_of(1, int(number(vector.inputs, "price")), _quote_exponent(vector)),
            elapsed=int(number(vector.inputs, "elapsed_s")),
            interval=8 * 3600,
        )
    }


def order_size(vector: Vector) -> Answer:
    size = int(number(vector.inputs, "base_quantums"))
    market = str(find(vector.inputs, "perp") or "BTC")
    held = _rates(vector.inputs).held(market, size)
    found = rule.order_limits(
        held.value,
        least=int(number(vector.inputs, "min_position_notional")),
        portion_ppm=int(number(vector.inputs, "max_position_portion_ppm")),
    )
    return {"min_notional_quote_quantums": found.least, "max_notional_quote_quantums": found.most}


def may_deleverage(vector: Vector) -> Answer:
    asked = _account(vector.inputs).asked(_rates(vector.inputs))
    price = rule.deleveraging_price(asked, settling=bool(find(vector.inputs, "final_settlement")))
    return {
        "deleverage_at_bankruptcy_price": price == "bankruptcy",
        "deleverage_at_oracle_price": price == "oracle",
    }


def _side(account: Account, rates: Rates, market: str) -> rule.Side:
    size = account.positions.get(market, 0)
    sign = 1 if size > 0 else -1

    def without(taken: int) -> Asked:
        gone = rates.held(market, sign * taken).value
        kept = Account(account.cash, {**account.positions, market: size - sign * taken}).asked(rates)
        return kept._replace(equity=account.asked(rates).equity - gone)

    return rule.Side(abs(size), account.asked(rates), without)


def _deleverage(
    vector: Vector, others: Sequence[Account]
) -> tuple[Account, str, tuple[rule.Offset, ...], int, Rates]:
    rates, closed = (
        _rates({"oracle_price_usd": 50_000, **vector.inputs}),
        _account(table(vector.inputs, "liquidated")),
    )
    market = _market(vector, "perp", account=closed) if len(closed.positions) == 1 else str(
        find(vector.inputs, "perp") or "BTC"
    )  # fmt: skip
    held = closed.positions[market]
    lots = int(number(vector.inputs, "delta_base_quantums", default=abs(held)))
    sign = -1 if held > 0 else 1
    found, left = rule.offset(
        abs(lots),
        lambda taken: closed.bankruptcy(rates, market, sign * taken),
        [_side(other, rates, market) for other in others],
    )
    return closed, market, found, left, rates


def deleverage(vector: Vector) -> Answer:
    """Against one account: what is left of both."""
    other = _account(table(vector.inputs, "offsetting"))
    closed, _market_name, found, _left, _rates_of = _deleverage(vector, [other])
    if not found:
        return {"error": "offsetting account would be left undercollateralised"}
    paid = found[0].paid
    return {
        "liquidated_usdc_quote_quantums": closed.cash + paid,
        "offsetting_usdc_quote_quantums": other.cash - paid,
    }


def deleverage_many(vector: Vector) -> Answer:
    """Against a list of accounts, from the first on."""
    others = [_account(row) for row in rows(vector.inputs, "offsetting")]
    _closed, market, found, left, _rates_of = _deleverage(vector, others)
    unit = 10 ** -UNITS[market]
    cash = [other.cash for other in others]
    for one in found:
        cash[one.place] -= one.paid
    taken = sum(one.lots for one in found)
    open_after = Fraction(sum(abs(other.positions.get(market, 0)) for other in others) - taken, unit)
    answer: Answer = {
        "fills_btc": [Fraction(one.lots, unit) for one in found],
        "fills": [{"index": one.place, "btc": Fraction(one.lots, unit)} for one in found],
        "offsetting_usdc_usd": [Fraction(value, USD) for value in cash],
        "remaining_btc": Fraction(left, unit),
        "open_interest_after": open_after,
        "open_interest_after_btc": open_after,
    }
    return {name: value for name, value in answer.items() if name in names_asked(vector.expected)}


def sort_orders(vector: Vector) -> Answer:
    """The orders away from the oracle price; the vector prints no more."""
    oracle = number(vector.inputs, "oracle_price_usd")
    listed = rows(vector.inputs, "orders")
    orders = [(number(row, "price"), number(row, "btc", "size")) for row in listed]
    found = rule.liquidation_order(oracle, orders)
    return {"order_by_price_first": [place for place in found if orders[place][0] != oracle]}


ADAPTERS = (
    Adapter("dydx-bankruptcy", ("usdc_balance_usd", "delta_base_quantums"), bankruptcy),
    Adapter("dydx-fillable", ("usdc_balance_usd", "bankruptcy_adjustment_ppm"), fillable),
    Adapter("dydx-insurance", ("fill_base_quantums", "fill_price_usd"), insurance),
    Adapter("dydx-if", ("cases",), fund),
    Adapter("dydx-liquidatable", ("net_collateral", "maintenance_margin_requirement"), liquidatable),
    Adapter("dydx-liquidatable", ("usdc_balance_usd", "oracle_price_usd"), liquidatable_account),
    Adapter("dydx-oimf", ("base_imf_ppm",), effective),
    Adapter("dydx-imr", ("imf_ppm", "notional_quote_quantums"), initial),
    Adapter("dydx-marginreq", ("price", "price_exponent", "base_quantums"), requirements),
    Adapter("dydx-fundclamp", ("clamp_factor_ppm", "imf_ppm"), funding_cap),
    Adapter("dydx-fundidx", ("price", "rate_8h_ppm", "elapsed_s"), funding_index),
    Adapter("dydx-liqsize", ("base_quantums", "oracle_price_usd"), order_size),
    Adapter("dydx-candelever", ("usdc_balance_usd", "oracle_price_usd"), may_deleverage),
    Adapter("dydx-adl", ("liquidated", "offsetting", "delta_base_quantums"), deleverage),
    Adapter("dydx-adl", ("liquidated", "offsetting"), deleverage_many),
    Adapter("dydx-liqsort", ("oracle_price_usd", "orders"), sort_orders),
)
