"""Loans in the running engine: borrowing, interest, seizure by outsiders, and what becomes of a deficit.

Amounts atoms: USDC 1e-6, ETH 1e-9, BTC 1e-8. The oracle of a seizure is written out below in fractions from
the text of Aave's rules, not with the code under test.
"""

from __future__ import annotations

from fractions import Fraction
from importlib.resources import files
from math import ceil, floor
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.engine import commands as cmd
from seawall.engine import events as ev
from seawall.engine.decide.measure import pot_health, worth_atoms
from seawall.engine.engine import Engine
from seawall.engine.state import EXTERNAL, FEES, FLAG_LIQUIDATING, HOUSE_ACCOUNTS, INSURANCE
from seawall.errors import RulebookError
from seawall.ledger.accrual import grown_debt_atoms
from seawall.rulebooks.check import check_rulebook
from seawall.rulebooks.load import load_rulebook

BTC, ETH, USDC = range(3)
SECOND, DAY = 10**9, 86_400 * 10**9
LENDER, BORROWER, KEEPER, OTHER = range(HOUSE_ACCOUNTS, HOUSE_ACCOUNTS + 4)
UNITS = {"USDC": 10**6, "ETH": 10**9, "BTC": 10**8}


class Market:
    """Harbor Lending with a lender, a borrower and a liquidator."""

    def __init__(self) -> None:
        self.engine, self.now = Engine(load_rulebook("harbor-lending")), 1_770_000_000 * SECOND
        self.move(eth=4_000, btc=100_000)
        for account in (LENDER, BORROWER, KEEPER, OTHER):
            self.do(cmd.OpenAccount, account=account)
        self.put(LENDER, "USDC", 100_000)
        self.put(LENDER, "BTC", 5)
        self.put(KEEPER, "USDC", 60_000)

    @property
    def state(self) -> Any:
        return self.engine.state

    def do(self, kind: type, **fields: Any) -> tuple[Any, ...]:
        events = self.engine.step(kind(time_ns=self.now, **fields))
        self.engine.check()
        return events

    def move(self, *, eth: float, btc: float = 100_000) -> tuple[Any, ...]:
        self.now += SECOND
        ticks = (("ETH-SPOT", round(eth * 100)), ("BTC-SPOT", round(btc * 10)))
        return self.do(
            cmd.ReportPrices,
            prices=tuple(
                cmd.SourcePrice(name, source, price, self.now)
                for name, price in ticks
                for source in ("alpha", "beta", "gamma")
            ),
        )

    def put(self, account: int, asset: str, amount: float) -> Any:
        return self.do(cmd.Deposit, account=account, asset=asset, amount_atoms=round(amount * UNITS[asset]))

    def take(self, account: int, asset: str, amount: float) -> Any:
        return self.do(cmd.Withdraw, account=account, asset=asset, amount_atoms=round(amount * UNITS[asset]))

    def seize(self, repay: float, **more: Any) -> tuple[Any, ...]:
        fields = {"account": KEEPER, "target": BORROWER, "debt": "USDC", "collateral": "ETH"} | more
        return self.do(cmd.Liquidate, repay_atoms=round(repay * UNITS[fields["debt"]]), **fields)

    def held(self, pot: int, asset: int) -> int:
        return int(self.state.book.balances[pot, asset])


@pytest.fixture
def market() -> Market:
    """The borrower has 10 ETH and owes 31,000 USDC: health 1.0645 at 4,000."""
    made = Market()
    made.put(BORROWER, "ETH", 10)
    made.take(BORROWER, "USDC", 31_000)
    return made


def of(events: tuple[Any, ...], kind: type) -> list[Any]:
    return [event for event in events if type(event) is kind]


def reason(events: tuple[Any, ...]) -> str:
    (refused,) = events
    assert type(refused) is ev.Refused
    return str(refused.reason)


def test_borrowing_stops_at_the_loan_to_value_and_at_what_the_venue_has(market: Market) -> None:
    assert market.held(BORROWER, USDC) == -31_000 * 10**6
    assert "initial level" in reason(market.take(BORROWER, "USDC", 1_001))  # 80 % of 40,000 is 32,000
    assert of(market.take(BORROWER, "USDC", 1_000), ev.Transferred)
    market.put(OTHER, "BTC", 20)
    assert "lent out" in reason(market.take(OTHER, "USDC", 1_130_000))
    assert "balance is too small" in reason(
        market.do(cmd.Transfer, from_account=OTHER, to_account=LENDER, asset="USDC", amount_atoms=1)
    )


def test_a_lender_cannot_take_what_is_lent_out(market: Market) -> None:
    market.put(OTHER, "BTC", 40)
    cash = -market.held(EXTERNAL, USDC)
    assert of(market.take(OTHER, "USDC", cash / 10**6), ev.Transferred)
    assert "lent out" in reason(market.take(LENDER, "USDC", 1))


def test_interest_is_paid_by_borrowers_to_lenders_to_the_atom(market: Market) -> None:
    market.do(cmd.AccrueInterest, asset="USDC")
    before = [market.held(pot, USDC) for pot in (BORROWER, LENDER, KEEPER, FEES)]
    market.now += 30 * DAY
    (paid,) = of(market.do(cmd.AccrueInterest, asset="USDC"), ev.InterestPaid)
    after = [market.held(pot, USDC) for pot in (BORROWER, LENDER, KEEPER, FEES)]
    used = Fraction(31_000, 160_000)
    assert paid.utilisation_ppb == ceil(used * 10**9)
    assert paid.rate_ppb == ceil(Fraction(paid.utilisation_ppb, 10**9) * 60_000_000)
    grown = grown_debt_atoms(31_000 * 10**6, rate_ppb=paid.rate_ppb, elapsed_ns=30 * DAY)
    assert after[0] == -grown and before[0] == -31_000 * 10**6
    interest = grown - 31_000 * 10**6
    lenders = interest - ceil(Fraction(interest, 10))
    assert after[1] - before[1] == lenders * 100 // 160
    assert after[2] - before[2] == lenders * 60 // 160
    assert sum(after) == sum(before)
    assert paid.index_e15 == grown_debt_atoms(10**15, rate_ppb=paid.rate_ppb, elapsed_ns=30 * DAY)


def test_interest_alone_can_endanger_a_loan(market: Market) -> None:
    market.do(cmd.AccrueInterest, asset="USDC")
    market.now += 3_000 * DAY
    market.move(eth=4_000)
    started = of(market.do(cmd.AccrueInterest, asset="USDC"), ev.LiquidationStarted)
    assert [event.pot for event in started] == [BORROWER]


def test_only_an_asset_with_a_curve_is_borrowed_or_accrues(market: Market) -> None:
    rules = market.state.rulebook
    engine = Engine(msgspec.structs.replace(rules, interest={"ETH": rules.interest["ETH"]}))
    market.engine = engine
    market.move(eth=4_000)
    for account in (LENDER, BORROWER):
        market.do(cmd.OpenAccount, account=account)
    market.put(LENDER, "USDC", 1_000)
    market.put(BORROWER, "ETH", 10)
    assert "balance is too small" in reason(market.take(BORROWER, "USDC", 1))
    assert "cannot be borrowed" in reason(market.do(cmd.AccrueInterest, asset="USDC"))
    assert "unknown asset" in reason(market.do(cmd.AccrueInterest, asset="DOGE"))


def test_a_seizure_takes_half_the_debt_and_the_bonus_and_the_venue_a_tenth_of_that(market: Market) -> None:
    assert "nothing that could be seized" in reason(market.seize(1))
    (started,) = of(market.move(eth=3_700), ev.LiquidationStarted)
    assert started.pot == BORROWER
    (seized,) = of(market.seize(50_000), ev.Seized)
    assert seized.health_e18 == 37_000 * 825 * 10**18 // 31_000_000
    assert seized.most_atoms == seized.repaid_atoms == 15_500 * 10**6
    taken = floor(Fraction(15_500 * 10**9, 3_700)) * 10_500 // 10_000
    bonus = taken - taken * 10_000 // 10_500
    assert seized.fee_atoms == ceil(Fraction(bonus, 10))
    assert seized.seized_atoms == taken - seized.fee_atoms
    assert market.held(BORROWER, ETH) == 10 * 10**9 - taken
    assert market.held(KEEPER, USDC) == 44_500 * 10**6
    assert market.held(FEES, ETH) == seized.fee_atoms
    assert not market.state.flags[BORROWER] & FLAG_LIQUIDATING  # restored by it


def test_the_close_factor_is_of_all_debts_together(market: Market) -> None:
    """Half of what the account owes: more than half of its larger debt, all of a smaller one."""
    market.put(BORROWER, "ETH", 3)
    market.take(BORROWER, "BTC", 0.1)
    market.move(eth=3_700)
    allowed = Fraction(31_000 + 10_000, 2)
    (seized,) = of(market.seize(50_000), ev.Seized)
    assert seized.most_atoms == allowed * 10**6 > 15_500 * 10**6
    made = Market()
    made.put(BORROWER, "ETH", 13)
    made.take(BORROWER, "USDC", 31_000)
    made.take(BORROWER, "BTC", 0.1)
    made.put(KEEPER, "BTC", 1)
    made.move(eth=3_700)
    (seized,) = of(made.seize(1, debt="BTC"), ev.Seized)
    assert seized.most_atoms == 10**7


def test_what_cannot_be_seized_is_written_off_and_paid_by_the_fund(market: Market) -> None:
    market.move(eth=2_000)
    assert of(market.seize(40_000), ev.Seized)[0].most_atoms == 31_000 * 10**6  # health below 0.95: the whole
    assert not market.state.ladders
    missing = 31_000 * 10**6 - ceil(Fraction(20_000 * 10**6 * 100, 105))
    assert market.held(INSURANCE, USDC) == 1_000_000 * 10**6 - missing
    assert [market.held(BORROWER, asset) for asset in (BTC, ETH, USDC)] == [0, 0, 0]


def test_without_a_liquidator_the_loan_waits_and_recovers(market: Market) -> None:
    market.move(eth=3_700)
    for _ in range(5):
        events = market.move(eth=3_650)
        assert not of(events, ev.Bankrupt) and not of(events, ev.TakenOver)
    (ended,) = of(market.move(eth=3_900), ev.LiquidationEnded)
    assert ended.outcome == "restored"
    market.put(BORROWER, "USDC", 31_000)
    assert market.held(BORROWER, USDC) == 0


def test_a_seizure_that_would_leave_dust_or_pay_too_little_changes_nothing(market: Market) -> None:
    market.move(eth=2_900)
    assert "below the least" in reason(market.seize(27_200))
    before = market.state.book.balances.copy()
    for told, more in (
        ("less collateral", {"least_atoms": 10**10}),
        ("cannot be seized", {"collateral": "DOGE"}),
        ("owes no", {"collateral": "BTC"}),
        ("owes no", {"debt": "BTC"}),
        ("his own", {"account": BORROWER}),
        ("holds too little", {"account": OTHER}),
        ("venue's own", {"account": INSURANCE}),
        ("unknown account", {"target": 999}),
    ):
        found = reason(market.seize(10_000, **more))
        assert told in found or "unknown asset" in found, (told, found)
    assert "positive" in reason(market.seize(-5))
    assert (market.state.book.balances == before).all()
    market.put(OTHER, "ETH", 30)
    market.take(OTHER, "BTC", 0.1)
    market.put(OTHER, "USDC", 40_000)
    assert "balances only" in reason(market.seize(10_000, account=OTHER))


def test_an_unknown_price_stops_borrowing_and_seizing(market: Market) -> None:
    market.move(eth=3_700)
    market.now += 2 * 3_600 * SECOND
    events = market.do(cmd.Tick)
    assert of(events, ev.AccountUnknown)
    assert "forbids" in reason(market.seize(1_000))
    assert of(market.take(BORROWER, "USDC", 1), ev.Refused)


def test_a_closed_gate_stops_seizures(market: Market) -> None:
    market.move(eth=3_700)
    closed = {"by": "ann", "role": "guardian", "action": "liquidate", "instrument": "", "close": True}
    market.do(cmd.Override, until_ns=market.now + DAY, reason="drill", **closed)
    assert "forbids" in reason(market.seize(1_000))


def test_the_state_survives_its_bytes(market: Market) -> None:
    market.do(cmd.AccrueInterest, asset="USDC")
    market.now += DAY
    market.move(eth=3_700)
    market.do(cmd.AccrueInterest, asset="USDC")
    other = Engine.from_bytes(market.state.rulebook, market.state.to_bytes())
    command = cmd.Liquidate(
        time_ns=market.now + DAY,
        account=KEEPER,
        target=BORROWER,
        debt="USDC",
        collateral="ETH",
        repay_atoms=10**9,
    )
    assert other.step(command) == market.engine.step(command)
    assert other.state.digest() == market.state.digest()
    assert other.state.interest[USDC].index_e15 > 10**15


def test_a_venue_where_nothing_was_accrued_keeps_its_bytes(market: Market) -> None:
    """No key, so no digest of a venue without loans has moved."""
    before = market.state.to_bytes()
    assert b"interest" not in before
    market.do(cmd.AccrueInterest, asset="USDC")
    assert b"interest" in market.state.to_bytes()


def test_a_change_of_terms_lists_who_becomes_liquidatable(market: Market) -> None:
    """The threshold of ETH goes from 82.5 % to 77 %: 30,800 of 31,000 owed."""
    rules = market.state.rulebook
    eth = rules.margin.weights["threshold"]["ETH"]
    lower = msgspec.structs.replace(
        eth, tiers=tuple(msgspec.structs.replace(tier, weight_ppb=770_000_000) for tier in eth.tiers)
    )
    weights = {
        "ltv": rules.margin.weights["ltv"],
        "threshold": {**rules.margin.weights["threshold"], "ETH": lower},
    }
    ltv = msgspec.structs.replace(
        rules.margin.weights["ltv"]["ETH"],
        tiers=tuple(msgspec.structs.replace(tier, weight_ppb=760_000_000) for tier in eth.tiers),
    )
    weights["ltv"] = {**weights["ltv"], "ETH": ltv}
    changed = msgspec.structs.replace(rules, margin=msgspec.structs.replace(rules.margin, weights=weights))
    data = msgspec.json.encode(changed, order="deterministic")
    assert of(market.do(cmd.Propose, by="ann", proposal=1, rulebook=data), ev.Proposed)
    for who in ("bob", "cyd"):
        assert of(market.do(cmd.Approve, by=who, proposal=1), ev.Approved)
    market.now += 2 * DAY
    market.move(eth=4_000)
    events = market.do(cmd.Enact, by="ann", proposal=1)
    (enacted,) = of(events, ev.RulebookChanged)
    assert enacted.newly_liquidatable == (BORROWER,)
    assert [event.pot for event in of(events, ev.LiquidationStarted)] == [BORROWER]
    assert of(market.seize(50_000), ev.Seized)


@settings(max_examples=150, deadline=None)
@given(
    eth=st.integers(1_000, 5_000),
    btc=st.integers(20_000, 130_000),
    held=st.tuples(st.integers(1, 2 * 10**10), st.integers(0, 5 * 10**7)),
    owed=st.integers(1, 70_000 * 10**6),
    repay=st.integers(1, 60_000 * 10**6),
    good=st.sampled_from(["ETH", "BTC"]),
)
def test_a_seizure_is_aaves_and_never_leaves_a_loan_stuck(
    eth: int, btc: int, held: tuple[int, int], owed: int, repay: int, good: str
) -> None:
    """Against fractions; solvent loans end healthier per unit owed; nothing stays that nobody may act on."""
    market = Market()
    market.put(BORROWER, "ETH", held[0] / 10**9)
    if held[1]:
        market.put(BORROWER, "BTC", held[1] / 10**8)
    if of(market.do(cmd.Withdraw, account=BORROWER, asset="USDC", amount_atoms=owed), ev.Refused):
        return
    market.move(eth=eth, btc=btc)
    before = pot_health(market.state, BORROWER, "maintenance")
    debt = -market.held(BORROWER, USDC)
    values = {"ETH": Fraction(market.held(BORROWER, ETH) * eth, 10**9),
              "BTC": Fraction(market.held(BORROWER, BTC) * btc, 10**8)}  # fmt: skip
    health = sum(floor(v * 10**6) * w for v, w in zip(values.values(), (Fraction("0.825"), Fraction("0.78"))))
    events = market.do(
        cmd.Liquidate, account=KEEPER, target=BORROWER, debt="USDC", collateral=good, repay_atoms=repay
    )
    if before.margin_atoms >= 0:
        assert "nothing that could be seized" in reason(events)
        return
    if type(events[0]) is ev.Refused:
        assert any(
            word in events[0].reason for word in ("below the least", "holds too little", "has no BTC")
        ), events
        return
    seized = next(event for event in events if type(event) is ev.Seized)
    small = values[good] < 2_000 or Fraction(debt, 10**6) < 2_000
    whole = small or health * 100 <= debt * 95
    assert (
        seized.most_atoms == (debt if whole else debt // 2) or abs(health / debt - Fraction(95, 100)) < 10**-6
    )
    taken = seized.seized_atoms + seized.fee_atoms
    unit, price = (10**9, eth) if good == "ETH" else (10**8, btc)
    worth = Fraction(taken * price * 10**6, unit)
    assert seized.repaid_atoms <= min(repay, seized.most_atoms)
    assert worth <= seized.repaid_atoms * Fraction(105, 100)  # never more than the bonus
    assert worth > seized.repaid_atoms * Fraction(105, 100) - Fraction(3 * price * 10**6, unit) - 3
    assert worth_atoms(market.state, BORROWER) >= 0 or market.state.ladders
    after = pot_health(market.state, BORROWER, "maintenance")
    left = -market.held(BORROWER, USDC)
    if left > 0 and values["ETH"] + values["BTC"] > Fraction(debt * 105, 100 * 10**6):
        assert Fraction(after.equity_atoms, left) >= Fraction(before.equity_atoms, debt) - Fraction(1, 1000)
    if BORROWER in market.state.ladders:  # still short: there is a debt and something to seize for it
        assert left > 0 and (market.held(BORROWER, ETH) > 0 or market.held(BORROWER, BTC) > 0)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('share = "50 %"', 'share = "0 %"', "seize.share"),
        ('fee = "10 %" ', 'fee = "110 %" ', "seize.fee"),
        ('action = "seize"', 'action = "takeover"', "action is 'takeover'"),
        ('BTC = "5 %"', 'DOGE = "5 %"', "bonus.DOGE"),
        ('kink = "92 %"', 'kink = "0 %"', "interest.USDC.kink"),
        ('kept = "50 %"', 'kept = "150 %"', "interest.BTC.kept"),
        ('steep_slope = "800 %"', 'steep_slope = "20000000 %"', "interest.ETH"),
        ("[interest.ETH]", "[interest.DOGE]", "interest.DOGE"),
        ('BTC = "BTC-SPOT"\n', "", "interest.BTC lends an asset"),
        ('ETH = "ETH-SPOT"\n', "", "bonus.ETH has no price"),
        ('ETH = "5 %"', 'ETH = "5.00000001 %"', "bonus.ETH"),
    ],
)
def test_a_rulebook_of_loans_that_contradicts_itself_is_refused(
    tmp_path: Any, old: str, new: str, told: str
) -> None:
    text = (files("seawall.rulebooks") / "harbor-lending-2026-01-01.toml").read_text()
    assert old in text
    path = tmp_path / "altered.toml"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(RulebookError, match=told.replace(".", r"\.")):
        load_rulebook(path)


def test_seizing_asks_for_terms_and_for_one_pot(market: Market) -> None:
    rules = market.state.rulebook
    step = msgspec.structs.replace(rules.liquidation.steps[0], seize=msgspec.UNSET)
    bare = msgspec.structs.replace(rules.liquidation, steps=(step,))
    with pytest.raises(RulebookError, match="seize is missing"):
        check_rulebook(msgspec.structs.replace(rules, liquidation=bare))
    apart = msgspec.structs.replace(rules.margin, scope="settlement")
    with pytest.raises(RulebookError, match="kept by settlement asset"):
        check_rulebook(msgspec.structs.replace(rules, margin=apart))
