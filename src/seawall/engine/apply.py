"""The only hand that writes state. It books what an event says and has no opinion.

Every transfer is checked to be zero-sum per asset, every trade to be zero-sum in lots and in
cost less realised profit, and every sum to fit 64 bits, before a column is touched: an unbalanced
event raises InvariantViolation, a number too large OverflowError, and nothing of it is written.
Atoms, lots, ticks, ns as in engine.events.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np

from seawall.engine import events as ev
from seawall.engine.postings import credited, fit, post, set_balances, spread
from seawall.engine.state import (
    CLEARING,
    FLAG_CALLED,
    FLAG_LIQUIDATING,
    FLAG_UNKNOWN,
    INSURANCE,
    MARKET,
    MINUTE_NS,
    POOL_MINUTES,
    Accrued,
    Auction,
    ExpiryQuoted,
    Order,
    PotStatus,
    Proposal,
    State,
)
from seawall.errors import InvariantViolation
from seawall.kernels import layout
from seawall.ledger.columns import NONE
from seawall.market.oracle import Price
from seawall.market.policy import Action
from seawall.market.transforms.pipeline import states_from_bytes
from seawall.rulebooks.model import Rulebook


def apply(state: State, event: ev.Event) -> None:
    """Write one event. Raises InvariantViolation if it does not balance, OverflowError if it does not fit."""
    _WRITERS[type(event)](state, event)
    state.seq = event.seq
    state.time_ns = event.time_ns
    if state.demands is not None:
        state.demands.note(state, event)
    if state.sieve is not None:
        state.sieve.note(event)
    if state.drawdown is not None:
        _note_pools(state)


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
    post(state, event.entries, event.kind)
    if event.kind == "deposit":
        for entry in event.entries:
            if entry.pot == INSURANCE:
                state.pools[entry.asset].injected_atoms += entry.amount_atoms


def _leverage_set(state: State, event: ev.LeverageSet) -> None:
    slot = state.book.open_position(event.pot, event.instrument)
    state.book.pos_leverage[slot] = event.leverage


def _sources_seen(state: State, event: ev.SourcesSeen) -> None:
    for seen in event.rows:
        state.sources[seen.instrument][seen.source] = seen


def _vols_set(state: State, event: ev.VolsSet) -> None:
    state.expiries[event.asset, event.expiry_ns] = ExpiryQuoted(
        forward_e9=event.forward_e9,
        fixed_e9=event.fixed_e9,
        rate_ppb=event.rate_ppb,
        confidence_ppb=event.confidence_ppb,
        observed_ns=event.time_ns,
    )
    for row, vol_ppb in zip(event.instruments, event.vols_ppb, strict=True):
        state.vols_ppb[row] = vol_ppb
        state.vols_ns[row] = event.time_ns


def _transforms_stepped(state: State, event: ev.TransformsStepped) -> None:
    state.transforms[event.instrument] = states_from_bytes(event.states)


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
        stable_nano=event.stable_nano,
        conditions=event.conditions,
        used=event.used,
        rejected=event.rejected,
        step_since_ns=event.step_since_ns,
        updated_ns=event.time_ns if believed else before.updated_ns,
    )
    cells, mark = state.market.table, event.mark_ticks
    if (last := cells.item(row, layout.MKT_MARK)) != mark:
        state.previous_mark[row] = last
        cells[row, layout.MKT_MARK] = mark
    cells[row, layout.MKT_INDEX] = event.index_ticks
    cells[row, layout.MKT_STABLE] = event.stable_ticks
    cells[row, layout.MKT_CONFIDENCE] = event.confidence_ticks
    cells[row, layout.MKT_USABLE] = mark > 0 and state.policies[row].allows(Action.VALUE, event.conditions)
    window = state.marks_window_ns
    if window and event.mark_ticks:
        history = state.marks[row]
        history.append((event.time_ns, event.mark_ticks))
        while len(history) > 1 and history[1][0] <= event.time_ns - window:
            history.pop(0)


def _order_placed(state: State, event: ev.OrderPlaced) -> None:
    order = Order(event.pot, event.instrument, event.size_lots, event.price_ticks, event.reduce_only)
    if not event.reduce_only:
        slot = state.book.open_position(event.pot, event.instrument)
        column = state.book.pos_bid if event.size_lots > 0 else state.book.pos_ask
        column[slot] = fit(int(column[slot]) + abs(event.size_lots))
        state.book.pos_orders[slot] += 1
    state.orders[event.order] = order
    state.pot_orders.setdefault(event.pot, []).append(event.order)


def _order_reduced(state: State, event: ev.OrderReduced) -> None:
    order = state.orders[event.order]
    left = order.size_lots - event.size_lots
    if left and ((left > 0) != (order.size_lots > 0) or abs(left) > abs(order.size_lots)):
        raise InvariantViolation(
            f"order {event.order} of {order.size_lots} lots cannot lose {event.size_lots}"
        )
    order.size_lots = left
    done = left == 0
    if not order.reduce_only and not order.liquidation:
        slot = state.book.position(order.pot, order.instrument)
        column = state.book.pos_bid if event.size_lots > 0 else state.book.pos_ask
        column[slot] = int(column[slot]) - abs(event.size_lots)
        state.book.pos_orders[slot] -= done
        _tidy(state, order.pot, slot)
    if done and not order.liquidation:
        _forget(state.orders, state.pot_orders, event.order, order.pot)


def _forget(orders: dict[int, Order], lists: dict[int, list[int]], number: int, pot: int) -> None:
    del orders[number]
    lists[pot].remove(number)
    if not lists[pot]:
        del lists[pot]


def _tidy(state: State, pot: int, slot: int) -> None:
    """An empty slot without orders and without a chosen leverage is given back."""
    book = state.book
    if not (book.pos_lots[slot] or book.pos_cost[slot] or book.pos_orders[slot] or book.pos_leverage[slot]):
        book.drop_position(pot, slot)


def _traded(state: State, event: ev.Traded) -> None:
    row, book = event.instrument, state.book
    moved = costs = gained = 0
    for leg in event.legs:  # one plain loop: this is done for every fill of a book that is loaded
        moved, costs, gained = moved + leg.size_lots, costs + leg.cost_atoms, gained + leg.realised_atoms
    if moved or costs != gained:
        raise InvariantViolation(f"{event.kind} in instrument {row} does not balance: {event.legs}")
    if len({leg.pot for leg in event.legs}) < len(event.legs):
        raise InvariantViolation(f"{event.kind} in instrument {row} names a pot twice: {event.legs}")
    settle, oi = state.settle_row[row], state.market.oi_lots.item(row)
    after: list[tuple[int, int, int]] = []
    realised: dict[tuple[int, int], int] = {}
    for leg in event.legs:
        slot = book.position(leg.pot, row)
        lots, cost = (book.pos_lots.item(slot), book.pos_cost.item(slot)) if slot != NONE else (0, 0)
        after.append((leg.pot, fit(lots + leg.size_lots), fit(cost + leg.cost_atoms)))
        if lots + leg.size_lots == 0 and cost + leg.cost_atoms:
            left = cost + leg.cost_atoms
            raise InvariantViolation(f"{event.kind}: pot {leg.pot} would keep cost {left} of no position")
        oi += max(lots + leg.size_lots, 0) - max(lots, 0)
        if leg.realised_atoms:
            for pot, atoms in ((leg.pot, leg.realised_atoms), (CLEARING, -leg.realised_atoms)):
                realised[pot, settle] = realised.get((pot, settle), 0) + atoms
    balances = credited(state, realised)
    state.market.oi_lots[row] = fit(oi)
    state.cost_sum[row] = fit(state.cost_sum.item(row) + costs)
    state.lots_sum[row] = state.lots_sum.item(row) + moved
    set_balances(state, balances)
    for pot, lots, cost in after:
        slot = book.open_position(pot, row)
        book.pos_lots[slot], book.pos_cost[slot] = lots, cost
        if not (lots or cost) and pot != MARKET:
            _tidy(state, pot, slot)
    if event.kind in ("fill", "liquidation", "unwind"):
        state.last_trade[row] = event.price_ticks


def _funding_paid(state: State, event: ev.FundingPaid) -> None:
    settle = state.settle_row[event.instrument]
    spread(state, settle, event.pots, event.amounts_atoms, event.rest_atoms, "funding")


def _interest_paid(state: State, event: ev.InterestPaid) -> None:
    spread(state, event.asset, event.pots, event.amounts_atoms, event.rest_atoms, "interest")
    state.interest[event.asset] = Accrued(event.time_ns, event.index_e15)


def _told(state: State, event: ev.Seized | ev.Absorbed | ev.CollateralSold) -> None:
    """Says what and why; the transfer it causes does the work."""


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
    status.exit_level, status.instrument, status.lots = event.exit_level, event.instrument, event.size_lots


def _auction_opened(state: State, event: ev.AuctionOpened) -> None:
    reserved = state.auctions[event.pot].reserved_atoms if event.pot in state.auctions else 0
    state.auctions[event.pot] = Auction(event.time_ns, event.solvent, reserved)
    state.ladders[event.pot].cooldown_ns = event.ends_ns


def _auction_bid(state: State, event: ev.AuctionBid) -> None:
    state.auctions[event.pot].reserved_atoms += event.cost_atoms


def _step_entered(state: State, event: ev.StepEntered) -> None:
    status = state.ladders[event.pot]
    status.step, status.attempts, status.cooldown_ns, status.order = event.step, 0, 0, 0
    state.auctions.pop(event.pot, None)


def _liquidation_order_sent(state: State, event: ev.LiquidationOrderSent) -> None:
    step = state.ladders[event.pot].step if event.pot in state.ladders else -1
    state.orders[event.order] = Order(
        event.pot,
        event.instrument,
        event.size_lots,
        event.limit_ticks,
        liquidation=True,
        step=step,
        heir=event.pot,
    )
    state.sent_orders.setdefault(event.pot, []).append(event.order)
    state.next_liquidation_order = event.order + 1
    status = _ladder(state, event.pot)
    status.order, status.cooldown_ns = event.order, event.cooldown_until_ns
    status.attempts += 1


def _liquidation_order_recalled(state: State, event: ev.LiquidationOrderRecalled) -> None:
    order = state.orders[event.order]
    state.sent_orders[order.heir].remove(event.order)
    if not state.sent_orders[order.heir]:
        del state.sent_orders[order.heir]
    order.heir, order.recalled = event.heir, True
    state.sent_orders.setdefault(event.heir, []).append(event.order)


def _liquidation_order_done(state: State, event: ev.LiquidationOrderDone) -> None:
    order = state.orders[event.order]
    _forget(state.orders, state.sent_orders, event.order, order.heir)
    status = state.ladders.get(order.pot)
    if status is not None and status.order == event.order:
        status.order = 0


def _taken_over(state: State, event: ev.TakenOver) -> None:
    """The trades and transfers it caused did the work."""


def _liquidation_ended(state: State, event: ev.LiquidationEnded) -> None:
    state.flags[event.pot] &= ~np.uint8(FLAG_LIQUIDATING | FLAG_CALLED)
    state.ladders.pop(event.pot, None)
    state.auctions.pop(event.pot, None)


def _loss_socialised(state: State, event: ev.LossSocialised) -> None:
    if event.method == "withdrawal_haircut":
        state.haircut_ppb[event.asset] = event.haircut_ppb
    spread(state, event.asset, event.pots, event.amounts_atoms, 0, "socialised loss")


def _gate_closed(state: State, event: ev.GateClosed) -> None:
    state.gates[(event.action, event.instrument)] = event.until_ns


def _gate_opened(state: State, event: ev.GateOpened) -> None:
    state.gates.pop((event.action, event.instrument), None)


def _halted(state: State, event: ev.VenueHalted) -> None:
    state.halted = event.reason


def _proposed(state: State, event: ev.Proposed) -> None:
    state.proposals[event.proposal] = Proposal(
        event.by, event.rulebook, event.not_before_ns, [], event.time_ns
    )


def _approved(state: State, event: ev.Approved) -> None:
    state.proposals[event.proposal].approvals.append(event.by)


def _rulebook_changed(state: State, event: ev.RulebookChanged) -> None:
    proposal = state.proposals.pop(event.proposal)
    before = state.pipelines
    state.use_rulebook(msgspec.json.decode(proposal.rulebook, type=Rulebook))
    # Other transforms, or others' parameters, start anew: that is also how a tripped breaker is closed.
    kept = {row for row, pipeline in before.items() if state.pipelines.get(row) == pipeline}
    state.transforms = {row: states for row, states in state.transforms.items() if row in kept}
    for row, policy in enumerate(state.policies):
        good = policy.allows(Action.VALUE, state.prices[row].conditions)
        state.market.usable[row] = state.market.mark[row] > 0 and good


def _adl_alerted(state: State, event: ev.AdlAlerted) -> None:
    state.pools[event.asset].active = event.active


def _note_pools(state: State) -> None:
    """Keep the insurance fund's recent peaks (see state.Pool) where its balance has just changed."""
    minute = state.time_ns // MINUTE_NS
    for asset, pool in enumerate(state.pools):
        balance, before = int(state.book.balances[INSURANCE, asset]), pool.balance_atoms
        if balance == before:
            continue
        profit = balance - pool.injected_atoms
        peak = (minute, max(profit, before - pool.injected_atoms), max(balance, before))
        if pool.peaks and pool.peaks[-1][0] == minute:
            last = pool.peaks.pop()
            peak = (minute, max(profit, last[1]), max(balance, last[2]))
        pool.peaks.append(peak)
        while pool.peaks[0][0] < minute - POOL_MINUTES:
            pool.peaks.pop(0)
        pool.balance_atoms = balance


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
    ev.SourcesSeen: _sources_seen,
    ev.TransformsStepped: _transforms_stepped,
    ev.MarkSet: _mark_set,
    ev.VolsSet: _vols_set,
    ev.OrderPlaced: _order_placed,
    ev.OrderReduced: _order_reduced,
    ev.Traded: _traded,
    ev.FundingPaid: _funding_paid,
    ev.InterestPaid: _interest_paid,
    ev.Seized: _told,
    ev.Absorbed: _told,
    ev.CollateralSold: _told,
    ev.InstrumentSettled: _instrument_settled,
    ev.MarginCalled: _margin_called,
    ev.MarginCallCured: _margin_call_cured,
    ev.AccountUnknown: _unknown,
    ev.AccountKnown: _known,
    ev.LiquidationStarted: _liquidation_started,
    ev.AuctionOpened: _auction_opened,
    ev.AuctionBid: _auction_bid,
    ev.StepEntered: _step_entered,
    ev.LiquidationOrderSent: _liquidation_order_sent,
    ev.LiquidationOrderRecalled: _liquidation_order_recalled,
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
    ev.AdlAlerted: _adl_alerted,
}
