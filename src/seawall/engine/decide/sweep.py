"""The sweep: margin calls, unknown accounts, and who is to be liquidated.

After anything that can change health, the pots concerned are scanned in integers and those with
something to do are taken one by one, in the rulebook's order. Amounts atoms of the pot's unit.
A pot whose price is unknown is never liquidated and never called: it is marked unknown.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seawall.engine import events as ev
from seawall.engine.decide.ladder import continue_liquidation, start_liquidation, unwind_backstop
from seawall.engine.state import FLAG_CALLED, FLAG_LIQUIDATING, FLAG_UNKNOWN, HOUSE_ACCOUNTS, State
from seawall.engine.writer import Writer
from seawall.margin.statement import book_health, health

TO_UNKNOWN, TO_KNOWN, CALL, CURE, LIQUIDATE, CONTINUE = 1, 2, 4, 8, 16, 32


def sweep_all(writer: Writer) -> None:
    """Scan every pot that holds a position, owes something, or is on record for something."""
    state, book = writer.state, writer.state.book
    first, last = HOUSE_ACCOUNTS, book.n_pots
    concerned = (
        (book.pot_head[first:last] >= 0)
        | (state.flags[first:last] != 0)
        | (book.balances[first:last] < 0).any(axis=1)
    )
    _sweep(writer, np.flatnonzero(concerned) + first, cause=0)
    unwind_backstop(writer)


def sweep_pots(writer: Writer, pots: NDArray[np.int64], *, cause: int = 0) -> None:
    """Scan the given pots only (what a fill or a transfer touched)."""
    _sweep(writer, pots[pots >= HOUSE_ACCOUNTS], cause=cause)


def _sweep(writer: Writer, pots: NDArray[np.int64], *, cause: int) -> None:
    state = writer.state
    if not pots.size or not state.market.mark.any():
        return
    codes = _codes(state, pots)
    found = np.flatnonzero(codes)
    code_of = dict(zip(pots[found].tolist(), codes[found].tolist(), strict=True))
    for pot in _ordered(state, list(code_of)):
        _act_one(writer, pot, code_of[pot], cause)


def _codes(state: State, pots: NDArray[np.int64]) -> NDArray[np.uint8]:
    """What each pot needs (bits above), from one exact pass over its levels."""
    rules, flags = state.rulebook.liquidation, state.flags[pots]
    call = rules.margin_call
    levels = [rules.trigger] if call is None else [rules.trigger, call.level, call.cure_level]
    equity, requirement, unknown = book_health(state.book, state.margin, state.market, pots, *levels)
    known, was_unknown = (unknown < 0).all(axis=0), (flags & FLAG_UNKNOWN) != 0
    liquidating, called = (flags & FLAG_LIQUIDATING) != 0, (flags & FLAG_CALLED) != 0
    short = equity < requirement
    codes = np.where(~known & ~was_unknown, TO_UNKNOWN, 0)
    codes |= np.where(known & was_unknown, TO_KNOWN, 0)
    codes |= np.where(known & liquidating, CONTINUE, 0) | np.where(
        known & ~liquidating & short[0], LIQUIDATE, 0
    )
    if call is not None:
        codes |= np.where(known & ~liquidating & ~called & short[1], CALL, 0)
        codes |= np.where(known & ~liquidating & called & ~short[2], CURE, 0)
        if call.on_deadline == "liquidate":
            codes |= np.where(known & called & ~liquidating, CONTINUE, 0)
    return codes.astype(np.uint8)


def _ordered(state: State, listed: list[int]) -> list[int]:
    """By pot number, or the largest deficit first with ties by number; never by chance."""
    if state.rulebook.liquidation.order == "largest_deficit" and len(listed) > 1:
        level = state.rulebook.liquidation.trigger
        listed.sort(
            key=lambda pot: (health(state.book, state.margin, state.market, pot, level).margin_atoms, pot)
        )
    return listed


def _act_one(writer: Writer, pot: int, code: int, cause: int) -> None:
    state = writer.state
    if code & TO_UNKNOWN:
        missing = health(
            state.book, state.margin, state.market, pot, state.rulebook.liquidation.trigger
        ).unknown
        writer.emit(
            ev.AccountUnknown,
            cause=cause,
            pot=pot,
            instrument=missing,
            conditions=state.prices[missing].conditions,
        )
        return
    if code & TO_KNOWN:
        writer.emit(ev.AccountKnown, cause=cause, pot=pot)
    if code & CALL:
        _call(writer, pot, cause)
    if code & CURE:
        _cure(writer, pot, cause)
    liquidating = bool(state.flags[pot] & FLAG_LIQUIDATING)
    if not liquidating and (code & LIQUIDATE or _deadline_passed(state, pot)):
        # Anything before it in this sweep (an ADL fill, a gate) may have changed the answer: ask again.
        start_liquidation(writer, pot, cause=cause, forced=_deadline_passed(state, pot))
    elif liquidating:
        continue_liquidation(writer, pot, cause=cause)


def _deadline_passed(state: State, pot: int) -> bool:
    call = state.rulebook.liquidation.margin_call
    return (
        call is not None
        and call.on_deadline == "liquidate"
        and bool(state.flags[pot] & FLAG_CALLED)
        and state.time_ns >= state.ladders[pot].deadline_ns
    )


def _call(writer: Writer, pot: int, cause: int) -> None:
    state, call = writer.state, writer.state.rulebook.liquidation.margin_call
    assert call is not None
    now = health(state.book, state.margin, state.market, pot, call.level)
    if now.known and now.margin_atoms < 0:
        writer.emit(
            ev.MarginCalled,
            cause=cause,
            pot=pot,
            equity_atoms=now.equity_atoms,
            requirement_atoms=now.requirement_atoms,
            deadline_ns=writer.time_ns + call.grace_ns,
            rule=f"{state.tag} liquidation.margin_call",
        )


def _cure(writer: Writer, pot: int, cause: int) -> None:
    state, call = writer.state, writer.state.rulebook.liquidation.margin_call
    assert call is not None
    now = health(state.book, state.margin, state.market, pot, call.cure_level)
    if now.known and now.margin_atoms >= 0:
        writer.emit(
            ev.MarginCallCured,
            cause=cause,
            pot=pot,
            equity_atoms=now.equity_atoms,
            requirement_atoms=now.requirement_atoms,
            rule=f"{state.tag} liquidation.margin_call",
        )
