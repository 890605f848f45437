"""The sweep: margin calls, unknown accounts, and who is to be liquidated.

After anything that can change health, the pots concerned are scanned in integers and those with
something to do are taken one by one, in the rulebook's order. Amounts atoms of the pot's unit. Whoever is
hit by another's liquidation is scanned in the same sweep. A pot whose price is unknown is never liquidated
and never called: it is marked unknown, and its orders are recalled. A halted venue sweeps no more.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seawall.engine import events as ev
from seawall.engine.decide.bankruptcy import cover_vault
from seawall.engine.decide.ladder import continue_liquidation, start_liquidation, unwind_backstop
from seawall.engine.decide.measure import pot_health, pots_health
from seawall.engine.decide.pots import recall
from seawall.engine.sieve import dependent, swept_levels
from seawall.engine.state import FLAG_CALLED, FLAG_LIQUIDATING, FLAG_UNKNOWN, HOUSE_ACCOUNTS, State
from seawall.engine.writer import Touched, Writer
from seawall.kernels import layout

I64 = NDArray[np.int64]

TO_UNKNOWN, TO_KNOWN, CALL, CURE, LIQUIDATE, CONTINUE = 1, 2, 4, 8, 16, 32
# Events that change nothing for any pot but the one they are about.
OWN = {
    ev.AuctionOpened,
    ev.StepEntered,
    ev.LiquidationOrderSent,
    ev.LiquidationOrderRecalled,
    ev.LiquidationOrderDone,
    ev.LiquidationStarted,
    ev.LiquidationEnded,
    ev.MarginCalled,
    ev.MarginCallCured,
    ev.OrderReduced,
}
AHEAD = 8  # pots that are asked again at once whether they still wait
MANY = 64  # pots whose needs are told apart column by column


def sweep_all(writer: Writer) -> None:
    """Scan every pot that holds a position, owes something, or is on record for something."""
    sweep_instruments(writer, list(range(len(writer.state.instruments))))


def sweep_instruments(writer: Writer, rows: list[int]) -> None:
    """Look at the pots that depend on the price of these instruments, and at those on record."""
    state = writer.state
    pots = _everyone(state, rows) if state.sieve is None else state.sieve.endangered(state, rows)
    _sweep(writer, pots.tolist(), cause=0)
    unwind_backstop(writer)
    if state.sieve is not None:
        state.sieve.catch_up(state)


def _everyone(state: State, rows: list[int]) -> NDArray[np.int64]:
    """What the sieve spares: all that could be concerned."""
    book, last = state.book, state.book.n_pots
    concerned = state.flags[:last] != 0
    if rows:
        hit, priced = dependent(state, rows)
        count = book.n_positions
        slots = (book.pos_pot[:count] >= 0) & hit[book.pos_instrument[:count]]
        concerned[book.pos_pot[:count][slots]] = True
        owes = (book.balances[:last] < 0).any(axis=1) | (book.pot_head[:last] >= 0)
        concerned |= owes & (book.balances[:last][:, priced] != 0).any(axis=1)
    concerned[:HOUSE_ACCOUNTS] = False
    return np.flatnonzero(concerned)


def sweep_pots(writer: Writer, pots: list[int], *, cause: int = 0) -> None:
    """Scan the given pots only (what a fill or a transfer touched)."""
    _sweep(writer, [pot for pot in pots if pot >= HOUSE_ACCOUNTS], cause=cause)


def _sweep(writer: Writer, pots: list[int], *, cause: int) -> None:
    state = writer.state
    if not any(state.market.mark.tolist()):
        return
    interest = _ramped_interest(state)
    _act_all(writer, pots, dict.fromkeys(pots, cause) if cause else {})
    cover_vault(writer, cause=cause)
    interest = _relieve(writer, interest)
    while writer.touched:
        touched, writer.touched = writer.touched, Touched()
        mass = touched.pots()
        _act_all(writer, mass if mass.size > MANY else mass.tolist(), touched)
        cover_vault(writer, cause=cause)
        interest = _relieve(writer, interest)


def _ramped_interest(state: State) -> list[int]:
    """Open interest, in lots, of the markets whose requirement rises with it."""
    item = state.market.table.item
    return [item(row, layout.MKT_OI) for row in state.ramped]


def _relieve(writer: Writer, before: list[int]) -> list[int]:
    """Touch those on record in a market whose open interest is no more what it was `before`; what it is now.

    Forced closing never raises it. Who is asked for less may have its call cured by that, or its liquidation
    ended; nobody else has anything to gain from being looked at.
    """
    state, book, now = writer.state, writer.state.book, _ramped_interest(writer.state)
    for row in [row for row, old, new in zip(state.ramped, before, now, strict=True) if old != new]:
        last = next(e.seq for e in reversed(writer.events) if type(e) is ev.Traded and e.instrument == row)
        count = book.n_positions
        holders = book.pos_pot[:count][book.pos_instrument[:count] == row]
        holders = holders[holders >= HOUSE_ACCOUNTS]
        writer.touched.add_all(np.unique(holders[state.flags[holders] != 0]).astype(np.int64), last)
    return now


def _act_all(writer: Writer, pots: list[int] | I64, causes: dict[int, int] | Touched) -> None:
    """One pass: what each of the pots needs is done, in order, until the venue halts.

    The unknown first: nobody who cannot be valued may be deleveraged for another in the same pass.
    """
    state, seq = writer.state, writer.state.seq
    if not len(pots):
        return
    idle = _idle(state, pots)
    code_of = _codes(state, _without(pots, idle))
    for pot in [pot for pot in code_of if code_of[pot] & TO_UNKNOWN]:
        _forget(writer, pot, causes.get(pot, 0))
        del code_of[pot]
    if not code_of and seq == state.seq:
        return
    named = code_of.keys() | idle
    listed = _ordered(state, [pot for pot in pots if pot in named] if type(pots) is list else sorted(named))
    # Up to which place `idle` is known, as of that many events of this step.
    sure, seen = (len(listed) if seq == state.seq else 0), len(writer.events)
    for place, pot in enumerate(listed):
        if state.halted:
            return
        if idle and (place >= sure or any(type(event) not in OWN for event in writer.events[seen:])):
            seen, sure = len(writer.events), place + AHEAD
            ahead = [other for other in listed[place:sure] if other in idle]
            idle -= set(ahead).difference(state.sieve.idle(state, ahead))
        if pot not in idle:
            _act_one(writer, pot, code_of.get(pot, CONTINUE), causes.get(pot, 0))


def _idle(state: State, pots: list[int] | I64) -> set[int]:
    """Pots in liquidation that a sweep would leave as they are. Without the sieve each is looked at."""
    if state.sieve is None:
        return set()
    return set(state.sieve.idle(state, pots))


def _without(pots: list[int] | I64, idle: set[int]) -> list[int] | I64:
    if not idle:
        return pots
    if isinstance(pots, list):
        return [pot for pot in pots if pot not in idle]
    return pots[~np.isin(pots, list(idle))]


def _codes(state: State, pots: list[int] | I64) -> dict[int, int]:
    """Pots that need something -> what (bits above), from one exact pass over their levels."""
    if not len(pots):
        return {}
    levels, asked = swept_levels(state), np.asarray(pots, np.int64)
    equity, requirement, unknown = pots_health(state, asked, *levels, nested=state.levels_nested)
    flags, short, missing = state.flags[asked], equity < requirement, unknown >= 0
    if len(pots) > MANY:  # nearly all of them need nothing
        hit = np.flatnonzero((flags != 0) | short.any(axis=0) | missing.any(axis=0))
        pots, flags, short, missing = asked[hit].tolist(), flags[hit], short[:, hit], missing[:, hit]
    found = {}
    for pot, flag, lacks, misses in zip(
        pots, flags.tolist(), missing.T.tolist(), short.T.tolist(), strict=True
    ):
        if flag or True in misses or True in lacks:
            found[pot] = _code(state, flag, True not in lacks, dict(zip(levels, misses, strict=True)))
    return {pot: code for pot, code in found.items() if code}


def _code(state: State, flags: int, known: bool, short: dict[str, bool]) -> int:
    """What a pot needs: its flags, can it be valued, and which of the levels does it miss?"""
    rules = state.rulebook.liquidation
    call = rules.margin_call
    liquidating, called = flags & FLAG_LIQUIDATING, flags & FLAG_CALLED
    code = 0
    if not known:
        code = 0 if flags & FLAG_UNKNOWN else TO_UNKNOWN
    elif flags & FLAG_UNKNOWN:
        code = TO_KNOWN
    if liquidating:
        return code | CONTINUE if known else code
    if known and short[rules.trigger]:
        code |= LIQUIDATE
    if call is None:  # the rulebook in force calls nobody: old calls end
        return code | CURE if called else code
    if known and not called and short[call.level]:
        code |= CALL
    if known and called:
        code |= CURE if not short[call.cure_level] else 0
        code |= CONTINUE if call.on_deadline == "liquidate" else 0
    return code


def _ordered(state: State, listed: list[int]) -> list[int]:
    """By pot number, or the largest deficit first with ties by number; never by chance."""
    if state.rulebook.liquidation.order == "largest_deficit" and len(listed) > 1:
        level = state.rulebook.liquidation.trigger
        equity, requirement, _ = pots_health(state, np.array(listed, np.int64), level)
        rows = zip(equity[0].tolist(), requirement[0].tolist(), listed, strict=True)
        listed = [pot for _margin, pot in sorted((has - needs, pot) for has, needs, pot in rows)]
    return listed


def _forget(writer: Writer, pot: int, cause: int) -> None:
    """The pot cannot be valued any more: it is marked, and nothing goes on being sold for it."""
    state = writer.state
    missing = pot_health(state, pot, state.rulebook.liquidation.trigger).unknown
    seq = writer.emit(
        ev.AccountUnknown,
        cause=cause,
        pot=pot,
        instrument=missing,
        conditions=state.prices[missing].conditions,
    )
    recall(writer, pot, cause=seq, why="the pot cannot be valued")


def _act_one(writer: Writer, pot: int, code: int, cause: int) -> None:
    state = writer.state
    if code & TO_KNOWN:
        writer.emit(ev.AccountKnown, cause=cause, pot=pot)
    if code & CURE:
        _cure(writer, pot, cause)
    if state.flags[pot] & FLAG_LIQUIDATING:
        continue_liquidation(writer, pot, cause=cause)
        return
    overdue = _deadline_passed(state, pot)
    if code & LIQUIDATE or overdue:
        # Anything before it in this sweep (an ADL fill, a gate) may have changed the answer: ask again.
        start_liquidation(writer, pot, cause=cause, overdue=overdue)
    if code & CALL and not state.halted:
        _call(writer, pot, cause)


def _deadline_passed(state: State, pot: int) -> bool:
    call = state.rulebook.liquidation.margin_call
    return (
        call is not None
        and call.on_deadline == "liquidate"
        and bool(state.flags[pot] & FLAG_CALLED)
        and state.time_ns >= state.ladders[pot].deadline_ns
    )


def _call(writer: Writer, pot: int, cause: int) -> None:
    """Call, unless the pot is being liquidated by now or its liquidation has just lifted it up again."""
    state, call = writer.state, writer.state.rulebook.liquidation.margin_call
    assert call is not None
    now = pot_health(state, pot, call.level)
    if state.flags[pot] & FLAG_LIQUIDATING or not now.known or now.margin_atoms >= 0:
        return
    writer.put(
        ev.MarginCalled(
            seq=writer.state.seq + 1,
            cause_seq=cause or writer.command_seq,
            time_ns=writer.time_ns,
            pot=pot,
            equity_atoms=now.equity_atoms,
            requirement_atoms=now.requirement_atoms,
            deadline_ns=writer.time_ns + call.grace_ns,
            rule=f"{state.tag} liquidation.margin_call",
        )
    )


def _cure(writer: Writer, pot: int, cause: int) -> None:
    state, call = writer.state, writer.state.rulebook.liquidation.margin_call
    level = state.rulebook.liquidation.trigger if call is None else call.cure_level
    now = pot_health(state, pot, level)
    if call is None or (now.known and now.margin_atoms >= 0):
        writer.put(
            ev.MarginCallCured(
                seq=writer.state.seq + 1,
                cause_seq=cause or writer.command_seq,
                time_ns=writer.time_ns,
                pot=pot,
                equity_atoms=now.equity_atoms,
                requirement_atoms=now.requirement_atoms,
                rule=f"{state.tag} liquidation.margin_call",
            )
        )
