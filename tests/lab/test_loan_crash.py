"""Keepers and the crash of a loan market: profit gates, capital, absence, and money that goes nowhere else.

Amounts atoms: USDC 1e-6, ETH 1e-9. Prices USD.
"""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.engine import commands as cmd
from seawall.engine import events as ev
from seawall.engine.engine import Engine
from seawall.engine.state import EXTERNAL, HOUSE_ACCOUNTS
from seawall.errors import InputError
from seawall.lab.keepers import Keeper
from seawall.lab.loan_crash import LoanCrash, LoanOutcome, Misread
from seawall.lab.shock import parse_shock, shock_path
from seawall.market.amm.constant_product import ConstantProductPool, amount_out
from seawall.rulebooks.load import load_rulebook

USDC, ETH, BTC, MINUTE = 10**6, 10**9, 10**8, 60 * 10**9
START = 1_770_000_000 * 10**9
DESK = Keeper(name="desk", capital_atoms=10**12)
FLASH = Keeper(name="flash", flash=True)


class Seen:
    """Every command and event, in order."""

    def __init__(self) -> None:
        self.commands: list[Any] = []
        self.events: list[Any] = []

    def record(self, command: Any, events: Any) -> None:
        self.commands.append(command)
        self.events += events

    def step_done(self, *_told: Any) -> None:
        """Nothing to keep."""


def loans(*owed: int) -> Engine:
    """A lender, and a borrower with 10 ETH for each sum of USDC owed."""
    engine = Engine(load_rulebook("harbor-lending"))
    quotes = tuple(
        cmd.SourcePrice(name, source, ticks, START)
        for name, ticks in (("ETH-SPOT", 400_000), ("BTC-SPOT", 1_000_000))
        for source in ("alpha", "beta", "gamma")
    )
    engine.step(cmd.ReportPrices(time_ns=START, prices=quotes))
    for place, dollars in enumerate((0, *owed)):
        account = HOUSE_ACCOUNTS + place
        engine.step(cmd.OpenAccount(time_ns=START, account=account))
        asset, atoms = ("ETH", 10 * ETH) if dollars else ("USDC", 10**12)
        engine.step(cmd.Deposit(time_ns=START, account=account, asset=asset, amount_atoms=atoms))
        if dollars:
            engine.step(
                cmd.Withdraw(time_ns=START, account=account, asset="USDC", amount_atoms=dollars * USDC)
            )
    return engine


def pools(eth: int = 50_000) -> dict[str, ConstantProductPool]:
    return {
        "ETH": ConstantProductPool(reserve0_atoms=eth * ETH, reserve1_atoms=eth * 4_000 * USDC),
        "BTC": ConstantProductPool(reserve0_atoms=1_000 * BTC, reserve1_atoms=10**8 * USDC),
    }


def run(
    engine: Engine, *keepers: Keeper, fall: str = "ETH:-30%:30m", **more: Any
) -> tuple[LoanOutcome, Seen]:
    seen = Seen()
    path = shock_path(
        {"ETH": 4_000.0, "BTC": 100_000.0}, [parse_shock(fall)],
        duration_seconds=3_600.0, step_seconds=60.0, start_ns=START,
    )  # fmt: skip
    made = {"pools": pools(), "accrue": False} | more
    crash = LoanCrash(engine, path, keepers, made.pop("pools"), recorders=(seen,), **made)
    return crash.run(), seen


def test_a_desk_earns_the_bonus_less_the_venues_share_and_the_slippage():
    found, seen = run(loans(31_000), DESK)
    seized = [event for event in seen.events if type(event) is ev.Seized]
    assert found.seizures == len(seized) >= 1 and found.deficit_atoms == found.waiting == 0
    assert found.repaid_atoms == sum(event.repaid_atoms for event in seized)
    earned = found.profit_atoms["desk"] / found.repaid_atoms
    assert 0.03 < earned < 0.045  # 5 %, a tenth of it to the venue, 0.3 % fee, and little slippage


def test_what_he_earns_is_what_the_pools_lose_to_him():
    """His money goes out to the pools and comes back from them; at the venue nothing of it is left."""
    engine = loans(31_000, 30_000, 29_000)
    found, seen = run(engine, DESK, recovery=0.0, feedback=False)
    account = max(command.account for command in seen.commands if type(command) is cmd.OpenAccount)
    assert not engine.state.book.balances[engine.state.account_pot[account]].any()
    paid = sum(event.repaid_atoms for event in seen.events if type(event) is ev.Seized)
    sold = sum(command.amount_atoms for command in seen.commands if type(command) is cmd.Withdraw)
    pool = pools()["ETH"]  # at rest: one sale of it all brings what many one after the other did
    brought = amount_out(pool, sold)
    assert found.profit_atoms["desk"] == pytest.approx(brought - paid, abs=10**6)
    assert found.penalty_atoms > 0 and found.protocol_atoms > 0


def test_nobody_acts_where_it_does_not_pay():
    greedy = msgspec.structs.replace(DESK, least_profit_ppb=60_000_000)
    found, _seen = run(loans(31_000), greedy)
    assert found.seizures == 0 and found.waiting == 1
    thin, _seen = run(loans(31_000), FLASH, pools=pools(2))
    assert thin.repaid_atoms < 31_000 * USDC


def test_absent_keepers_leave_a_deficit_that_those_present_prevent():
    away = tuple(msgspec.structs.replace(k, away_ns=((START, START + 45 * MINUTE),)) for k in (DESK, FLASH))
    fall = "ETH:-60%:30m"
    late, _seen = run(loans(31_000, 30_500), *away, fall=fall)
    there, _seen = run(loans(31_000, 30_500), DESK, FLASH, fall=fall)
    assert late.deficit_atoms > 0 == there.deficit_atoms
    assert late.fund_paid_atoms == late.deficit_atoms


def test_latency_is_waited_out():
    slow = msgspec.structs.replace(DESK, latency_ns=7 * MINUTE)
    _found, seen = run(loans(31_000), slow)
    started = next(event for event in seen.events if type(event) is ev.LiquidationStarted)
    seized = next(event for event in seen.events if type(event) is ev.Seized)
    assert seized.time_ns - started.time_ns == 7 * MINUTE


def test_a_flash_loan_leaves_nothing_at_the_venue_and_owes_nothing():
    engine = loans(31_000, 28_000)
    found, seen = run(engine, FLASH)
    account = max(command.account for command in seen.commands if type(command) is cmd.OpenAccount)
    assert found.seizures and found.profit_atoms["flash"] > 0
    assert not engine.state.book.balances[engine.state.account_pot[account]].any()


def test_sales_move_the_price_that_values_the_rest():
    many = [30_000 - 150 * place for place in range(40)]
    alone, _seen = run(loans(*many), FLASH, pools=pools(400), feedback=False)
    fed, _seen = run(loans(*many), FLASH, pools=pools(400))
    assert min(step.price_usd["ETH"] for step in fed.steps) < min(
        step.price_usd["ETH"] for step in alone.steps
    )
    assert fed.deficit_atoms > 10 * alone.deficit_atoms > 0


def test_the_same_run_twice_gives_the_same_bytes():
    first, second = loans(31_000, 29_500), loans(31_000, 29_500)
    assert run(first, DESK, FLASH)[0] == run(second, DESK, FLASH)[0]
    assert first.state.digest() == second.state.digest()


@settings(max_examples=25, deadline=None)
@given(
    owed=st.lists(st.integers(1_000, 31_900), min_size=1, max_size=6),
    fall=st.integers(5, 90),
    deep=st.integers(1, 5_000),
    capital=st.integers(1, 10**6),
)
def test_whatever_falls_everybody_is_paid_or_a_deficit_is_told(
    owed: list[int], fall: int, deep: int, capital: int
) -> None:
    engine = loans(*owed)
    desk = Keeper(name="desk", capital_atoms=capital * USDC, least_profit_ppb=10**6)
    found, seen = run(engine, desk, FLASH, fall=f"ETH:-{fall}%:20m", pools=pools(deep))
    assert min(found.profit_atoms.values()) >= 0
    assert found.repaid_atoms + found.deficit_atoms <= sum(owed) * USDC + len(seen.events)
    deficits = sum(event.deficit_atoms for event in seen.events if type(event) is ev.Bankrupt)
    assert deficits == found.deficit_atoms >= found.fund_paid_atoms
    assert engine.state.book.balances[EXTERNAL].max() <= 0  # nothing left that never came in
    refused = [event for event in seen.events if type(event) is ev.Refused]
    assert not refused, refused


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"pools": {"ETH": pools()["ETH"]}}, "BTC"),
        ({"recovery": 1.5}, "recovery"),
    ],
)
def test_what_cannot_be_run_is_refused(more: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=told):
        run(loans(31_000), DESK, **more)


def test_a_keeper_has_capital_or_a_flash_loan():
    for fields in (
        {},
        {"capital_atoms": 5, "flash": True},
        {"capital_atoms": -5},
        {"flash": True, "latency_ns": -1},
    ):
        with pytest.raises(InputError, match="keeper k"):
            Keeper(name="k", **fields)
    with pytest.raises(InputError, match="one name"):
        run(loans(31_000), DESK, DESK)


def test_a_misread_price_is_wrong_just_as_long_as_it_says() -> None:
    wrong = Misread(asset="ETH", start_ns=START + 2 * MINUTE, end_ns=START + 4 * MINUTE, multiple=0.5)
    found, _ = run(loans(20_000), fall="BTC:-1%:30m", misread=(wrong,), feedback=False)
    steps = found.steps
    seen = {(step.time_ns - START) // MINUTE: step.price_usd for step in steps}
    assert [seen[minute]["ETH"] for minute in range(6)] == pytest.approx(
        [4_000, 4_000, 2_000, 2_000, 4_000, 4_000], rel=5e-3
    )  # a fall of BTC by 1 % takes ETH along a little
    assert min(prices["BTC"] for prices in seen.values()) >= 99_000


@pytest.mark.parametrize(
    ("asset", "end", "multiple", "word"),
    [
        ("SOL", 1, 0.5, "misread of SOL: no loan is valued by it"),
        ("ETH", 0, 0.5, "Give a positive multiple, and an end after the start"),
        ("ETH", 1, 0.0, "0.0 times from"),
        ("ETH", 1, float("nan"), "nan times from"),
        ("ETH", 1, float("inf"), "inf times from"),
    ],
)
def test_a_misread_that_means_nothing_is_refused(asset: str, end: int, multiple: float, word: str) -> None:
    wrong = Misread(asset=asset, start_ns=START, end_ns=START + end, multiple=multiple)
    with pytest.raises(InputError, match=word):
        run(loans(20_000), misread=(wrong,))
