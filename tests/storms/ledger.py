"""Who owns what, from the events alone: an independent slow ledger in Python integers.

It shares nothing with the engine: names instead of rows, dictionaries instead of columns, and its pots are
those of tests/oracles/margin_model, so that the model can be asked about any of them at any moment. Amounts
atoms, sizes lots, prices ticks, times ns.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import msgspec
import numpy as np

from seawall.engine import events as ev
from seawall.engine.state import BACKSTOP, CLEARING, EXTERNAL, FEES, HOUSE_ACCOUNTS, INSURANCE
from seawall.margin.rules import Level, Weight, WeightTier
from seawall.market.policy import Action, Condition
from seawall.rulebooks.model import Rulebook
from tests.oracles.margin_model import Held, Model, Pot, Price

WORTH = "worth"  # a level of our own: everything in full, nothing required


class Broken(AssertionError):
    """Something is wrong; `checker` says which check found it."""

    def __init__(self, checker: str, what: str) -> None:
        super().__init__(f"[{checker}] {what}")
        self.checker = checker
        self.world: Any = None  # the world it broke in, once known


class Known(msgspec.Struct):
    """An order as its events tell it; `left` signed."""

    pot: int
    name: str
    left: int
    reduce_only: bool = False
    liquidation: bool = False
    heir: int = -1
    recalled: bool = False


class Ledger:
    def __init__(self, rulebook: Rulebook) -> None:
        self.pots: list[Pot] = []
        self.owner: list[int] = []
        self.only: list[str] = []  # the contract of an isolated pot, "" for a cross pot
        self.prices = {i.name: Price(mark=0, index=0, stable=0, usable=False) for i in rulebook.instruments}
        self.conditions = {i.name: int(Condition.MISSING) for i in rulebook.instruments}
        self.interest = dict.fromkeys(self.prices, 0)
        self.orders: dict[int, Known] = {}
        self.gates: dict[tuple[str, str], int] = {}
        self.proposals: dict[int, bytes] = {}
        self.unknown: set[int] = set()
        self.called: set[int] = set()
        self.open: dict[int, tuple[str, list[str]]] = {}  # being liquidated: exit level, what happened since
        self.settled: set[str] = set()
        self.halted = ""
        self.time_ns = 0
        self.records: dict[int, str] = {}  # every record so far, by number
        self.use(rulebook)
        for account in range(HOUSE_ACCOUNTS):
            self._add(account, rulebook.margin.numeraire)
        for role, funds in (
            (INSURANCE, rulebook.funds.insurance_atoms),
            (BACKSTOP, rulebook.funds.backstop_atoms),
        ):
            for asset, atoms in funds.items():
                self.pots[role].balances[asset] = atoms
                self.pots[EXTERNAL].balances[asset] = self.pots[EXTERNAL].balances.get(asset, 0) - atoms

    def use(self, rulebook: Rulebook) -> None:
        self.rulebook = rulebook
        self.assets = [asset.name for asset in rulebook.assets]
        self.names = [instrument.name for instrument in rulebook.instruments]
        self.listed = {instrument.name: instrument for instrument in rulebook.instruments}
        rules = rulebook.margin
        whole = Weight(tiers=(WeightTier(floor_atoms=0, weight_ppb=10**9),))
        worth = Level(name=WORTH, schedule=rules.levels[0].schedule, factor_ppb=0, weights=WORTH)
        self.model = Model(
            assets={asset.name: asset for asset in rulebook.assets},
            instruments=self.listed,
            rules=msgspec.structs.replace(
                rules,
                weights=rules.weights | {WORTH: dict.fromkeys(self.assets, whole)},
                levels=(*rules.levels, worth),
            ),
            prices=self.prices,
            open_interest=self.interest,
        )
        for name in self.names:
            self._judge_price(name)

    def _judge_price(self, name: str) -> None:
        self.prices[name].usable = self.prices[name].mark > 0 and self.tolerates(Action.VALUE, name)

    def tolerates(self, action: Action, name: str) -> bool:
        """May this be done on such a price: is every condition that holds one that the action lives with?"""
        return not self.conditions[name] & ~self.rulebook.oracles[name].tolerated[action]

    def _add(self, account: int, unit: str, only: str = "") -> None:
        self.pots.append(Pot(unit=unit, isolated=bool(only)))
        self.owner.append(account)
        self.only.append(only)

    # -- asking ---------------------------------------------------------------------------------------

    def health(self, pot: int, level: str) -> tuple[int, int] | None:
        """(equity, requirement) by the slow model, or None where a price is missing."""
        found = self.model.health(self.pots[pot], level)
        return None if found is None else (int(found[0]), int(found[1]))

    def worth(self, pot: int) -> int | None:
        found = self.health(pot, WORTH)
        return None if found is None else found[0]

    def exposed(self, pot: int) -> bool:
        """Holds a position or owes something: the only ones a price can hurt."""
        here = self.pots[pot]
        return any(held.lots for held in here.held.values()) or any(b < 0 for b in here.balances.values())

    def vast(self, pot: int) -> bool:
        """Its figures, or conversions on the way, may pass 64 bits: the engine may call it unknown."""
        here, rules = self.pots[pot], self.rulebook.liquidation
        levels = {rules.trigger, rules.margin_call.level} if rules.margin_call else {rules.trigger}
        if any(abs(figure) >= 2**63 for level in levels for figure in self.health(pot, level) or ()):
            return True
        amounts = [abs(b) for b in here.balances.values()] + [abs(h.cost) for h in here.held.values()]
        for name, held in here.held.items():
            most = max(abs(held.lots) + held.bid, abs(held.lots) + held.ask)
            if most and self.prices[name].mark:
                amounts.append(int(self.model.notional(self.listed[name], most, self.prices[name].mark)))
        return max(amounts, default=0) >= 2**50

    def forbidden(self, pot: int) -> bool:
        """May this pot not be liquidated now: a gate, or a price good enough to value with only?"""
        for name in self.needed(pot):
            shut = max(self.gates.get(("liquidate", where), 0) for where in (name, ""))
            if shut > self.time_ns or not self.tolerates(Action.LIQUIDATE, name):
                return True
        return False

    def needed(self, pot: int) -> list[str]:
        """Instruments whose prices the pot depends on."""
        here, rules = self.pots[pot], self.rulebook.margin
        names = {name for name, held in here.held.items() if held.lots}
        if rules.scope == "account":
            others = (asset for asset, atoms in here.balances.items() if atoms and asset != here.unit)
            names |= {rules.collateral[asset] for asset in others if rules.collateral.get(asset)}
        return sorted(names)

    def pots_of(self, account: int) -> list[int]:
        return [pot for pot, owner in enumerate(self.owner) if owner == account]

    def lots(self, pot: int, name: str) -> int:
        held = self.pots[pot].held.get(name)
        return held.lots if held else 0

    def sent(self, heir: int) -> Iterable[tuple[int, Known]]:
        """Liquidation orders still out whose fills are this pot's."""
        return ((n, order) for n, order in self.orders.items() if order.liquidation and order.heir == heir)

    # -- booking --------------------------------------------------------------------------------------

    def book(self, event: ev.AnyEvent) -> None:
        """Write one event. Raises Broken where it does not add up."""
        kind = type(event).__name__
        self.records[event.seq] = kind
        self.time_ns = event.time_ns
        writer = getattr(self, f"_on_{kind}", None)
        if writer is not None:
            writer(event)

    def give(self, pot: int, asset: str, atoms: int) -> None:
        balances = self.pots[pot].balances
        balances[asset] = balances.get(asset, 0) + atoms

    def _on_AccountOpened(self, event: ev.AccountOpened) -> None:
        if event.pot != len(self.pots):
            raise Broken("ledger", f"the next pot is {len(self.pots)}: {event}")
        self._add(event.account, self.assets[event.unit])

    def _on_PotOpened(self, event: ev.PotOpened) -> None:
        if event.pot != len(self.pots):
            raise Broken("ledger", f"the next pot is {len(self.pots)}: {event}")
        self._add(
            event.account,
            self.assets[event.unit],
            self.names[event.instrument] if event.instrument >= 0 else "",
        )

    def _on_Transferred(self, event: ev.Transferred) -> None:
        sums: dict[int, int] = {}
        for entry in event.entries:
            sums[entry.asset] = sums.get(entry.asset, 0) + entry.amount_atoms
            self.give(entry.pot, self.assets[entry.asset], entry.amount_atoms)
        if any(sums.values()) or not all(entry.amount_atoms for entry in event.entries):
            raise Broken("ledger", f"a transfer has two equal sides: {event}")

    def _on_Traded(self, event: ev.Traded) -> None:
        name = self.names[event.instrument]
        settle = self.listed[name].settle
        if sum(leg.size_lots for leg in event.legs) or sum(
            leg.cost_atoms - leg.realised_atoms for leg in event.legs
        ):
            raise Broken("ledger", f"a trade has two equal sides: {event}")
        for leg in event.legs:
            held = self.pots[leg.pot].held.setdefault(name, Held())
            self.interest[name] += max(held.lots + leg.size_lots, 0) - max(held.lots, 0)
            held.lots += leg.size_lots
            held.cost += leg.cost_atoms
            self.give(leg.pot, settle, leg.realised_atoms)
            self.give(CLEARING, settle, -leg.realised_atoms)
            if held.cost and not held.lots:
                raise Broken("ledger", f"pot {leg.pot} keeps cost {held.cost} of no position: {event}")

    def _on_FundingPaid(self, event: ev.FundingPaid) -> None:
        asset = self.listed[self.names[event.instrument]].settle
        self._spread(event, asset, event.rest_atoms)

    def _on_LossSocialised(self, event: ev.LossSocialised) -> None:
        self._spread(event, self.assets[event.asset], 0)

    def _spread(self, event: ev.FundingPaid | ev.LossSocialised, asset: str, rest: int) -> None:
        shares = columns(event)
        if sum(atoms for _pot, atoms in shares) + rest or len({pot for pot, _ in shares}) < len(shares):
            raise Broken("ledger", f"shares do not add to nothing, or name a pot twice: {event}")
        for pot, atoms in shares:
            self.give(pot, asset, atoms)
        self.give(FEES, asset, rest)

    def _on_LeverageSet(self, event: ev.LeverageSet) -> None:
        held = self.pots[event.pot].held.setdefault(self.names[event.instrument], Held())
        held.leverage = event.leverage

    def _on_MarkSet(self, event: ev.MarkSet) -> None:
        name = self.names[event.instrument]
        price = self.prices[name]
        price.mark, price.index, price.stable = event.mark_ticks, event.index_ticks, event.stable_ticks
        price.confidence, self.conditions[name] = event.confidence_ticks, event.conditions
        self._judge_price(name)

    def _on_OrderPlaced(self, event: ev.OrderPlaced) -> None:
        name = self.names[event.instrument]
        self.orders[event.order] = Known(event.pot, name, event.size_lots, event.reduce_only)
        if not event.reduce_only:
            size = event.size_lots
            self._rest(event.pot, name, buys=size > 0, lots=abs(size), orders=1)

    def _rest(self, pot: int, name: str, *, buys: bool, lots: int, orders: int) -> None:
        held = self.pots[pot].held.setdefault(name, Held())
        held.bid += lots if buys else 0
        held.ask += 0 if buys else lots
        held.orders += orders

    def _on_OrderReduced(self, event: ev.OrderReduced) -> None:
        order = self.orders[event.order]
        after = order.left - event.size_lots
        if after * order.left < 0 or abs(after) >= abs(order.left):
            raise Broken("ledger", f"an order of {order.left} lots cannot lose {event.size_lots}: {event}")
        order.left = after
        if not order.liquidation and not order.reduce_only:
            lost = event.size_lots
            done = int(after == 0)
            self._rest(order.pot, order.name, buys=lost > 0, lots=-abs(lost), orders=-done)
        if after == 0 and not order.liquidation:
            del self.orders[event.order]

    def _on_LiquidationOrderSent(self, event: ev.LiquidationOrderSent) -> None:
        name = self.names[event.instrument]
        self.orders[event.order] = Known(event.pot, name, event.size_lots, liquidation=True, heir=event.pot)

    def _on_LiquidationOrderRecalled(self, event: ev.LiquidationOrderRecalled) -> None:
        order = self.orders[event.order]
        order.recalled, order.heir = True, event.heir

    def _on_LiquidationOrderDone(self, event: ev.LiquidationOrderDone) -> None:
        del self.orders[event.order]

    def _on_MarginCalled(self, event: ev.MarginCalled) -> None:
        self.called.add(event.pot)

    def _on_MarginCallCured(self, event: ev.MarginCallCured) -> None:
        self.called.remove(event.pot)

    def _on_AccountUnknown(self, event: ev.AccountUnknown) -> None:
        self.unknown.add(event.pot)

    def _on_AccountKnown(self, event: ev.AccountKnown) -> None:
        self.unknown.remove(event.pot)

    def _on_LiquidationStarted(self, event: ev.LiquidationStarted) -> None:
        self.open[event.pot] = (event.exit_level or self.rulebook.liquidation.exit, [])

    def _on_TakenOver(self, event: ev.TakenOver) -> None:
        self.open[event.pot][1].append("taken_over")

    def _on_Bankrupt(self, event: ev.Bankrupt) -> None:
        if event.pot != BACKSTOP:
            self.open[event.pot][1].append("bankrupt")

    def _on_LiquidationEnded(self, event: ev.LiquidationEnded) -> None:
        del self.open[event.pot]
        self.called.discard(event.pot)

    def _on_InstrumentSettled(self, event: ev.InstrumentSettled) -> None:
        self.settled.add(self.names[event.instrument])

    def _on_GateClosed(self, event: ev.GateClosed) -> None:
        self.gates[event.action, self.names[event.instrument] if event.instrument >= 0 else ""] = (
            event.until_ns
        )

    def _on_GateOpened(self, event: ev.GateOpened) -> None:
        del self.gates[event.action, self.names[event.instrument] if event.instrument >= 0 else ""]

    def _on_VenueHalted(self, event: ev.VenueHalted) -> None:
        self.halted = event.reason

    def _on_Proposed(self, event: ev.Proposed) -> None:
        self.proposals[event.proposal] = event.rulebook

    def _on_RulebookChanged(self, event: ev.RulebookChanged) -> None:
        self.use(msgspec.json.decode(self.proposals.pop(event.proposal), type=Rulebook))


def columns(event: ev.FundingPaid | ev.LossSocialised) -> list[tuple[int, int]]:
    pots, amounts = np.frombuffer(event.pots, "<i8"), np.frombuffer(event.amounts_atoms, "<i8")
    return list(zip(pots.tolist(), amounts.tolist(), strict=True))


def touched(event: Any) -> list[int]:
    """Pots whose money or position the event changed."""
    if isinstance(event, ev.Transferred):
        return [entry.pot for entry in event.entries]
    if isinstance(event, ev.Traded):
        return [leg.pot for leg in event.legs]
    if isinstance(event, (ev.FundingPaid, ev.LossSocialised)):
        return [pot for pot, _atoms in columns(event)]
    return []


def average_cost(held: Held | None, closed: int) -> Fraction:
    """Cost of `closed` lots (unsigned) of a position at its average."""
    return Fraction(held.cost * closed, abs(held.lots)) if held and held.lots else Fraction(0)
