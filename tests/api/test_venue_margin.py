"""The rate a rulebook asks is its own statement's requirement over the notional, to the last digit."""

from __future__ import annotations

from fractions import Fraction

import pytest

from seawall.api.desk import load_book
from seawall.api.venue_margin import instrument_for, venue_rates
from seawall.errors import InputError
from seawall.rulebooks.load import load_rulebook

CASES = [
    # rulebook, notional, price, the position in its own units (inverse: quote units), collateral
    ("hyperliquid", 400_000_000, "40000", "10000", "USDC"),
    ("binance-usdm", 30_000_000, "60000", "500", "USDT"),
    ("bitmex", 300_000_000, "30000", "300000000", "XBT"),
    ("kraken-inverse", 90_000_000, "30000", "90000000", "XBT"),
]


@pytest.mark.parametrize("level", ["maintenance", "initial"])
@pytest.mark.parametrize(
    ("name", "notional", "price", "size", "asset"), CASES, ids=[case[0] for case in CASES]
)
def test_a_rate_is_the_statements_requirement_over_the_notional(name, notional, price, size, asset, level):
    rules = load_rulebook(name)
    contract = instrument_for(rules, "BTC")
    rates = venue_rates(rules, contract, [float(price)], Fraction(notional), level)
    for side, sign in (("long", ""), ("short", "-")):
        row = {
            "account": "one", "instrument": contract.name, "size": sign + size, "entry_price": price,
            "collateral_asset": contract.settle, "collateral_amount": "100000000",
        }  # fmt: skip
        (statement,) = load_book([row], rules, {contract.name: price}).statement("one", level)
        value = Fraction(notional) / Fraction(price) if contract.kind.inverse else Fraction(notional)
        settle = next(entry for entry in rules.assets if entry.name == contract.settle)
        needed = Fraction(statement.requirement_atoms, settle.atoms_per_unit)
        assert rates[side][0] == float(needed / value)


def test_a_ladder_of_risk_limits_asks_more_of_a_larger_position():
    rules = load_rulebook("bitmex")
    contract = instrument_for(rules, "BTC")
    small, large = (
        venue_rates(rules, contract, [30_000.0], Fraction(size), None)["long"][0]
        for size in (10**6, 3 * 10**8)
    )
    assert large > 2 * small


def test_a_price_below_a_tick_is_refused():
    rules = load_rulebook("harbor")
    with pytest.raises(InputError, match="0 ticks"):
        venue_rates(rules, instrument_for(rules, "BTC"), [1e-9], Fraction(1000), None)
