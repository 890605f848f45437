"""A loan market in a crash: keepers seize and sell, and their sales move the price that values the rest.

The loop around the same engine that runs live: every price, deposit, seizure and withdrawal is a command.
Prices USD per coin (floats: the world); pools, money and collateral integers of atoms. Each asset on the path
has a pool against the numeraire; between steps traders take it the share `recovery` of the way (in square
roots of price) to the outside price, without a fee. The oracle reads the pool (`feedback`) or the outside
price alone: the difference of the two runs is what the liquidations did to themselves.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

import msgspec

from seawall.engine import commands as cmd
from seawall.engine import events as ev
from seawall.engine.decide.ladder import absorb_terms, seize_terms
from seawall.engine.decide.measure import convert, pot_health
from seawall.engine.engine import Engine
from seawall.engine.state import EXTERNAL, FEES, FLAG_UNKNOWN, HOUSE_ACCOUNTS, INSURANCE, SHORTFALL, WORTH
from seawall.errors import InputError
from seawall.lab.keepers import Deal, Keeper, find_purchase, find_seizure
from seawall.lab.misread import Misread
from seawall.lab.outside import Outside
from seawall.lab.prices import PricePath
from seawall.lab.visitors import Visitor, most_borrowed
from seawall.liquidation.seizure import AbsorbTerms
from seawall.market.amm.constant_product import ConstantProductPool


class LoanRecorder(Protocol):
    """Sees every command with its events, and the end of every step; there is no book to show it."""

    def record(self, command: cmd.AnyCommand, events: tuple[ev.AnyEvent, ...]) -> None: ...

    def step_done(self, engine: Engine, venue: Any, time_ns: int) -> None: ...


class LoanStep(msgspec.Struct, frozen=True):
    """One moment: the reported prices, how many liquidations were started so far, how many loans wait for a
    liquidator, and what those owe (atoms)."""

    time_ns: int
    price_usd: dict[str, float]  # as the first source told it
    outside_usd: dict[str, float]
    started: int
    waiting: int
    owed_atoms: int


class LoanOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a run came to, atoms of the numeraire, other assets at the index of the moment.

    `deficit_atoms`: debts left without collateral. `penalty_atoms`: what borrowers lost to being liquidated,
    at the oracle's prices. `suppliers_atoms`: what lenders lost. `protocol_atoms`: what funds, fees and
    reserves gained (below zero: lost), at the last prices. `uncovered_atoms`: what of the debts at the end
    is more than stands behind it at the outside prices, whatever the oracle says.
    """

    steps: tuple[LoanStep, ...]
    started: int
    seizures: int
    repaid_atoms: int
    deficit_atoms: int
    fund_paid_atoms: int
    penalty_atoms: int
    suppliers_atoms: int
    protocol_atoms: int
    visitors_atoms: int  # what visitors left with, at the index when they did
    uncovered_atoms: int
    profit_atoms: dict[str, int]  # by keeper
    waiting: int  # loans still under the line at the end
    halted: str


class LoanCrash:
    """A loaded engine, the pools and the keepers. The engine is used up by `run`.

    `fixed_usd`: assets that are not on the path and keep this price, such as the dollars that are owed.
    `loaded`: the events of loading; who was below the line or bankrupt from the start is counted too.
    """

    def __init__(
        self,
        engine: Engine,
        path: PricePath,
        keepers: tuple[Keeper, ...],
        pools: dict[str, ConstantProductPool],
        *,
        fixed_usd: dict[str, float] | None = None,
        feedback: bool = True,
        recovery: float = 0.2,
        accrue: bool = True,
        misread: tuple[Misread, ...] = (),
        visitors: tuple[Visitor, ...] = (),
        recorders: tuple[LoanRecorder, ...] = (),
        loaded: Iterable[ev.AnyEvent] | None = None,
    ) -> None:
        self.engine, self.path, self.keepers = engine, path, keepers
        self.outside = Outside(engine.state.rulebook, pools, fixed_usd or {})
        self.feedback, self.recovery, self.accrue, self.recorders = feedback, recovery, accrue, recorders
        self.misread, self.visitors = misread, visitors
        self.now = engine.state.time_ns
        self.shown: dict[str, float] = {}
        self.outside_usd: dict[str, float] = {}
        self.account: dict[str, int] = {}
        self.since: dict[int, int] = {}
        self.cash = {keeper.name: keeper.capital_atoms for keeper in keepers}
        self.profit = dict.fromkeys(self.cash, 0)
        self.seen = dict.fromkeys(
            ("started", "seizures", "repaid", "deficit", "penalty", "suppliers", "borrowed"), 0
        )
        self._check()
        self.loaded = loaded is not None
        for event in loaded or ():
            self._count(event)

    def run(self) -> LoanOutcome:
        """Along the whole path."""
        state = self.engine.state
        fund, protocol = self._fund_before(), None
        self.now = max(self.now, int(self.path.time_ns[0]))
        for keeper in self.keepers:
            self.account[keeper.name] = len(state.account_pot)
            self._do(cmd.OpenAccount, account=self.account[keeper.name])
        steps, before = [], -1
        for row in range(self.path.time_ns.size):
            self._report(row)
            protocol = self._protocol_before() if protocol is None else protocol
            steps.append(self._step(before))
            before = self.now
        self.engine.check()
        return LoanOutcome(
            steps=tuple(steps),
            started=self.seen["started"],
            seizures=self.seen["seizures"],
            repaid_atoms=self.seen["repaid"],
            deficit_atoms=self.seen["deficit"],
            fund_paid_atoms=fund - self._fund(),
            penalty_atoms=self.seen["penalty"],
            suppliers_atoms=self.seen["suppliers"],
            protocol_atoms=self._protocol() - (protocol or 0),
            visitors_atoms=self.seen["borrowed"],
            uncovered_atoms=self._uncovered(),
            profit_atoms=self.profit,
            waiting=len(state.ladders),
            halted=state.halted,
        )

    def _check(self) -> None:
        if len(self.cash) < len(self.keepers):
            raise InputError.at("keepers", "two have one name", "Give each keeper his own name.")
        if not 0.0 <= self.recovery <= 1.0:
            raise InputError.at("recovery", f"is {self.recovery!r}", "Give a share from 0 to 1.")
        state, rules = self.engine.state, self.engine.state.rulebook.margin
        held = {state.rulebook.assets[row].name for row in range(len(state.rulebook.assets))
                if state.book.balances[: state.book.n_pots, row].any()}  # fmt: skip
        for name in [name for name in rules.collateral if name != rules.numeraire]:
            moving = name in self.path.names
            if (moving and name not in self.outside.pools) or (name in held and not self._has_price(name)):
                raise InputError.at(name, "has no price on the path, or no pool", "Give both, or fixed_usd.")
        for one in self.misread:
            one.check(self._priced())
        for visitor in self.visitors:
            if visitor.asset not in self._priced() or state.rulebook.curve(visitor.borrows) is None:
                what = f"brings {visitor.asset} and borrows {visitor.borrows}"
                raise InputError.at(
                    f"visitor {visitor.name}", what, "Name an asset with a price, and one lent."
                )

    def _has_price(self, name: str) -> bool:
        return name in self.outside.fixed_usd or (name in self.path.names and name in self.outside.pools)

    def _priced(self) -> list[str]:
        rules = self.engine.state.rulebook.margin
        return [name for name in rules.collateral if name != rules.numeraire and self._has_price(name)]

    def _fund(self) -> int:
        return int(self.engine.state.book.balances[INSURANCE, self.engine.state.numeraire])

    def _protocol(self) -> int:
        """What the venue's own pots are worth; those it cannot value count for nothing."""
        found = (pot_health(self.engine.state, pot, WORTH) for pot in (INSURANCE, SHORTFALL, FEES))
        return sum(one.equity_atoms for one in found if one.known)

    def _fund_before(self) -> int:
        """The fund where the run is said to begin: before the loading, if that is counted."""
        state = self.engine.state
        held = state.rulebook.funds.insurance_atoms.get(state.rulebook.margin.numeraire, 0)
        return held if self.loaded else self._fund()

    def _protocol_before(self) -> int:
        if not self.loaded:
            return self._protocol()
        state = self.engine.state
        held = state.rulebook.funds.insurance_atoms
        return sum(self._value(atoms, state.asset_row[name]) for name, atoms in held.items())

    def _value(self, atoms: int, asset: int) -> int:
        return convert(self.engine.state, atoms, asset, self.engine.state.numeraire) or 0

    def _give(self, command: cmd.AnyCommand) -> tuple[ev.AnyEvent, ...]:
        events = self.engine.step(command)
        for event in events:
            self._count(event)
        for recorder in self.recorders:
            recorder.record(command, events)
        return events

    def _count(self, event: ev.AnyEvent) -> None:
        if type(event) is ev.LiquidationStarted:
            self.since[event.pot] = event.time_ns
            self.seen["started"] += 1
        elif type(event) is ev.Bankrupt:
            self.seen["deficit"] += event.deficit_atoms
        elif type(event) is ev.Seized:
            self.seen["seizures"] += 1
            self.seen["repaid"] += self._value(event.repaid_atoms, event.debt)
        elif type(event) is ev.Absorbed:
            self.seen["seizures"] += 1
            self.seen["repaid"] += self._value(event.owed_atoms - event.deficit_atoms, event.debt)
            self.seen["deficit"] += self._value(event.deficit_atoms, event.debt)
        elif type(event) is ev.LossSocialised:
            self.seen["suppliers"] += self._value(event.loss_atoms, event.asset)

    def _do(self, kind: type[cmd.Command], **fields: object) -> bool:
        """True if it was carried out."""
        command = kind(time_ns=self.now, **fields)
        return type(self._give(command)[0]) is not ev.Refused  # type: ignore[arg-type]

    def _report(self, row: int) -> None:
        """Traders move the pools, and the oracle says what it sees."""
        self.now = max(self.now, int(self.path.time_ns[row]))
        rules, quotes = self.engine.state.rulebook, []
        for name in self._priced():
            usd = self.outside_usd[name] = self._true(name, row)
            instrument = rules.instrument(rules.margin.collateral[name])
            said = self.outside.price(name) if self.feedback and name in self.outside.pools else usd
            for place, source in enumerate(rules.oracles[instrument.name].sources):
                wrong = [one for one in self.misread if one.concerns(name, place, self.now)]
                told = wrong[-1].price(said) if wrong else said
                self.shown[name] = told if place == 0 else self.shown[name]
                ticks = max(round(told / float(instrument.tick_units)), 1)
                quotes.append(cmd.SourcePrice(instrument.name, source, ticks, self.now))
        self._give(cmd.ReportPrices(time_ns=self.now, prices=tuple(quotes)))

    def _true(self, name: str, row: int) -> float:
        """The outside price; its pool follows it."""
        if name in self.outside.fixed_usd:
            return self.outside.fixed_usd[name]
        usd = float(self.path.of(name)[row])
        self.outside.recover(name, usd, 1.0 if row == 0 else self.recovery)
        return usd

    def _step(self, before: int) -> LoanStep:
        if self.accrue:
            for name in sorted(self.engine.state.rulebook.interest or ()):
                self._do(cmd.AccrueInterest, asset=name)
        for visitor in self.visitors:
            if before < visitor.at_ns <= self.now:
                self._visit(visitor)
        for keeper in self.keepers:
            if keeper.there(self.now):
                self._work(keeper)
        state, owed = self.engine.state, 0
        for pot in sorted(state.ladders):
            for asset, atoms in enumerate(state.book.balances[pot].tolist()):
                owed += self._value(-atoms, asset) if atoms < 0 else 0
        for recorder in self.recorders:
            recorder.step_done(self.engine, None, self.now)
        told, true = dict(self.shown), dict(self.outside_usd)
        return LoanStep(self.now, told, true, self.seen["started"], len(state.ladders), owed)

    def _work(self, keeper: Keeper) -> None:
        """One round of a keeper over the loans he can see, the longest waiting first, each once."""
        state = self.engine.state
        self._unload(keeper)
        seen = [pot for pot in state.ladders if self.since.get(pot, 0) + keeper.latency_ns <= self.now]
        for pot in sorted(seen, key=lambda pot: (self.since.get(pot, 0), pot)):
            if state.flags[pot] & FLAG_UNKNOWN:
                continue
            if absorb_terms(state, pot) is not None:
                self._liquidate(pot, cmd.Absorb, account=self.account[keeper.name])
                continue
            terms = seize_terms(state, pot)
            cash = self.cash[keeper.name]
            deal = None if terms is None else find_seizure(state, pot, terms, keeper, cash, self.outside)
            if deal is not None and deal.received_atoms <= self._venue_cash(deal.collateral):
                self._seize(keeper, pot, deal)
        for step in state.rulebook.liquidation.steps:
            if not isinstance(step.absorb, msgspec.UnsetType):
                self._buy(keeper, step.absorb)

    def _visit(self, visitor: Visitor) -> None:
        """He brings his coins and leaves with what they let him borrow."""
        state, account = self.engine.state, len(self.engine.state.account_pot)
        atoms = round(visitor.coins * state.rulebook.asset(visitor.asset).atoms_per_unit)
        self._do(cmd.OpenAccount, account=account)
        self._do(cmd.Deposit, account=account, asset=visitor.asset, amount_atoms=atoms)
        borrowed = most_borrowed(state, state.account_pot[account], visitor)
        if borrowed and self._do(cmd.Withdraw, account=account, asset=visitor.borrows, amount_atoms=borrowed):
            self.seen["borrowed"] += self._value(borrowed, state.asset_row[visitor.borrows])

    def _uncovered(self) -> int:
        """Debts that what stands behind them does not cover, at the outside prices of now."""
        state, money = self.engine.state, self.outside.numeraire
        unit = state.rulebook.asset(money).atoms_per_unit
        usd = {
            name: price / state.rulebook.asset(name).atoms_per_unit
            for name, price in self.outside_usd.items()
        }
        worth = [
            usd.get(asset.name, 1 / unit if asset.name == money else 0.0) for asset in state.rulebook.assets
        ]
        missing = 0.0
        for row in state.book.balances[HOUSE_ACCOUNTS : state.book.n_pots].tolist():
            if min(row) < 0:
                missing += max(-sum(atoms * price for atoms, price in zip(row, worth, strict=True)), 0.0)
        return round(missing * unit)

    def _venue_cash(self, name: str) -> int:
        """What the venue has of an asset and has not lent out: only that can be withdrawn and sold."""
        state = self.engine.state
        return -int(state.book.balances[EXTERNAL, state.asset_row[name]])

    def _liquidate(self, pot: int, kind: type[cmd.Command], **fields: object) -> bool:
        """Ask for it, and count what the borrower lost by it."""
        state = self.engine.state
        before = pot_health(state, pot, WORTH).equity_atoms
        deficit = self.seen["deficit"]
        done = self._do(kind, target=int(state.book.pot_account[pot]), **fields)
        after = pot_health(state, pot, WORTH).equity_atoms
        # what others pay of his debts is nothing that he lost
        self.seen["penalty"] += max(before - after + self.seen["deficit"] - deficit, 0) if done else 0
        return done

    def _seize(self, keeper: Keeper, pot: int, deal: Deal) -> None:
        """Buy what is owed, repay, take, sell: within one moment."""
        account = self.account[keeper.name]
        self._spend(keeper, deal)
        self._liquidate(
            pot,
            cmd.Liquidate,
            account=account,
            debt=deal.pays_in,
            collateral=deal.collateral,
            repay_atoms=deal.asked_atoms,
            least_atoms=deal.received_atoms,
        )
        self._unload(keeper)

    def _buy(self, keeper: Keeper, terms: AbsorbTerms) -> None:
        """From the reserves, of each collateral as much as pays."""
        for good in terms.credit_wad:
            cash = self.cash[keeper.name]
            deal = find_purchase(self.engine.state, terms, good, keeper, cash, self.outside)
            if deal is None or deal.received_atoms > self._venue_cash(good):
                continue
            self._spend(keeper, deal)
            self._do(
                cmd.BuyCollateral,
                account=self.account[keeper.name],
                collateral=good,
                pay_atoms=deal.paid_atoms,
                least_atoms=deal.received_atoms,
            )
            self._unload(keeper)

    def _spend(self, keeper: Keeper, deal: Deal) -> None:
        paid = self.outside.buy(deal.pays_in, deal.paid_atoms)
        self._book(keeper, -paid)
        self._do(
            cmd.Deposit,
            account=self.account[keeper.name],
            asset=deal.pays_in,
            amount_atoms=deal.paid_atoms,
        )

    def _unload(self, keeper: Keeper) -> None:
        """Everything out of the venue and sold; what it will not let go is tried again in the next round."""
        state, account = self.engine.state, self.account[keeper.name]
        for row, atoms in enumerate(state.book.balances[state.account_pot[account]].tolist()):
            name = state.rulebook.assets[row].name
            if atoms > 0 and self._do(cmd.Withdraw, account=account, asset=name, amount_atoms=atoms):
                self._book(keeper, self.outside.sell(name, atoms))

    def _book(self, keeper: Keeper, atoms: int) -> None:
        self.cash[keeper.name] += 0 if keeper.flash else atoms
        self.profit[keeper.name] += atoms
