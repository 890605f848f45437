"""A loan market in a crash: keepers seize and sell, and their sales move the price that values the rest.

The loop around the same engine that runs live: every price, deposit, seizure and withdrawal is a command.
Prices USD per coin (floats: the world); pools, money and collateral integers of atoms. Each asset has a pool
against the numeraire; between steps traders take it the share `recovery` of the way (in square roots of
price) to the outside price, without a fee. The oracle reads the pool (`feedback`) or the outside price alone:
the difference of the two runs is what the liquidations did to themselves.
"""

from __future__ import annotations

from fractions import Fraction
from math import inf, isqrt, sqrt

import msgspec

from seawall.engine import commands as cmd
from seawall.engine import events as ev
from seawall.engine.decide.ladder import seize_terms
from seawall.engine.engine import Engine
from seawall.engine.state import EXTERNAL, FLAG_UNKNOWN, INSURANCE
from seawall.errors import InputError
from seawall.lab.keepers import Keeper, Offer, find_offer
from seawall.lab.prices import PricePath
from seawall.lab.simulate import Recorder
from seawall.market.amm.constant_product import ConstantProductPool, swap


class Misread(msgspec.Struct, frozen=True, kw_only=True):
    """The oracle reports `multiple` times the price of an asset, from one moment to another (not included).

    A ratio read as a price, a wrong unit, a feed at its floor: sources agree, and all of them are wrong.
    """

    asset: str
    start_ns: int
    end_ns: int
    multiple: float


class LoanStep(msgspec.Struct, frozen=True):
    """One moment: the reported prices, how many loans wait for a liquidator, and what they owe (atoms)."""

    time_ns: int
    price_usd: dict[str, float]
    waiting: int
    owed_atoms: int


class LoanOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a run came to, atoms of the numeraire. `deficit_atoms`: debts left without collateral."""

    steps: tuple[LoanStep, ...]
    started: int
    seizures: int
    repaid_atoms: int
    deficit_atoms: int
    fund_paid_atoms: int
    profit_atoms: dict[str, int]  # by keeper
    waiting: int  # loans still under the line at the end
    halted: str


class LoanCrash:
    """A loaded engine, the pools and the keepers. The engine is used up by `run`."""

    def __init__(
        self,
        engine: Engine,
        path: PricePath,
        keepers: tuple[Keeper, ...],
        pools: dict[str, ConstantProductPool],
        *,
        feedback: bool = True,
        recovery: float = 0.2,
        accrue: bool = True,
        misread: tuple[Misread, ...] = (),
        recorders: tuple[Recorder, ...] = (),
    ) -> None:
        self.engine, self.path, self.keepers, self.pools = engine, path, keepers, dict(pools)
        self.feedback, self.recovery, self.accrue, self.recorders = feedback, recovery, accrue, recorders
        self.misread = misread
        self.now = engine.state.time_ns
        self.account: dict[str, int] = {}
        self.since: dict[int, int] = {}
        self.profit = dict.fromkeys((keeper.name for keeper in keepers), 0)
        self.seen = {"started": 0, "seizures": 0, "repaid": 0, "deficit": 0}
        self._check()

    def run(self) -> LoanOutcome:
        """Along the whole path."""
        fund = self._fund()
        self.now = max(self.now, int(self.path.time_ns[0]))
        for keeper in self.keepers:
            self._enter(keeper)
        steps = [self._step(row) for row in range(self.path.time_ns.size)]
        self.engine.check()
        state = self.engine.state
        return LoanOutcome(
            steps=tuple(steps),
            started=self.seen["started"],
            seizures=self.seen["seizures"],
            repaid_atoms=self.seen["repaid"],
            deficit_atoms=self.seen["deficit"],
            fund_paid_atoms=fund - self._fund(),
            profit_atoms=self.profit,
            waiting=len(state.ladders),
            halted=state.halted,
        )

    def _check(self) -> None:
        if len({keeper.name for keeper in self.keepers}) < len(self.keepers):
            raise InputError.at("keepers", "two have one name", "Give each keeper his own name.")
        if not 0.0 <= self.recovery <= 1.0:
            raise InputError.at("recovery", f"is {self.recovery!r}", "Give a share from 0 to 1.")
        for name in self._priced():
            if name not in self.path.names or name not in self.pools:
                raise InputError.at(name, "has no price on the path, or no pool", "Give both.")

        for one in self.misread:
            where = f"misread of {one.asset}"
            if one.asset not in self._priced():
                raise InputError.at(
                    where, "no loan is valued by it", f"Name one of {', '.join(self._priced())}."
                )
            if not 0.0 < one.multiple < inf or one.end_ns <= one.start_ns:
                what = f"{one.multiple!r} times from {one.start_ns} to {one.end_ns} ns"
                raise InputError.at(where, what, "Give a positive multiple, and an end after the start.")

    def _priced(self) -> list[str]:
        rules = self.engine.state.rulebook.margin
        return [name for name in rules.collateral if name != rules.numeraire]

    def _fund(self) -> int:
        return int(self.engine.state.book.balances[INSURANCE, self.engine.state.numeraire])

    def _give(self, command: cmd.AnyCommand) -> tuple[ev.AnyEvent, ...]:
        events = self.engine.step(command)
        for event in events:
            if type(event) is ev.LiquidationStarted:
                self.since[event.pot] = event.time_ns
                self.seen["started"] += 1
            elif type(event) is ev.Bankrupt:
                self.seen["deficit"] += event.deficit_atoms
            elif type(event) is ev.Seized:
                self.seen["seizures"] += 1
                self.seen["repaid"] += event.repaid_atoms
        for recorder in self.recorders:
            recorder.record(command, events)
        return events

    def _do(self, kind: type[cmd.Command], **fields: object) -> bool:
        """True if it was carried out."""
        command = kind(time_ns=self.now, **fields)
        return type(self._give(command)[0]) is not ev.Refused  # type: ignore[arg-type]

    def _enter(self, keeper: Keeper) -> None:
        account = len(self.engine.state.account_pot)
        self.account[keeper.name] = account
        self._do(cmd.OpenAccount, account=account)
        if keeper.capital_atoms:
            self._deposit(account, keeper.capital_atoms)

    def _deposit(self, account: int, atoms: int) -> None:
        self._do(
            cmd.Deposit,
            account=account,
            asset=self.engine.state.rulebook.margin.numeraire,
            amount_atoms=atoms,
        )

    def _step(self, row: int) -> LoanStep:
        self.now = max(self.now, int(self.path.time_ns[row]))
        for name in self._priced():
            self._trade(name, float(self.path.of(name)[row]), whole=row == 0)
        shown = {name: self._shown(name, float(self.path.of(name)[row])) for name in self._priced()}
        self._report(shown)
        if self.accrue:
            for name in sorted(self.engine.state.rulebook.interest or ()):
                self._do(cmd.AccrueInterest, asset=name)
        for keeper in self.keepers:
            if keeper.there(self.now):
                self._work(keeper)
        state = self.engine.state
        owed = sum(max(-int(state.book.balances[pot, state.numeraire]), 0) for pot in sorted(state.ladders))
        return LoanStep(self.now, shown, len(state.ladders), owed)

    def _trade(self, name: str, outside: float, *, whole: bool) -> None:
        """Traders bring the pool towards the outside price; x * y stays."""
        pool, assets = self.pools[name], self.engine.state.rulebook
        target = Fraction(outside) * assets.asset(assets.margin.numeraire).atoms_per_unit
        target /= assets.asset(name).atoms_per_unit
        share = 1.0 if whole else self.recovery
        root = (1.0 - share) * sqrt(pool.price) + share * sqrt(target)
        product = pool.reserve0_atoms * pool.reserve1_atoms
        other = isqrt(product * int(Fraction(root * root) * 2**64) >> 64)
        self.pools[name] = msgspec.structs.replace(
            pool, reserve0_atoms=-(-product // other), reserve1_atoms=other
        )

    def _shown(self, name: str, outside: float) -> float:
        """What the oracle says: of the pool, or from outside, and wrong where it is misread."""
        price = self._in_pool(name) if self.feedback else outside
        for one in self.misread:
            if one.asset == name and one.start_ns <= self.now < one.end_ns:
                price *= one.multiple
        return price

    def _in_pool(self, name: str) -> float:
        rules = self.engine.state.rulebook
        unit, money = rules.asset(name).atoms_per_unit, rules.asset(rules.margin.numeraire).atoms_per_unit
        return float(self.pools[name].price * unit / money)

    def _report(self, shown: dict[str, float]) -> None:
        rules = self.engine.state.rulebook
        quotes = []
        for name, usd in shown.items():
            instrument = rules.instrument(rules.margin.collateral[name])
            ticks = max(round(usd / float(instrument.tick_units)), 1)
            quotes += [
                cmd.SourcePrice(instrument.name, source, ticks, self.now)
                for source in rules.oracles[instrument.name].sources
            ]
        self._give(cmd.ReportPrices(time_ns=self.now, prices=tuple(quotes)))

    def _work(self, keeper: Keeper) -> None:
        """One round of a keeper over the loans he can see, the longest waiting first, each once."""
        state = self.engine.state
        seen = [pot for pot in state.ladders if self.since.get(pot, 0) + keeper.latency_ns <= self.now]
        for pot in sorted(seen, key=lambda pot: (self.since.get(pot, 0), pot)):
            terms = seize_terms(state, pot)
            if terms is None or state.flags[pot] & FLAG_UNKNOWN:
                continue
            room = max(int(state.book.balances[self._pot(keeper), state.numeraire]), 0)
            offer = find_offer(state, pot, terms, keeper, room, self.pools)
            if offer is not None and offer.seized_atoms <= self._cash(offer.collateral):
                self._seize(keeper, pot, offer)

    def _pot(self, keeper: Keeper) -> int:
        return self.engine.state.cross_pot(self.account[keeper.name], self.engine.state.numeraire)

    def _cash(self, name: str) -> int:
        """What the venue has of an asset and has not lent out: only that can be withdrawn and sold."""
        state = self.engine.state
        return -int(state.book.balances[EXTERNAL, state.asset_row[name]])

    def _seize(self, keeper: Keeper, pot: int, offer: Offer) -> None:
        """Repay, take, sell, put the money back: within one moment. What the venue refuses is not done."""
        state, account = self.engine.state, self.account[keeper.name]
        money = state.rulebook.margin.numeraire
        if keeper.flash:
            self._deposit(account, offer.repaid_atoms)
        done = self._do(
            cmd.Liquidate,
            account=account,
            target=int(state.book.pot_account[pot]),
            debt=money,
            collateral=offer.collateral,
            repay_atoms=offer.asked_atoms,
            least_atoms=offer.seized_atoms,
        )
        row = state.asset_row[offer.collateral]
        held = int(state.book.balances[self._pot(keeper), row])
        sold = done and self._do(cmd.Withdraw, account=account, asset=offer.collateral, amount_atoms=held)
        if sold:
            proceeds, self.pools[offer.collateral] = swap(self.pools[offer.collateral], held)
            self._deposit(account, proceeds)
            self.profit[keeper.name] += proceeds - offer.repaid_atoms
        if keeper.flash:
            left = int(state.book.balances[self._pot(keeper), state.numeraire])
            if left > 0:
                self._do(cmd.Withdraw, account=account, asset=money, amount_atoms=left)
