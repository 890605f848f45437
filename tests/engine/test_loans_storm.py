"""Loans at random: with and without the sieve alike, nothing lost, nobody liquidatable with no legal action.

Amounts atoms; one seed, one storm. Harbor Lending, and every lending rulebook as laid out for the engine.
"""

from __future__ import annotations

from random import Random

import pytest

from seawall.engine import commands as cmd
from seawall.engine import events as ev
from seawall.engine.decide.ladder import absorb_terms, forbidden
from seawall.engine.engine import Engine
from seawall.engine.state import FLAG_UNKNOWN, HOUSE_ACCOUNTS
from seawall.rulebooks.load import load_rulebook

SECOND = 10**9
BORROWERS, KEEPER = 20, HOUSE_ACCOUNTS + 20
DOLLARS = {"USDC": 1, "LINK": 20, "COMP": 50, "ETH": 4_000, "WETH": 4_000, "wstETH": 4_800}
DOLLARS |= {"BTC": 100_000, "WBTC": 100_000}
LENDING = (
    "aave-v3.0", "aave-v3.3", "aave-v3.3:eth-correlated", "aave-v3.7", "compound-v3", "euler-v2",
    "morpho-blue:WETH-USDC", "morpho-blue:wstETH-WETH",
)  # fmt: skip


class Storm:
    """The same commands to an engine with a sieve and to one that looks at everybody."""

    def __init__(self, seed: int, rulebook: str = "harbor-lending") -> None:
        self.rng, self.now, self.seen = Random(seed), 1_770_000_000 * SECOND, set()
        self.rules = rules = load_rulebook(rulebook)
        self.engines = (Engine(rules), Engine(rules))
        self.engines[1].state.sieve = None
        self.assets = [asset.name for asset in rules.assets if asset.name != "USD"]
        self.lent = [name for name in self.assets if rules.curve(name) is not None]
        self.worth = {name: rules.asset(name).atoms_per_unit // DOLLARS[name] for name in self.assets}
        self.price = {
            one.name: int(DOLLARS[one.base] / one.tick_units) for one in rules.instruments
        }  # ticks; "USDC" is a numeraire, or has a price of its own

    def do(self, kind: type, **fields: object) -> tuple[ev.AnyEvent, ...]:
        command = kind(time_ns=self.now, **fields)
        first, second = (engine.step(command) for engine in self.engines)
        assert first == second
        self.seen |= {type(event) for event in first}
        return first

    def report(self) -> None:
        for name in self.price:
            calm = self.rules.instrument(name).base == "USDC"
            low, high = (0.995, 1.004) if calm else (0.88, 1.07)
            self.price[name] = max(int(self.price[name] * self.rng.uniform(low, high)), 100)
        few = self.rng.random() >= 0.95
        quotes = []
        for name, ticks in self.price.items():
            sources = self.rules.oracles[name].sources
            for source in sources[: len(sources) // 2] if few else sources:
                quotes.append(cmd.SourcePrice(name, source, ticks, self.now))
        self.do(cmd.ReportPrices, prices=tuple(quotes))

    def act(self) -> None:
        rng, account = self.rng, HOUSE_ACCOUNTS + self.rng.randrange(BORROWERS)
        asset, dollars = rng.choice(self.assets), rng.choice((1, 40, 900, 5_000, 60_000))
        self.now += rng.choice((0, SECOND, 3_600 * SECOND // 2))
        roll = rng.random()
        if 0.45 <= roll < 0.75:  # what nobody lends here would mostly be refused
            asset = rng.choice(self.lent)
        amount = dollars * self.worth[asset] + rng.randrange(100)
        if roll < 0.3:
            self.report()
        elif roll < 0.45:
            self.do(cmd.Deposit, account=account, asset=asset, amount_atoms=amount)
        elif roll < 0.72:
            self.do(cmd.Withdraw, account=account, asset=asset, amount_atoms=amount)
        elif roll < 0.75:
            self.do(cmd.ReportDebt, account=account, asset=asset, amount_atoms=amount)
        elif roll < 0.82:
            self.do(cmd.AccrueInterest, asset=asset)
        else:
            self.liquidate(amount)

    def liquidate(self, amount: int) -> None:
        state = self.engines[0].state
        waiting = sorted(state.ladders)
        target = self.rng.choice(waiting) if waiting else HOUSE_ACCOUNTS
        if state.rulebook.liquidation.steps[0].action == "absorb":
            good = self.rng.choice(self.assets)
            if self.rng.random() < 0.5:
                self.do(cmd.Absorb, account=KEEPER, target=target)
            else:
                self.do(cmd.BuyCollateral, account=KEEPER, collateral=good, pay_atoms=amount)
            return
        held = {name: int(state.book.balances[target, state.asset_row[name]]) for name in self.assets}
        debt = self.rng.choice([name for name in self.assets if held[name] < 0] or self.assets)
        good = self.rng.choice([name for name in self.assets if held[name] > 0] or self.assets)
        self.do(cmd.Liquidate, account=KEEPER, target=target, debt=debt, collateral=good, repay_atoms=amount)

    def somebody_may_act(self) -> None:
        """Each pot on the ladder can be liquidated now, by someone who has enough of everything."""
        engine = self.engines[0]
        self.do(cmd.Tick)
        for pot in sorted(engine.state.ladders):
            if engine.state.flags[pot] & FLAG_UNKNOWN or forbidden(engine.state, pot) or engine.state.halted:
                continue
            pairs = [(debt, good) for debt in self.assets for good in self.assets if debt != good]
            assert any(self.takes(pot, debt, good) for debt, good in pairs), pot

    def takes(self, pot: int, debt: str, good: str) -> bool:
        copy = Engine.from_bytes(self.engines[0].state.rulebook, self.engines[0].state.to_bytes())
        if absorb_terms(copy.state, pot) is not None:
            return type(copy.step(cmd.Absorb(time_ns=self.now, account=KEEPER, target=pot))[0]) is ev.Absorbed
        terms = {"account": KEEPER, "target": pot, "debt": debt, "collateral": good}
        events = copy.step(cmd.Liquidate(time_ns=self.now, repay_atoms=2**61, **terms))
        return type(events[0]) is ev.Seized


def opened(seed: int, rulebook: str = "harbor-lending") -> Storm:
    storm = Storm(seed, rulebook)
    storm.report()
    for account in range(HOUSE_ACCOUNTS, KEEPER + 1):
        storm.do(cmd.OpenAccount, account=account)
    for asset in storm.assets:
        storm.do(cmd.Deposit, account=KEEPER, asset=asset, amount_atoms=10**7 * storm.worth[asset])
        for account in range(HOUSE_ACCOUNTS, KEEPER, 3):
            storm.do(cmd.Deposit, account=account, asset=asset, amount_atoms=50_000 * storm.worth[asset])
    return storm


def blow(storm: Storm, turns: int = 400) -> Storm:
    for turn in range(turns):
        storm.act()
        if turn % 40 == 0:
            storm.somebody_may_act()
    for engine in storm.engines:
        engine.check()
    assert storm.engines[0].state.digest() == storm.engines[1].state.digest()
    return storm


@pytest.mark.parametrize("seed", range(12))
def test_a_storm_of_loans(seed: int) -> None:
    storm = blow(opened(seed))
    assert {ev.InterestPaid, ev.Refused, ev.Transferred} <= storm.seen


@pytest.mark.parametrize("rulebook", LENDING)
def test_storms_under_the_rules_of_each_protocol(rulebook: str) -> None:
    """Each reaches a liquidation and a debt with nothing behind it; none ends in a halt."""
    seen: set[type] = set()
    for seed in range(4):
        storm = blow(opened(seed, rulebook), 240)
        seen |= storm.seen
        assert not storm.engines[0].state.halted
    taken = {ev.Absorbed, ev.CollateralSold} if rulebook == "compound-v3" else {ev.Seized}
    assert taken | {ev.LiquidationStarted, ev.LiquidationEnded} <= seen


def test_the_storms_reach_what_they_are_for() -> None:
    seen: set[type] = set()
    for seed in range(8):
        storm = opened(seed)
        for _ in range(400):
            storm.act()
        seen |= storm.seen
    wanted = {ev.Seized, ev.LiquidationStarted, ev.LiquidationEnded, ev.Bankrupt, ev.AccountUnknown}
    assert wanted <= seen, wanted - seen
