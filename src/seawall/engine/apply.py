"""The only hand that writes state. It books what an event says and has no opinion.

Every transfer is checked to be zero-sum per asset, every trade to be zero-sum in lots and in
cost less realised profit, before a column is touched: an unbalanced event raises
InvariantViolation and nothing of it is written. Atoms, lots, ticks, ns as in engine.events.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np

from seawall.engine import events as ev
from seawall.engine.state import (
    CLEARING,
    FLAG_CALLED,
    FLAG_LIQUIDATING,
    FLAG_UNKNOWN,
    MARKET,
    Order,
    PotStatus,
    Proposal,
    State,
)
from seawall.errors import InvariantViolation
from seawall.ledger.columns import NONE
from seawall.market.oracle import Price, Seen
from seawall.market.policy import Action
from seawall.rulebooks.model import Rulebook


def apply(state: State, event: ev.Event) -> None:
    """Write one event. Raises InvariantViolation if it does not balance."""
    _WRITERS[type(event)](state, event)
    state.seq = event.seq
    state.time_ns = event.time_ns


def _credit(state: State, pot: int, asset: int, atoms: int) -> None:
    state.book.balances[pot, asset] = int(state.book.balances[pot, asset]) + atoms
    state.balance_sum[asset] += atoms


def _post(state: State, entries: tuple[ev.Entry, ...], what: str) -> None:
    sums: dict[int, int] = {}
    for entry in entries:
        sums[entry.asset] = sums.get(entry.asset, 0) + entry.amount_atoms
    for asset, total in sums.items():
        if total:
            raise InvariantViolation(f"{what}: entries of asset {asset} add to {total}, not 0: {entries}")
    for entry in entries:
        _credit(state, entry.pot, entry.asset, entry.amount_atoms)


def _account_opened(state: State, event: ev.AccountOpened) -> None:
    pot = state.book.add_pot(account=event.account, unit=event.unit)
    if pot != event.pot or event.account != len(state.account_pot):
        raise InvariantViolation(f"account {event.account}: expected pot {event.pot}, made {pot}")
    state.account_pot.append(pot)
    if event.owner:
        state.owners[event.account] = event.owner
    _fit_flags(state)


def _pot_opened(state: State, event: ev.PotOpened) -> None:
    pot = state.book.add_pot(account=event.account, unit=event.unit, instrument=event.instrument)
    if pot != event.pot:
        raise InvariantViolation(f"account {event.account}: expected pot {event.pot}, made {pot}")
    last = state.account_pot[event.account]
    while state.book.pot_next[last] != NONE:
        last = int(state.book.pot_next[last])
    state.book.pot_next[last] = pot
    _fit_flags(state)


def _fit_flags(state: State) -> None:
    if state.book.n_pots > len(state.flags):
        grown = np.zeros(max(2 * len(state.flags), state.book.n_pots), np.uint8)
        grown[: len(state.flags)] = state.flags
        state.flags = grown


def _transferred(state: State, event: ev.Transferred) -> None:
    _post(state, event.entries, event.kind)


def _leverage_set(state: State, event: ev.LeverageSet) -> None:
    slot = state.book.open_position(event.pot, event.instrument)
    state.book.pos_leverage[slot] = event.leverage


def _source_seen(state: State, event: ev.SourceSeen) -> None:
    state.sources[event.instrument][event.source] = Seen(
        event.price_ticks, event.observed_ns, event.confidence_ticks
    )


def _mark_set(state: State, event: ev.MarkSet) -> None:
    row = event.instrument
    before = state.prices[row]
    believed = event.index_ticks != 0 and not event.conditions & 0b1111
    state.prices[row] = Price(
        index_ticks=event.index_ticks,
        mark_ticks=event.mark_ticks,
        stable_ticks=event.stable_ticks,
        confidence_ticks=event.confidence_ticks,
        basis_nano=event.basis_nano,
        conditions=event.conditions,
        used=event.used,
        rejected=event.rejected,
        step_since_ns=event.step_since_ns,
        updated_ns=event.time_ns if believed else before.updated_ns,
    )
    market = state.market
    if event.mark_ticks != market.mark[row]:
        state.previous_mark[row] = market.mark[row]
    market.mark[row], market.index_price[row], market.stable[row] = (
        event.mark_ticks,
        event.index_ticks,
        event.stable_ticks,
    )
    market.confidence[row] = event.confidence_ticks
    market.usable[row] = event.mark_ticks > 0 and state.policies[row].allows(Action.VALUE, event.conditions)
    window = max(
        (b.window_ns for b in state.rulebook.safeguards.breakers if b.when == "mark_move"), default=0
    )
    if window and event.mark_ticks:
        history = state.marks[row]
        history.append((event.time_ns, event.mark_ticks))
        while len(history) > 1 and history[1][0] <= event.time_ns - window:
            history.pop(0)


def _order_placed(state: State, event: ev.OrderPlaced) -> None:
    state.orders[event.order] = Order(
        event.pot, event.instrument, event.size_lots, event.price_ticks, event.reduce_only
    )
    state.pot_orders.setdefault(event.pot, []).append(event.order)
    if not event.reduce_only:
        slot = state.book.open_position(event.pot, event.instrument)
        column = state.book.pos_bid if event.size_lots > 0 else state.book.pos_ask
        column[slot] = int(column[slot]) + abs(event.size_lots)
        state.book.pos_orders[slot] += 1


def _order_reduced(state: State, event: ev.OrderReduced) -> None:
    order = state.orders[event.order]
    order.size_lots -= event.size_lots
    done = order.size_lots == 0
    if not order.reduce_only and not order.liquidation:
        slot = state.book.position(order.pot, order.instrument)
        column = state.book.pos_bid if event.size_lots > 0 else state.book.pos_ask
        column[slot] = int(column[slot]) - abs(event.size_lots)
        state.book.pos_orders[slot] -= done
        _tidy(state, order.pot, slot)
    if done:
        _forget_order(state, event.order, order)


def _forget_order(state: State, number: int, order: Order) -> None:
    del state.orders[number]
    if not order.liquidation:
        state.pot_orders[order.pot].remove(number)
        if not state.pot_orders[order.pot]:
            del state.pot_orders[order.pot]


def _tidy(state: State, pot: int, slot: int) -> None:
    """An empty slot without orders and without a chosen leverage is given back."""
    book = state.book
    if not (book.pos_lots[slot] or book.pos_cost[slot] or book.pos_orders[slot] or book.pos_leverage[slot]):
        book.drop_position(pot, slot)


def _traded(state: State, event: ev.Traded) -> None:
    row, book = event.instrument, state.book
    if sum(leg.size_lots for leg in event.legs) or sum(
        leg.cost_atoms - leg.realised_atoms for leg in event.legs
    ):
        raise InvariantViolation(f"{event.kind} in instrument {row} does not balance: {event.legs}")
    settle = state.settle_row[row]
    for leg in event.legs:
        slot = book.open_position(leg.pot, row)
        before, after = int(book.pos_lots[slot]), int(book.pos_lots[slot]) + leg.size_lots
        book.pos_lots[slot] = after
        book.pos_cost[slot] = int(book.pos_cost[slot]) + leg.cost_atoms
        state.lots_sum[row] += leg.size_lots
        state.cost_sum[row] += leg.cost_atoms
        state.market.oi_lots[row] += max(after, 0) - max(before, 0)
        if leg.realised_atoms:
            _credit(state, leg.pot, settle, leg.realised_atoms)
            _credit(state, CLEARING, settle, -leg.realised_atoms)
        if leg.pot != MARKET:
            _tidy(state, leg.pot, slot)
    if event.kind in ("fill", "liquidation", "unwind"):
        state.last_trade[row] = event.price_ticks


def _funding_paid(state: State, event: ev.FundingPaid) -> None:
    settle = state.settle_row[event.instrument]
    _spread(state, settle, event.pots, event.amounts_atoms, event.rest_atoms, "funding")


def _spread(
    state: State, asset: int, pots_bytes: bytes, amounts_bytes: bytes, rest_atoms: int, what: str
) -> None:
    """Add columns of amounts to balances; `rest` goes to the fee pot. Zero-sum or refused."""
    pots, amounts = np.frombuffer(pots_bytes, "<i8"), np.frombuffer(amounts_bytes, "<i8")
    if int(amounts.sum(dtype=object) if amounts.size else 0) + rest_atoms:
        raise InvariantViolation(f"{what}: amounts add to {amounts.sum()} and the rest is {rest_atoms}")
    np.add.at(state.book.balances[:, asset], pots, amounts)
    state.book.balances[2, asset] += rest_atoms


def _instrument_settled(state: State, event: ev.InstrumentSettled) -> None:
    state.settled.append(event.instrument)


def _ladder(state: State, pot: int) -> PotStatus:
    return state.ladders.setdefault(pot, PotStatus())


def _margin_called(state: State, event: ev.MarginCalled) -> None:
    state.flags[event.pot] |= FLAG_CALLED
    _ladder(state, event.pot).deadline_ns = event.deadline_ns


def _margin_call_cured(state: State, event: ev.MarginCallCured) -> None:
    state.flags[event.pot] &= ~np.uint8(FLAG_CALLED)
    if not state.flags[event.pot] & FLAG_LIQUIDATING:
        state.ladders.pop(event.pot, None)


def _unknown(state: State, event: ev.AccountUnknown) -> None:
    state.flags[event.pot] |= FLAG_UNKNOWN


def _known(state: State, event: ev.AccountKnown) -> None:
    state.flags[event.pot] &= ~np.uint8(FLAG_UNKNOWN)


def _liquidation_started(state: State, event: ev.LiquidationStarted) -> None:
    state.flags[event.pot] |= FLAG_LIQUIDATING
    status = _ladder(state, event.pot)
    status.step = status.attempts = status.cooldown_ns = status.order = 0
    status.cause_seq = event.seq


def _step_entered(state: State, event: ev.StepEntered) -> None:
    status = state.ladders[event.pot]
    status.step, status.attempts, status.cooldown_ns = event.step, 0, 0


def _liquidation_order_sent(state: State, event: ev.LiquidationOrderSent) -> None:
    step = state.ladders[event.pot].step if event.pot in state.ladders else -1
    state.orders[event.order] = Order(
        event.pot, event.instrument, event.size_lots, event.limit_ticks, liquidation=True, step=step
    )
    state.next_liquidation_order = event.order + 1
    status = _ladder(state, event.pot)
    status.order, status.cooldown_ns = event.order, event.cooldown_until_ns
    status.attempts += 1


def _liquidation_order_done(state: State, event: ev.LiquidationOrderDone) -> None:
    if event.order in state.orders:
        _forget_order(state, event.order, state.orders[event.order])
    if event.pot in state.ladders:
        state.ladders[event.pot].order = 0


def _taken_over(state: State, event: ev.TakenOver) -> None:
    """The trades and transfers it caused did the work."""


def _liquidation_ended(state: State, event: ev.LiquidationEnded) -> None:
    state.flags[event.pot] &= ~np.uint8(FLAG_LIQUIDATING | FLAG_CALLED)
    state.ladders.pop(event.pot, None)


def _loss_socialised(state: State, event: ev.LossSocialised) -> None:
    if event.method == "withdrawal_haircut":
        state.haircut_ppb[event.asset] = event.haircut_ppb
    _spread(state, event.asset, event.pots, event.amounts_atoms, 0, "socialised loss")


def _gate_closed(state: State, event: ev.GateClosed) -> None:
    state.gates[(event.action, event.instrument)] = event.until_ns


def _gate_opened(state: State, event: ev.GateOpened) -> None:
    state.gates.pop((event.action, event.instrument), None)


def _halted(state: State, event: ev.VenueHalted) -> None:
    state.halted = event.reason


def _proposed(state: State, event: ev.Proposed) -> None:
    state.proposals[event.proposal] = Proposal(event.by, event.rulebook, event.not_before_ns, [])


def _approved(state: State, event: ev.Approved) -> None:
    state.proposals[event.proposal].approvals.append(event.by)


def _rulebook_changed(state: State, event: ev.RulebookChanged) -> None:
    proposal = state.proposals.pop(event.proposal)
    state.use_rulebook(msgspec.json.decode(proposal.rulebook, type=Rulebook))


def _nothing(state: State, event: ev.Event) -> None:
    """Recorded only."""


_WRITERS: dict[type, Callable[[State, Any], None]] = {
    ev.Refused: _nothing,
    ev.Advanced: _nothing,
    ev.Bankrupt: _nothing,
    ev.TierPassed: _nothing,
    ev.AccountOpened: _account_opened,
    ev.PotOpened: _pot_opened,
    ev.Transferred: _transferred,
    ev.LeverageSet: _leverage_set,
    ev.SourceSeen: _source_seen,
    ev.MarkSet: _mark_set,
    ev.OrderPlaced: _order_placed,
    ev.OrderReduced: _order_reduced,
    ev.Traded: _traded,
    ev.FundingPaid: _funding_paid,
    ev.InstrumentSettled: _instrument_settled,
    ev.MarginCalled: _margin_called,
    ev.MarginCallCured: _margin_call_cured,
    ev.AccountUnknown: _unknown,
    ev.AccountKnown: _known,
    ev.LiquidationStarted: _liquidation_started,
    ev.StepEntered: _step_entered,
    ev.LiquidationOrderSent: _liquidation_order_sent,
    ev.LiquidationOrderDone: _liquidation_order_done,
    ev.TakenOver: _taken_over,
    ev.LiquidationEnded: _liquidation_ended,
    ev.LossSocialised: _loss_socialised,
    ev.GateClosed: _gate_closed,
    ev.GateOpened: _gate_opened,
    ev.VenueHalted: _halted,
    ev.Proposed: _proposed,
    ev.Approved: _approved,
    ev.RulebookChanged: _rulebook_changed,
}
