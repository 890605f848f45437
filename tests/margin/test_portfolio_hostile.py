"""Inputs nobody should give: the account is unknown or refused with a reason, never safe, never a NaN."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.errors import NumberError
from seawall.margin.portfolio.evaluate import evaluate
from seawall.margin.portfolio.inputs import (
    Contract,
    ExpiryQuote,
    MarketInputs,
    Portfolio,
    Position,
    UnderlyingQuote,
)
from seawall.rulebooks.load_portfolio import list_portfolio_rulebooks, load_portfolio_rulebook

BOOKS = [load_portfolio_rulebook(name).rules for name in list_portfolio_rulebooks()]
odd = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True),
    st.sampled_from([0.0, -1.0, 5e-324, 1e-300, 1e300, 60_000.0, 0.5, 1.0]),
    st.floats(1e-6, 1e6),
)
size = st.one_of(st.integers(-(10**12), 10**12), st.integers(-(2**63) + 1, 2**63 - 1))
SANE = {
    "spot": 60_000.0, "forward": 60_500.0, "fixed": 0.0, "years": 0.2, "rate": 0.05, "vol": 0.6,
    "strike": 65_000.0, "mark": 60_010.0, "stable": 1.0, "confidence": 1.0,
}  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(
    rules=st.sampled_from(BOOKS),
    strange=st.dictionaries(st.sampled_from(sorted(SANE)), odd, min_size=1, max_size=3),
    sizes=st.tuples(size, size, size, size),
    call=st.booleans(),
)
def test_whatever_comes_in_a_statement_is_whole_unknown_or_refused(rules, strange, sizes, call):
    judge(rules, strange, sizes, call)


@pytest.mark.parametrize("figure", sorted(SANE))
def test_figures_at_the_ends_of_the_float_range_are_whole_unknown_or_refused(figure):
    for value in (1e300, 1e154, 1e10, 700.0, 5e-324, 1e-300, -1e300, float("nan"), float("inf")):
        for rules in BOOKS:
            for side in (1, -1):
                sizes = (side * 10**9, 10**9, -side * 10**9, 10**9)
                judge(rules, {figure: value}, sizes, side > 0)
                judge(rules, {"years": 50.0, figure: value}, sizes, side > 0)


def judge(rules, strange, sizes, call):
    at = SANE | strange
    base = next(iter(rules.underlyings))
    contracts = (
        Contract(name="o", kind="option", underlying=base, expiry="e", strike=at["strike"], is_call=call),
        Contract(name="f", kind="future", underlying=base, expiry="e"),
        Contract(name="p", kind="perpetual", underlying=base),
        Contract(name="c", kind="spot", underlying=base),
    )
    kinds = [contract for contract in contracts if contract.kind in rules.underlyings[base].covers]
    if rules.underlyings[base].coin:
        kinds = [contract for contract in kinds if contract.kind != "spot"]
    held = tuple(Position(contract=contract, size_steps=steps) for contract, steps in zip(kinds, sizes))
    told = ("years", "forward", "fixed", "rate", "confidence")
    expiry = ExpiryQuote(**{name: at[name] for name in told})
    told = ("spot", "stable", "confidence")
    quote = UnderlyingQuote(**{name: at[name] for name in told}, expiries={"e": expiry})
    marks = dict.fromkeys("fpc", at["mark"])
    market = MarketInputs(underlyings={base: quote}, vols={"o": at["vol"]}, marks=marks)
    try:
        found = evaluate(Portfolio(positions=held), market, rules)
    except NumberError as error:
        assert "\n  " in str(error)
        return
    node = found.node(base)
    if found.unknown:
        assert node.levels == () and set(found.levels.values()) <= {None} and found.equity_atoms is None
        return
    assert all(type(line.result_atoms) is int for line in node.lines)
    assert all(type(amount) is int and amount >= 0 for amount in node.charges.values())
    assert {line.level for line in node.levels} == {level.name for level in rules.levels}
    assert all(line.requirement_atoms >= 0 for line in node.levels)
