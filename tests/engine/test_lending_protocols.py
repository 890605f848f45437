"""Lending protocols in the running engine: each one's way of closing a loan, and who bears what is unpaid.

Amounts atoms: USDC 1e-6, WETH 1e-9, WBTC 1e-8. The oracles are written in fractions from the rules' text, not
with the code under test.
"""

from __future__ import annotations

from fractions import Fraction
from importlib.resources import files
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.engine import commands as cmd
from seawall.engine import events as ev
from seawall.engine.engine import Engine
from seawall.engine.state import BACKSTOP, FEES, HOUSE_ACCOUNTS, INSURANCE, SHORTFALL
from seawall.errors import RulebookError
from seawall.rulebooks.load import load_rulebook

SECOND = 10**9
LENDER, BORROWER, KEEPER, OTHER = range(HOUSE_ACCOUNTS, HOUSE_ACCOUNTS + 4)
UNITS = {"USDC": 10**6, "WETH": 10**9, "wstETH": 10**9, "WBTC": 10**8}
AAVE, COMET, EULER, MORPHO = "aave-v3.3", "compound-v3", "euler-v2", "morpho-blue:WETH-USDC"


class Market:
    """A protocol with a lender of a million USDC, a borrower, a keeper and a bystander."""

    def __init__(self, rulebook: str | Any) -> None:
        rules = load_rulebook(rulebook) if isinstance(rulebook, str) else rulebook
        self.engine, self.now = Engine(rules), 1_770_000_000 * SECOND
        self.move()
        for account in (LENDER, BORROWER, KEEPER, OTHER):
            self.do(cmd.OpenAccount, account=account)
        self.put(LENDER, "USDC", 1_000_000)
        self.put(KEEPER, "USDC", 2_000_000)

    @property
    def state(self) -> Any:
        return self.engine.state

    def do(self, kind: type, **fields: Any) -> tuple[Any, ...]:
        events = self.engine.step(kind(time_ns=self.now, **fields))
        self.engine.check()
        return events

    def move(self, **usd: float) -> tuple[Any, ...]:
        self.now += SECOND
        prices = {
            "USDC": 1.0,
            "WETH": 4_000.0,
            "wstETH": 4_800.0,
            "WBTC": 100_000.0,
            "LINK": 20.0,
            "COMP": 50.0,
        } | usd
        listed = [name for name in prices if f"{name}-SPOT" in self.state.instrument_row]
        quotes = [
            cmd.SourcePrice(f"{name}-SPOT", "oracle", round(prices[name] * 10**8), self.now)
            for name in listed
        ]
        return self.do(cmd.ReportPrices, prices=tuple(quotes))

    def put(self, account: int, asset: str, amount: float) -> Any:
        return self.do(cmd.Deposit, account=account, asset=asset, amount_atoms=round(amount * UNITS[asset]))

    def loan(self, weth: float, usdc: float) -> None:
        self.put(BORROWER, "WETH", weth)
        events = self.do(
            cmd.ReportDebt, account=BORROWER, asset="USDC", amount_atoms=round(usdc * UNITS["USDC"])
        )
        assert type(events[0]) is ev.Transferred

    def seize(self, repay: int, debt: str = "USDC") -> tuple[Any, ...]:
        fields = {"account": KEEPER, "target": BORROWER, "debt": debt, "collateral": "WETH"}
        return self.do(cmd.Liquidate, repay_atoms=repay, **fields)

    def held(self, pot: int, asset: str) -> int:
        return int(self.state.book.balances[pot, self.state.asset_row[asset]])


def of(events: tuple[Any, ...], kind: type) -> list[Any]:
    return [event for event in events if type(event) is kind]


def reason(events: tuple[Any, ...]) -> str:
    (refused,) = events
    assert type(refused) is ev.Refused
    return str(refused.reason)


# -- how much is received ---------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(weth=st.integers(10**8, 10**11), share=st.integers(8_600, 11_000), part=st.integers(1, 10_000))
def test_euler_sells_at_a_discount_of_what_health_lacks(weth: int, share: int, part: int) -> None:
    market = Market(EULER)
    owed = weth * 4_000 * share // 10_000 // 1_000  # WETH 1e-9 at 4,000 USDC 1e-6
    market.loan(weth / 10**9, owed / 10**6)
    if BORROWER not in market.state.ladders:
        return
    health = Fraction(weth, 10**9) * 4_000 * Fraction(85, 100) / Fraction(owed, 10**6)
    discount = min(1 - health, Fraction(20, 100))
    repay = max(owed * part // 10_000, 1)
    (seized,) = of(market.seize(repay), ev.Seized)
    fair = Fraction(seized.repaid_atoms, 10**6) / (1 - discount) / 4_000 * 10**9
    if seized.seized_atoms < weth:
        assert seized.repaid_atoms == min(repay, owed)
        assert fair - 600 < seized.seized_atoms <= fair + 1  # an atom of USDC is 250 of WETH; health 1e-18
    else:  # all of it, and the debt that it pays for
        whole = Fraction(weth, 10**9) * 4_000 * (1 - discount) * 10**6
        assert whole - 5 < seized.repaid_atoms <= whole + 2  # an atom of WETH is 4 of USDC
    assert seized.fee_atoms == 0


@settings(max_examples=60, deadline=None)
@given(weth=st.integers(10**8, 10**11), share=st.integers(8_601, 11_000), part=st.integers(1, 10_000))
def test_morpho_pays_an_incentive_that_follows_from_its_threshold(weth: int, share: int, part: int) -> None:
    market = Market(MORPHO)
    owed = weth * 4_000 * share // 10_000 // 1_000
    market.loan(weth / 10**9, owed / 10**6)
    if BORROWER not in market.state.ladders:
        return
    incentive = 1 / (1 - Fraction(3, 10) * Fraction(14, 100))
    repay = max(owed * part // 10_000, 1)  # no close factor: any part
    (seized,) = of(market.seize(repay), ev.Seized)
    fair = Fraction(seized.repaid_atoms, 10**6) * incentive / 4_000 * 10**9
    assert abs(seized.seized_atoms - fair) <= 300
    assert seized.repaid_atoms == min(repay, owed) or seized.seized_atoms == weth


def test_aave_lets_half_be_repaid_above_95_percent_and_takes_its_share_of_the_bonus() -> None:
    market = Market(AAVE)
    market.loan(10, 33_500)  # health 33,000 / 33,500 = 0.985
    (seized,) = of(market.seize(10**12), ev.Seized)
    assert seized.repaid_atoms == seized.most_atoms == 16_750 * 10**6
    taken = Fraction(16_750, 4_000) * Fraction(105, 100) * 10**9
    assert seized.seized_atoms + seized.fee_atoms == int(taken)
    assert seized.fee_atoms == pytest.approx(float(taken) * 5 / 105 / 10, abs=2)
    assert market.held(FEES, "WETH") == seized.fee_atoms


# -- what stays unpaid ------------------------------------------------------------------------------------


def test_bad_debt_of_aave_is_the_reserves_deficit_and_the_market_goes_on() -> None:
    market = Market(AAVE)
    market.loan(10, 33_500)
    market.move(WETH=2_000)
    events = market.seize(10**12)
    (seized,), (bankrupt,) = of(events, ev.Seized), of(events, ev.Bankrupt)
    left = 33_500 * 10**6 - seized.repaid_atoms
    assert left > 14_000 * 10**6 and market.held(SHORTFALL, "USDC") == -left
    assert bankrupt.deficit_atoms == left * 100  # dollars of 1e-8
    assert market.held(BORROWER, "USDC") == market.held(BORROWER, "WETH") == 0
    assert market.held(LENDER, "USDC") == 10**12 and not market.state.halted
    market.put(OTHER, "WETH", 10)
    took = market.do(cmd.Withdraw, account=OTHER, asset="USDC", amount_atoms=10**9)
    assert of(took, ev.Transferred) and BORROWER not in market.state.ladders


@pytest.mark.parametrize("rulebook", [EULER, MORPHO])
def test_bad_debt_of_isolated_markets_is_taken_from_suppliers_in_proportion(rulebook: str) -> None:
    market = Market(rulebook)
    market.put(OTHER, "USDC", 500_000)
    market.loan(10, 34_500)
    market.move(WETH=2_000)
    before = {who: market.held(who, "USDC") for who in (LENDER, OTHER, KEEPER)}
    events = market.seize(10**12)
    (seized,), (shared,) = of(events, ev.Seized), of(events, ev.LossSocialised)
    left = 34_500 * 10**6 - seized.repaid_atoms
    assert shared.method == "suppliers" and shared.loss_atoms == left > 0
    paid = {who: before[who] - market.held(who, "USDC") for who in before}
    paid[KEEPER] -= seized.repaid_atoms  # he supplies too
    assert sum(paid.values()) == left and market.held(SHORTFALL, "USDC") == 0
    supplied = before | {KEEPER: before[KEEPER] - seized.repaid_atoms}
    for who, loss in paid.items():
        assert abs(loss - Fraction(left * supplied[who], sum(supplied.values()))) <= 1


def test_more_bad_debt_than_supply_stands_as_a_deficit() -> None:
    market = Market(MORPHO)
    market.do(cmd.Withdraw, account=LENDER, asset="USDC", amount_atoms=10**12)
    market.do(cmd.Withdraw, account=KEEPER, asset="USDC", amount_atoms=1_800_000 * 10**6)
    market.loan(100, 340_000)
    market.move(WETH=500)
    (seized,) = of(market.seize(10**12), ev.Seized)
    rest = 200_000 * 10**6 - seized.repaid_atoms  # all that anybody has supplied is the keeper's
    assert market.held(KEEPER, "USDC") == 0
    assert market.held(SHORTFALL, "USDC") == -(340_000 * 10**6 - seized.repaid_atoms - rest) < 0


def test_a_fund_pays_bad_debt_first() -> None:
    rules = load_rulebook(MORPHO)
    tier = msgspec.convert(
        {"kind": "insurance", "fund": "insurance"}, type=type(load_rulebook("harbor").waterfall[0])
    )
    market = Market(msgspec.structs.replace(rules, waterfall=(tier,)))
    market.do(cmd.Deposit, account=INSURANCE, asset="USDC", amount_atoms=1_000 * 10**6)
    market.loan(10, 34_500)
    market.move(WETH=2_000)
    events = market.seize(10**12)
    left = 34_500 * 10**6 - of(events, ev.Seized)[0].repaid_atoms
    assert of(events, ev.TierPassed)[0].paid_atoms == 1_000 * 10**6 and market.held(INSURANCE, "USDC") == 0
    assert of(events, ev.LossSocialised)[0].loss_atoms == left - 1_000 * 10**6


# -- absorption -------------------------------------------------------------------------------------------


def absorbed(owed: float, price: float = 3_000.0) -> tuple[Market, tuple[Any, ...]]:
    market = Market(COMET)
    market.loan(10, owed)
    market.move(WETH=price)
    return market, market.do(cmd.Absorb, account=OTHER, target=BORROWER)


def test_compound_credits_collateral_at_its_liquidation_factor_and_gives_back_what_is_over() -> None:
    market, events = absorbed(27_000)
    (one,) = of(events, ev.Absorbed)
    assert (one.credit_atoms, one.owed_atoms, one.deficit_atoms) == (28_500 * 10**6, 27_000 * 10**6, 0)
    assert market.held(BORROWER, "USDC") == 1_500 * 10**6 and market.held(BORROWER, "WETH") == 0
    assert market.held(INSURANCE, "WETH") == 10 * 10**9
    assert market.held(SHORTFALL, "USDC") == -28_500 * 10**6  # reserves below zero until it is sold
    assert BORROWER not in market.state.ladders


def test_what_collateral_lacks_is_a_deficit_that_buyers_fill_first() -> None:
    market, events = absorbed(29_000)
    assert of(events, ev.Absorbed)[0].deficit_atoms == 500 * 10**6
    assert market.held(BORROWER, "USDC") == 0 and market.held(SHORTFALL, "USDC") == -29_000 * 10**6
    sold = market.do(cmd.BuyCollateral, account=KEEPER, collateral="WETH", pay_atoms=1_000 * 10**6)
    (one,) = of(sold, ev.CollateralSold)
    assert one.sold_atoms == 343_642_611  # 1,000 at 3,000 less 60 % of a penalty of 5 %: 2,910
    assert market.held(KEEPER, "WETH") == 343_642_611 and market.held(SHORTFALL, "USDC") == -28_000 * 10**6
    assert market.held(INSURANCE, "USDC") == 0


@settings(max_examples=40, deadline=None)
@given(weth=st.integers(10**6, 10**12), owed=st.integers(1, 10**12), usd=st.integers(100, 10**6))
def test_an_absorption_moves_everything_and_adds_up(weth: int, owed: int, usd: int) -> None:
    market = Market(COMET)
    market.put(BORROWER, "WETH", weth / 10**9)
    market.do(cmd.ReportDebt, account=BORROWER, asset="USDC", amount_atoms=owed)
    market.move(WETH=usd / 100)
    if BORROWER not in market.state.ladders:
        assert Fraction(weth * usd, 10**11) * Fraction(895, 1000) * 10**6 >= owed - 1
        return
    (one,) = of(market.do(cmd.Absorb, account=KEEPER, target=BORROWER), ev.Absorbed)
    credit = Fraction(weth * usd, 10**11) * Fraction(95, 100) * 10**6
    assert credit - 2 < one.credit_atoms <= credit
    assert one.deficit_atoms == max(owed - one.credit_atoms, 0)
    assert market.held(BORROWER, "USDC") == max(one.credit_atoms - owed, 0)
    assert market.held(SHORTFALL, "USDC") == -max(one.credit_atoms, owed)
    assert market.held(BACKSTOP, "USDC") == 0


def test_absorption_and_sales_are_refused_with_the_reason() -> None:
    market, _ = absorbed(27_000)
    buy = {"account": KEEPER, "collateral": "WETH", "pay_atoms": 10**9}
    assert "nothing that could be absorbed" in reason(market.do(cmd.Absorb, account=OTHER, target=BORROWER))
    assert "nothing that could be absorbed" in reason(market.do(cmd.Absorb, account=OTHER, target=LENDER))
    assert "nothing that could be seized" in reason(market.seize(10**6))
    for more, told in (
        ({"collateral": "USDC"}, "is not sold here"),
        ({"pay_atoms": 0}, "positive"),
        ({"pay_atoms": 10**14}, "hold less"),
        ({"least_atoms": 10**9}, "less than is asked for"),
        ({"account": OTHER}, "holds too little"),
        ({"collateral": "WBTC"}, "hold less"),
    ):
        assert told in reason(market.do(cmd.BuyCollateral, **(buy | more)))
    market.now += 26 * 3_600 * SECOND  # the price is too old to sell at
    market.do(cmd.Tick)
    assert "price" in reason(market.do(cmd.BuyCollateral, **buy))
    assert "absorbs no loans" in reason(Market(AAVE).do(cmd.BuyCollateral, **buy))


def test_nothing_is_sold_once_the_reserves_have_their_target() -> None:
    rules = load_rulebook(COMET)
    (step,) = rules.liquidation.steps
    capped = msgspec.structs.replace(step, absorb=msgspec.structs.replace(step.absorb, target_atoms=10**9))
    ladder = msgspec.structs.replace(rules.liquidation, steps=(capped,))
    market = Market(msgspec.structs.replace(rules, liquidation=ladder))
    market.loan(10, 27_000)
    market.move(WETH=3_000)
    market.do(cmd.Absorb, account=OTHER, target=BORROWER)
    buy = {"account": KEEPER, "collateral": "WETH", "pay_atoms": 10**9}
    assert of(market.do(cmd.BuyCollateral, **buy), ev.CollateralSold)
    market.do(cmd.Deposit, account=INSURANCE, asset="USDC", amount_atoms=50_000 * 10**6)
    assert "reached their target" in reason(market.do(cmd.BuyCollateral, **buy))


# -- choices and reported debts ---------------------------------------------------------------------------


def test_an_efficiency_mode_lends_more_against_its_own_assets_only() -> None:
    plain, mode = load_rulebook(AAVE), load_rulebook(f"{AAVE}:eth-correlated")
    weights = [rules.margin.weights["threshold"] for rules in (plain, mode)]
    assert [one["WETH"].tiers[0].weight_ppb for one in weights] == [825_000_000, 950_000_000]
    assert weights[0]["WBTC"] == weights[1]["WBTC"]
    assert mode.tag.startswith("aave-v3.3:eth-correlated@2025-01-27#")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("morpho-blue", "several of which one market is meant"),
        ("morpho-blue:WETH-DAI", "'WETH-DAI' is no market"),
        ("aave-v3.7:x", "'x' is no category"),
        ("compound-v3:x", "has no category to choose"),
        ("harbor:x", "has no markets to choose"),
        ("aave-v3.3@2020-01-01", "not held for that date"),
    ],
)
def test_a_choice_that_is_not_there_is_told_with_those_that_are(name: str, told: str) -> None:
    with pytest.raises(RulebookError, match=told):
        load_rulebook(name)


def test_a_debt_is_taken_over_as_it_is_and_refused_where_it_cannot_be() -> None:
    market = Market(AAVE)
    market.put(BORROWER, "WETH", 1)
    owe = {"account": BORROWER, "asset": "USDC", "amount_atoms": 3_900 * 10**6}  # far above the loan to value
    assert of(market.do(cmd.ReportDebt, **owe), ev.LiquidationStarted)
    again = market.do(cmd.ReportDebt, **(owe | {"amount_atoms": 1}))
    assert of(again, ev.Transferred) and market.held(BORROWER, "USDC") == -(3_900 * 10**6 + 1)
    for more, told in (
        ({"amount_atoms": 0}, "positive"),
        ({"amount_atoms": 2**62}, "2..62"),
        ({"account": LENDER}, "owes nothing of it"),
        ({"asset": "USD"}, "cannot be borrowed here"),
    ):
        assert reason(market.do(cmd.ReportDebt, **(owe | more))).find(told.replace("..", "**")) >= 0


MINE = """
[interest.USDC]
source = "values"
base = "0 %"
slope = "6 %"

[oracles.WETH]
source = "values"
sources = ["a", "b", "c"]
quorum = 2
outlier = "5 %"
"""


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('kind = "pool"', 'kind = "absorbing"', "borrows names 0 assets"),
        ('kind = "pool"', 'kind = "isolated"', r"with 0 \[markets\]"),
        ('kind = "pool"', 'kind = "discount"', "most_discount is missing"),
        ("[oracles.WETH]", "[oracles.XYZ]", "not priced here"),
        ("[interest.USDC]", "[interest.XYZ]", "not lent here"),
        ('"WETH", "wstETH"]', '"WETH", "XYZ"]', "XYZ', which is no reserve"),
        ("quorum = 2", "quorum = 9", "can never be met"),
        ('share = "50 %"', 'share = "0 %"', "seize.share"),
        ('bad_debt = "deficit"', 'bad_debt = "nobody"', "suppliers, deficit"),
    ],
)
def test_a_lending_file_that_cannot_be_laid_out_is_refused(
    tmp_path: Any, old: str, new: str, told: str
) -> None:
    text = (files("seawall.rulebooks") / "lending" / "aave-v3.3-2025-01-27.toml").read_text() + MINE
    assert old in text
    path = tmp_path / "mine.toml"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(RulebookError, match=told):
        load_rulebook(path)


def test_a_lending_file_of_ones_own_keeps_its_oracles_its_rates_and_its_money(tmp_path: Any) -> None:
    text = (files("seawall.rulebooks") / "lending" / "aave-v3.3-2025-01-27.toml").read_text() + MINE
    path = tmp_path / "mine.toml"
    path.write_text(text)
    rules = load_rulebook(path)
    assert rules.oracles["WETH-SPOT"].sources == ("a", "b", "c") and rules.oracles["LINK-SPOT"].quorum == 1
    rates = {name: rules.curve(name) for name in ("USDC", "WETH")}
    assert all(rates.values()) and rates["USDC"].slope_ppb == 60_000_000 and not rates["WETH"].slope_ppb
    path.write_text(text.replace('numeraire = "USD"', 'numeraire = "USDC"').replace(' USD"', ' USDC"'))
    own = load_rulebook(path)  # accounts kept in a reserve: it has no price, and its own decimals
    assert own.margin.collateral["USDC"] == "" and own.asset("USDC").decimals == 6
    assert [one.name for one in own.instruments] == ["LINK-SPOT", "WBTC-SPOT", "WETH-SPOT", "wstETH-SPOT"]
