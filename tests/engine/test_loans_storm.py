"""Loans at random: with and without the sieve alike, nothing lost, nobody liquidatable with no legal action.

Amounts atoms; one seed, one storm. The rulebook is Harbor Lending's.
"""

from __future__ import annotations

from random import Random

import pytest

from seawall.engine import commands as cmd
from seawall.engine import events as ev
from seawall.engine.decide.ladder import forbidden
from seawall.engine.engine import Engine
from seawall.engine.state import FLAG_UNKNOWN, HOUSE_ACCOUNTS
from seawall.rulebooks.load import load_rulebook

SECOND = 10**9
ASSETS = ("BTC", "ETH", "USDC")
WORTH = {"USDC": 10**6, "ETH": 10**9 // 4_000, "BTC": 10**8 // 100_000}  # atoms of a dollar, at the start
BORROWERS, KEEPER = 20, HOUSE_ACCOUNTS + 20


class Storm:
    """The same commands to an engine with a sieve and to one that looks at everybody."""

    def __init__(self, seed: int) -> None:
        self.rng, self.now, self.seen = Random(seed), 1_770_000_000 * SECOND, set()
        rules = load_rulebook("harbor-lending")
        self.engines = (Engine(rules), Engine(rules))
        self.engines[1].state.sieve = None
        self.price = {"ETH-SPOT": 400_000, "BTC-SPOT": 1_000_000}

    def do(self, kind: type, **fields: object) -> tuple[ev.AnyEvent, ...]:
        command = kind(time_ns=self.now, **fields)
        first, second = (engine.step(command) for engine in self.engines)
        assert first == second
        self.seen |= {type(event) for event in first}
        return first

    def report(self) -> None:
        for name in self.price:
            self.price[name] = max(int(self.price[name] * self.rng.uniform(0.88, 1.07)), 100)
        sources = ("alpha", "beta", "gamma") if self.rng.random() < 0.95 else ("alpha",)
        quotes = [
            cmd.SourcePrice(name, source, ticks, self.now)
            for name, ticks in self.price.items()
            for source in sources
        ]
        self.do(cmd.ReportPrices, prices=tuple(quotes))

    def act(self) -> None:
        rng, account = self.rng, HOUSE_ACCOUNTS + self.rng.randrange(BORROWERS)
        asset, dollars = rng.choice(ASSETS), rng.choice((1, 40, 900, 5_000, 60_000))
        amount = dollars * WORTH[asset] + rng.randrange(100)
        self.now += rng.choice((0, SECOND, 3_600 * SECOND // 2))
        roll = rng.random()
        if roll < 0.3:
            self.report()
        elif roll < 0.45:
            self.do(cmd.Deposit, account=account, asset=asset, amount_atoms=amount)
        elif roll < 0.75:
            self.do(cmd.Withdraw, account=account, asset=asset, amount_atoms=amount)
        elif roll < 0.85:
            self.do(cmd.AccrueInterest, asset=asset)
        else:
            self.liquidate(amount)

    def liquidate(self, amount: int) -> None:
        waiting = sorted(self.engines[0].state.ladders)
        target = self.rng.choice(waiting) if waiting else HOUSE_ACCOUNTS
        held = dict(zip(ASSETS, self.engines[0].state.book.balances[target].tolist(), strict=True))
        debt = self.rng.choice([name for name in ASSETS if held[name] < 0] or ASSETS)
        good = self.rng.choice([name for name in ASSETS if held[name] > 0] or ASSETS)
        self.do(cmd.Liquidate, account=KEEPER, target=target, debt=debt, collateral=good, repay_atoms=amount)

    def somebody_may_act(self) -> None:
        """Each pot on the ladder can be liquidated now, by someone who has enough of everything."""
        engine = self.engines[0]
        self.do(cmd.Tick)
        for pot in sorted(engine.state.ladders):
            if engine.state.flags[pot] & FLAG_UNKNOWN or forbidden(engine.state, pot) or engine.state.halted:
                continue
            pairs = [(debt, good) for debt in ASSETS for good in ASSETS if debt != good]
            assert any(self.takes(pot, debt, good) for debt, good in pairs), pot

    def takes(self, pot: int, debt: str, good: str) -> bool:
        copy = Engine.from_bytes(self.engines[0].state.rulebook, self.engines[0].state.to_bytes())
        terms = {"account": KEEPER, "target": pot, "debt": debt, "collateral": good}
        events = copy.step(cmd.Liquidate(time_ns=self.now, repay_atoms=2**61, **terms))
        return type(events[0]) is ev.Seized


def opened(seed: int) -> Storm:
    storm = Storm(seed)
    storm.report()
    for account in range(HOUSE_ACCOUNTS, KEEPER + 1):
        storm.do(cmd.OpenAccount, account=account)
    for asset in ASSETS:
        storm.do(cmd.Deposit, account=KEEPER, asset=asset, amount_atoms=10**7 * WORTH[asset])
        for account in range(HOUSE_ACCOUNTS, KEEPER, 3):
            storm.do(cmd.Deposit, account=account, asset=asset, amount_atoms=50_000 * WORTH[asset])
    return storm


@pytest.mark.parametrize("seed", range(12))
def test_a_storm_of_loans(seed: int) -> None:
    storm = opened(seed)
    for turn in range(400):
        storm.act()
        if turn % 40 == 0:
            storm.somebody_may_act()
    for engine in storm.engines:
        engine.check()
    assert storm.engines[0].state.digest() == storm.engines[1].state.digest()
    assert {ev.InterestPaid, ev.Refused, ev.Transferred} <= storm.seen


def test_the_storms_reach_what_they_are_for() -> None:
    seen: set[type] = set()
    for seed in range(8):
        storm = opened(seed)
        for _ in range(400):
            storm.act()
        seen |= storm.seen
    wanted = {ev.Seized, ev.LiquidationStarted, ev.LiquidationEnded, ev.Bankrupt, ev.AccountUnknown}
    assert wanted <= seen, wanted - seen
