"""What an event may say, judged by the slow ledger and the slow margin model at the moment it was written.

`before` looks at the ledger as it was when the engine decided, `after` at what the event made of it, and
`missed` at everyone after a sweep: who is short and may be liquidated is being liquidated. Figures must equal
the model's to the atom. The names of the checks are those a canary must be found by (test_canaries.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from math import floor
from typing import Any

from seawall.engine import events as ev
from seawall.engine.state import BACKSTOP, HOUSE_ACCOUNTS
from seawall.ledger.trade import trade_value
from tests.oracles.margin_model import Held
from tests.storms.ledger import WORTH, Broken, Ledger, average_cost, columns

FORCED = (ev.LiquidationStarted, ev.LiquidationOrderSent, ev.TakenOver, ev.Bankrupt, ev.StepEntered)


class Judge:
    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    # -- one event ------------------------------------------------------------------------------------

    def before(self, event: ev.AnyEvent) -> None:
        if isinstance(event, FORCED):
            self._may_be_forced(event)
        look = getattr(self, f"_{type(event).__name__}", None)
        if look is not None:
            look(event)

    def after(self, event: ev.AnyEvent) -> None:
        ledger = self.ledger
        if isinstance(event, ev.Transferred) and event.kind == "liquidation fee":
            payer, asset = event.entries[0].pot, ledger.assets[event.entries[0].asset]
            worth = ledger.worth(payer)
            if worth is None or worth < 0 or ledger.pots[payer].balances[asset] < 0:
                raise Broken("fee", f"a fee leaves pot {payer} worth {worth}: {event}")
        elif isinstance(event, ev.Transferred) and event.kind in ("insurance", "backstop pays"):
            payer, taker = event.entries[0].pot, event.entries[1].pot
            left = ledger.pots[payer].balances[ledger.assets[event.entries[0].asset]]
            if left < 0 or event.entries[0].amount_atoms >= 0:
                raise Broken("fund", f"a fund pays what it does not have: {event}")
            worth = ledger.worth(taker)
            if taker != BACKSTOP and (worth is None or worth > 0):
                raise Broken("fund", f"a fund pays more than the deficit, pot {taker} has {worth}: {event}")
        elif isinstance(event, ev.LiquidationEnded) and event.outcome == "bankrupt":
            here = ledger.pots[event.pot]
            if any(here.balances.values()) or any(held.lots for held in here.held.values()):
                raise Broken("owner", f"a bankrupt pot keeps something: {here}")

    def _may_be_forced(self, event: Any) -> None:
        ledger, pot = self.ledger, event.pot
        if ledger.halted:
            raise Broken("halt", f"a halted venue liquidates: {event}")
        if pot < HOUSE_ACCOUNTS:
            if pot != BACKSTOP:
                raise Broken("owner", f"the venue's own pot {pot} is liquidated: {event}")
            return
        if pot in ledger.unknown:
            raise Broken("unknown", f"pot {pot} cannot be valued and is liquidated: {event}")
        if isinstance(event, ev.LiquidationStarted):
            return
        if pot not in ledger.open:
            raise Broken("short", f"pot {pot} is not being liquidated: {event}")
        if isinstance(event, ev.LiquidationOrderSent) and ledger.forbidden(pot):
            raise Broken("short", f"pot {pot} may not be liquidated now: {event}")

    def _equal(self, checker: str, event: Any, level: str) -> tuple[int, int]:
        """The model's figures, which the event must carry."""
        found = self.ledger.health(event.pot, level)
        if found is None:
            raise Broken("unknown", f"pot {event.pot} cannot be valued at {level}: {event}")
        if found != (event.equity_atoms, event.requirement_atoms):
            raise Broken(checker, f"the model says {found} at {level}: {event}")
        return found

    def _LiquidationStarted(self, event: ev.LiquidationStarted) -> None:
        ledger, rules = self.ledger, self.ledger.rulebook.liquidation
        overdue = event.rule.endswith("=deadline")
        level = rules.margin_call.cure_level if overdue and rules.margin_call else rules.trigger
        equity, requirement = self._equal("short", event, level)
        if equity >= requirement:
            raise Broken("short", f"pot {event.pot} meets {level}: {event}")
        if overdue and event.pot not in ledger.called:
            raise Broken("short", f"pot {event.pot} was never called: {event}")
        if event.pot in ledger.open or ledger.forbidden(event.pot):
            raise Broken("short", f"pot {event.pot} may not be liquidated now, or is already: {event}")

    def _LiquidationOrderSent(self, event: ev.LiquidationOrderSent) -> None:
        ledger, name = self.ledger, self.ledger.names[event.instrument]
        held = ledger.lots(event.pot, name)
        if held * event.size_lots >= 0 or abs(event.size_lots) > abs(held):
            raise Broken("order", f"pot {event.pot} holds {held} lots: {event}")

    def _LiquidationOrderRecalled(self, event: ev.LiquidationOrderRecalled) -> None:
        if event.heir not in (self.ledger.orders[event.order].pot, BACKSTOP):
            raise Broken("order", f"a stranger inherits an order: {event}")

    def _TakenOver(self, event: ev.TakenOver) -> None:
        worth = self.ledger.worth(event.pot)
        if worth is None or worth < 0 or worth != event.equity_atoms:
            raise Broken("short", f"the model says pot {event.pot} is worth {worth}: {event}")

    def _Bankrupt(self, event: ev.Bankrupt) -> None:
        ledger = self.ledger
        if event.pot == BACKSTOP and ledger.rulebook.margin.scope == "settlement":
            return  # each of its assets stands for itself there
        worth = ledger.worth(event.pot)
        if worth is None or worth >= 0 or worth != -event.deficit_atoms:
            raise Broken("short", f"the model says pot {event.pot} is worth {worth}: {event}")

    def _LiquidationEnded(self, event: ev.LiquidationEnded) -> None:
        ledger = self.ledger
        if event.pot not in ledger.open:
            raise Broken("short", f"pot {event.pot} was not being liquidated: {event}")
        level, happened = ledger.open[event.pot]
        expected = [event.outcome] if event.outcome in ("taken_over", "bankrupt") else []
        by_level = "exit=" in event.rule
        found = self._equal("short", event, level if by_level else WORTH)
        if happened != expected or found[0] < 0:
            raise Broken("short", f"ended after {happened} with {found}: {event}")
        if event.outcome == "restored" and found[0] < found[1]:
            raise Broken("short", f"restored below {level}: {event}")

    def _MarginCalled(self, event: ev.MarginCalled) -> None:
        call = self.ledger.rulebook.liquidation.margin_call
        equity, requirement = self._equal("call", event, call.level if call else "")
        if equity >= requirement or event.pot in self.ledger.open or event.pot in self.ledger.called:
            raise Broken("call", f"called for nothing, or twice: {event}")

    def _MarginCallCured(self, event: ev.MarginCallCured) -> None:
        call = self.ledger.rulebook.liquidation.margin_call
        if call is not None:
            equity, requirement = self._equal("call", event, call.cure_level)
            if equity < requirement:
                raise Broken("call", f"cured while its reason holds: {event}")

    def _AccountUnknown(self, event: ev.AccountUnknown) -> None:
        healths = [self.ledger.health(event.pot, level) for level in self.levels()]
        if None not in healths and not self.ledger.vast(event.pot):
            raise Broken("unknown", f"pot {event.pot} can be valued, {healths}: {event}")

    def _AccountKnown(self, event: ev.AccountKnown) -> None:
        if None in [self.ledger.health(event.pot, level) for level in self.levels()]:
            raise Broken("unknown", f"pot {event.pot} cannot be valued: {event}")

    def _OrderReduced(self, event: ev.OrderReduced) -> None:
        if event.order not in self.ledger.orders:
            raise Broken("order", f"no such order: {event}")

    def _FundingPaid(self, event: ev.FundingPaid) -> None:
        ledger, name = self.ledger, self.ledger.names[event.instrument]
        sign = -1 if ledger.listed[name].kind.inverse else 1
        due = {}
        for pot, here in enumerate(ledger.pots):
            if lots := here.held.get(name, Held()).lots:
                value = trade_value(ledger.listed[name], lots, event.price_ticks)
                due[pot] = -sign * value * event.rate_ppb // 10**9
        if dict(columns(event)) != due:
            raise Broken("owner", f"funding should be {due}: {columns(event)}")

    def _LossSocialised(self, event: ev.LossSocialised) -> None:
        if event.loss_atoms <= 0:
            raise Broken("owner", f"no loss to share: {event}")

    def _Traded(self, event: ev.Traded) -> None:
        """Each leg pays its price, realises its share of the average cost, and no one is turned over."""
        ledger, name = self.ledger, self.ledger.names[event.instrument]
        instrument = ledger.listed[name]
        for leg in event.legs:
            held = ledger.pots[leg.pot].held.get(name, Held())
            paid = leg.cost_atoms - leg.realised_atoms
            fair = trade_value(instrument, leg.size_lots, event.price_ticks)
            odd = len(event.legs) if instrument.kind.inverse else 0  # the first leg takes the odd atoms
            if abs(paid - fair) > odd:
                raise Broken("owner", f"pot {leg.pot} pays {paid} for what is worth {fair}: {event}")
            closed = min(abs(held.lots), abs(leg.size_lots)) if held.lots * leg.size_lots < 0 else 0
            share = -paid * closed // abs(leg.size_lots) if leg.size_lots else -paid
            profit = floor(share - average_cost(held, closed))
            if leg.realised_atoms != profit:
                raise Broken("owner", f"pot {leg.pot} should realise {profit}: {leg} of {held}")
            if event.kind in ("adl", "takeover") and leg.pot >= HOUSE_ACCOUNTS:
                self._may_be_closed(event, leg, held)

    def _may_be_closed(self, event: ev.Traded, leg: ev.Leg, held: Held) -> None:
        ledger = self.ledger
        if held.lots * (held.lots + leg.size_lots) < 0 or held.lots * leg.size_lots > 0:
            raise Broken("owner", f"{event.kind} turned or grew a position: {event}")
        if leg.pot in ledger.unknown:
            raise Broken("unknown", f"pot {leg.pot} cannot be valued and is closed by {event.kind}: {event}")

    def orders(self, events: tuple[ev.AnyEvent, ...]) -> None:
        """What is out at the venue is for somebody being liquidated, and never more than is held."""
        ledger = self.ledger
        for number, order in ledger.orders.items():
            if order.liquidation and not order.recalled and order.pot >= HOUSE_ACCOUNTS:
                if order.pot not in ledger.open or order.pot in ledger.unknown:
                    raise Broken("order", f"order {number} is out for nobody: {order}")
            if order.reduce_only:
                held = ledger.lots(order.pot, order.name)
                if held * order.left >= 0 or abs(order.left) > abs(held):
                    raise Broken("order", f"reduce-only order {number} adds to {held} lots: {order}")
        last = events[-1]
        if isinstance(last, ev.LiquidationOrderSent):
            name = ledger.names[last.instrument]
            held = ledger.lots(last.pot, name)
            out = [o.left for _n, o in ledger.sent(last.pot) if o.name == name and o.left * held < 0]
            if sum(map(abs, out)) > abs(held):
                raise Broken("order", f"more on offer than the {held} lots held: {out}, {last}")

    # -- everyone, after a sweep ----------------------------------------------------------------------

    def levels(self) -> list[str]:
        rules = self.ledger.rulebook.liquidation
        call = rules.margin_call
        return [rules.trigger] if call is None else [call.level, call.cure_level, rules.trigger]

    def missed(self, pots: Iterable[int]) -> None:
        """Nobody was forgotten among these pots, all of which have just been looked at."""
        ledger = self.ledger
        if ledger.halted or not any(price.mark for price in ledger.prices.values()):
            return
        levels = list(dict.fromkeys(self.levels()))
        for pot in pots:
            if pot < HOUSE_ACCOUNTS or not ledger.exposed(pot):
                continue
            healths = {level: ledger.health(pot, level) for level in levels}
            if any(found is None for found in healths.values()):
                if pot not in ledger.unknown:
                    raise Broken("missed", f"pot {pot} cannot be valued and is not marked: {healths}")
            elif pot in ledger.unknown:
                if not ledger.vast(pot):
                    raise Broken("missed", f"pot {pot} is marked unknown and can be valued: {healths}")
            else:
                margins = {level: found[0] - found[1] for level, found in healths.items() if found}
                self._what_is_due(pot, margins)

    def _what_is_due(self, pot: int, margins: dict[str, int]) -> None:
        ledger, rules = self.ledger, self.ledger.rulebook.liquidation
        call, open_, called = rules.margin_call, pot in ledger.open, pot in ledger.called
        if open_:
            found = ledger.health(pot, ledger.open[pot][0])
            if found is not None and found[0] >= found[1] and not ledger.forbidden(pot):
                raise Broken("missed", f"pot {pot} meets its exit and is still being liquidated: {found}")
            return
        if margins[rules.trigger] < 0 and not ledger.forbidden(pot) and not ledger.vast(pot):
            raise Broken("missed", f"pot {pot} is short and nothing happens: {margins}, {ledger.pots[pot]}")
        if call is not None and margins[call.level] < 0 and not called:
            raise Broken("missed", f"pot {pot} is below the call level and not called: {margins}")
        if called and (call is None or margins[call.cure_level] >= 0):
            raise Broken("missed", f"pot {pot} is called though cured: {margins}")
