"""P8 and P9 at work: one pot walks down the liquidation ladder until it is restored or empty.

Orders go out as events and come back as fill commands; the engine never waits for them: while an order is
out, a cure, a level below, the end of the cooldown or equity below zero recalls it and the walk goes on. A
step that sells without a limit of tries is left after the first once the pot is below zero.
Sizes lots, prices ticks, amounts atoms of the pot's unit. Closing sizes round up to whole lots, limits are
rounded against the order (never worse than the rule says). Rules: liquidation.rules.
"""

from __future__ import annotations

import msgspec

from seawall.engine import events as ev
from seawall.engine.decide.auction import auction_step
from seawall.engine.decide.bankruptcy import resolve
from seawall.engine.decide.measure import (
    free_lots,
    held_lots,
    needed_instruments,
    open_slots,
    pot_health,
    worth_atoms,
)
from seawall.engine.decide.pots import cancel_all, recall
from seawall.engine.decide.select import (
    NO_PRICE,
    closing_size,
    largest_position,
    limit_price,
    select_position,
)
from seawall.engine.decide.takeover import end, pay_debts, take_over
from seawall.engine.state import BACKSTOP, FLAG_LIQUIDATING, WORTH, State
from seawall.engine.writer import Writer
from seawall.liquidation.rules import Step, goods_of
from seawall.liquidation.seizure import AbsorbTerms, SeizeTerms
from seawall.market.policy import Action
from seawall.units import PPB


def start_liquidation(writer: Writer, pot: int, *, cause: int = 0, overdue: bool = False) -> None:
    """Begin if the trigger still holds and nothing forbids it, then take the first step at once.

    `overdue`: a margin call ran out; then the pot is liquidated until the call is cured.
    """
    state, rules = writer.state, writer.state.rulebook.liquidation
    now, exit_level, why = pot_health(state, pot, rules.trigger), rules.exit, rules.trigger
    if now.known and now.margin_atoms >= 0 and overdue and rules.margin_call is not None:
        exit_level, why = rules.margin_call.cure_level, "deadline"
        now = pot_health(state, pot, exit_level)
    if not now.known or now.margin_atoms >= 0 or forbidden(state, pot):
        return
    row, lots = largest_position(state, pot)
    seq = writer.put(
        ev.LiquidationStarted(
            seq=writer.state.seq + 1,
            cause_seq=cause or writer.command_seq,
            time_ns=writer.time_ns,
            pot=pot,
            equity_atoms=now.equity_atoms,
            requirement_atoms=now.requirement_atoms,
            rule=f"{state.tag} liquidation.trigger={why}",
            exit_level=exit_level,
            instrument=row,
            size_lots=lots,
        )
    )
    continue_liquidation(writer, pot, cause=seq)


def continue_liquidation(writer: Writer, pot: int, *, cause: int = 0) -> None:
    """Walk on: end if restored, wait for an order or a cooldown, else take the step that is due."""
    state = writer.state
    steps = state.rulebook.liquidation.steps
    if forbidden(state, pot):
        recall(writer, pot, cause=cause, why="liquidation is forbidden for now")
        return
    while state.flags[pot] & FLAG_LIQUIDATING and not state.halted:
        status = state.ladders[pot]
        because = cause or status.cause_seq
        if _finished(writer, pot, because):
            return
        step = steps[status.step] if status.step < len(steps) else None
        if step is None:
            resolve(writer, pot, cause=because)
            return
        if why := _leave(state, pot, step):
            because = recall(writer, pot, cause=because, why=why)
            cause = _next(writer, pot, why, because)
            continue
        if status.order:
            if why := _hopeless(state, pot, step):
                because = recall(writer, pot, cause=because, why=why)
                cause = _next(writer, pot, why, because)
                continue
            if why := _outdated(state, pot):
                recall(writer, pot, cause=because, why=why)
            if not step.cooldown_ns or writer.time_ns < status.cooldown_ns:
                return
            because = recall(writer, pot, cause=because, why=f"{step.name}: no answer within its cooldown")
        if writer.time_ns < status.cooldown_ns:
            return
        if step.max_attempts and status.attempts >= step.max_attempts:
            cause = _next(writer, pot, f"{step.name}: tried {status.attempts} times", because)
            continue
        if status.attempts and not step.max_attempts and (why := _hopeless(state, pot, step)):
            cause = _next(writer, pot, why, because)
            continue
        if not _take(writer, pot, step, because):
            return


def _next(writer: Writer, pot: int, why: str, cause: int) -> int:
    step = writer.state.ladders[pot].step + 1
    return writer.put(
        ev.StepEntered(
            seq=writer.state.seq + 1,
            cause_seq=cause or writer.command_seq,
            time_ns=writer.time_ns,
            pot=pot,
            step=step,
            why=why,
        )
    )


def forbidden(state: State, pot: int) -> bool:
    """A gate, a price good enough to value with but not to liquidate on, or a worth that passes 64 bits.

    Levels may give most of a vast balance no weight and so fit where the whole worth does not; then nobody
    can say what the pot lacks.
    """
    return not pot_health(state, pot, WORTH).known or any(
        not state.policies[row].allows(Action.LIQUIDATE, state.prices[row].conditions)
        or (state.gates and state.gate_closed("liquidate", row))
        for row in needed_instruments(state, pot)
    )


def _finished(writer: Writer, pot: int, cause: int) -> bool:
    """End the liquidation if the exit level is met; a pot that has only debts left pays or goes bankrupt."""
    state = writer.state
    level = state.ladders[pot].exit_level or state.rulebook.liquidation.exit
    now = pot_health(state, pot, level)
    if not now.known:
        return True
    has_positions = bool(open_slots(state, pot)) or seizable(state, pot)
    if now.margin_atoms >= 0:
        cause = recall(writer, pot, cause=cause, why=f"{level} is met")
        end(writer, pot, now, "restored" if has_positions else "closed", f"exit={level}", cause=cause)
        return True
    if has_positions:
        return False
    if worth_atoms(state, pot) < 0:
        resolve(writer, pot, cause=cause)
        return True
    cancelled = cancel_all(writer, pot, cause=cause, reason="liquidation")
    cause = recall(writer, pot, cause=cause, why="nothing is left to close", heir=BACKSTOP)
    after = pot_health(state, pot, level)
    if cancelled and after.margin_atoms >= 0:  # it was only short of margin for its orders
        end(writer, pot, after, "closed", f"exit={level}", cause=cause)
        return True
    pay_debts(writer, pot, cause=cause)
    end(writer, pot, pot_health(state, pot, level), "closed", f"exit={level}", cause=cause)
    return True


def _hopeless(state: State, pot: int, step: Step) -> str:
    """Why nobody waits any longer for what the step has on offer, nor offers it again, or ''.

    Whoever has less than nothing is in the end a matter of the waterfall. A step that says how often it tries
    comes to it by itself; one that does not would offer for ever to a book that takes nothing.
    """
    status, worth = state.ladders[pot], worth_atoms(state, pot)
    when = "while its order is out" if status.order else f"after {status.attempts} tries"
    return f"{step.name}: equity {worth} is below zero {when}" if worth < 0 else ""


def _outdated(state: State, pot: int) -> str:
    """Why the order that is out must not fill whole, or ''; its answer is still waited for."""
    order = state.orders[state.ladders[pot].order]
    held = abs(held_lots(state, pot, order.instrument))
    return f"the position has only {held} lots left" if abs(order.size_lots) > held else ""


def _leave(state: State, pot: int, step: Step) -> str:
    """Why this step must be left for the next one at once, without waiting out its cooldown, or ''."""
    if step.leave_below:
        now = pot_health(state, pot, step.leave_below)
        if now.known and now.margin_atoms < 0:
            return f"{step.name}: equity {now.equity_atoms} < {step.leave_below} {now.requirement_atoms}"
    return ""


def _take(writer: Writer, pot: int, step: Step, cause: int) -> bool:
    """Carry out one step. True = look again at once (it is over), False = wait for what it set going."""
    state = writer.state
    if step.action == "cancel_orders":
        cancelled = cancel_all(writer, pot, cause=cause, reason=step.name)
        _next(writer, pot, f"{step.name}: {cancelled} cancelled", cause)
        return True
    if step.action in ("seize", "absorb"):
        if seizable(state, pot):
            return False
        _next(writer, pot, f"{step.name}: no debt, or no collateral left", cause)
        return True
    if step.action == "auction":
        return auction_step(writer, pot, step, cause)
    if step.action == "takeover":
        refused = take_over(writer, pot, step, cause=cause)
        if refused:
            _next(writer, pot, f"{step.name}: {refused}", cause)
        return True
    row = select_position(state, pot, step)
    lots = closing_size(state, pot, row, step)
    limit = limit_price(state, pot, row, step, lots) if lots else 0
    if lots == 0 or limit == NO_PRICE:
        why = "nothing to close" if lots == 0 else "no price at which the pot would be worth nothing"
        _next(writer, pot, f"{step.name}: {why}", cause)
        return True
    writer.put(
        ev.LiquidationOrderSent(
            seq=writer.state.seq + 1,
            cause_seq=cause or writer.command_seq,
            time_ns=writer.time_ns,
            order=state.next_liquidation_order,
            pot=pot,
            instrument=row,
            size_lots=-lots,
            limit_ticks=limit,
            cooldown_until_ns=writer.time_ns + step.cooldown_ns,
            rule=f"{state.tag} liquidation.{step.name}",
        )
    )
    return False


def seize_terms(state: State, pot: int) -> SeizeTerms | None:
    """The terms of the step that the pot is on, if that step lets outsiders in."""
    steps, status = state.rulebook.liquidation.steps, state.ladders.get(pot)
    terms = steps[status.step].seize if status is not None and status.step < len(steps) else msgspec.UNSET
    return None if isinstance(terms, msgspec.UnsetType) else terms


def absorb_terms(state: State, pot: int) -> AbsorbTerms | None:
    """The same of a step on which the protocol absorbs."""
    steps, status = state.rulebook.liquidation.steps, state.ladders.get(pot)
    terms = steps[status.step].absorb if status is not None and status.step < len(steps) else msgspec.UNSET
    return None if isinstance(terms, msgspec.UnsetType) else terms


def held_goods(state: State, pot: int) -> list[int]:
    """Assets that the pot has and that its step lets go for its debts."""
    steps, status = state.rulebook.liquidation.steps, state.ladders.get(pot)
    if status is None or status.step >= len(steps):
        return []
    held = state.book.balances[pot].tolist()
    rows = (state.asset_row.get(name, -1) for name in goods_of(steps[status.step]))
    return [row for row in rows if row >= 0 and held[row] > 0]


def seizable(state: State, pot: int) -> bool:
    """Whether a debt of the pot may still be repaid, or absorbed, for collateral of it."""
    return min(state.book.balances[pot].tolist()) < 0 and bool(held_goods(state, pot))


def unwind_backstop(writer: Writer) -> None:
    """The vault offers a share of what it holds back to the book, paced; never what is already on offer."""
    state, rules = writer.state, writer.state.rulebook.liquidation
    if not rules.unwind_every_ns or not rules.unwind_fraction_ppb or state.halted:
        return
    status = state.ladders.get(BACKSTOP)
    if status is not None and (status.order or writer.time_ns < status.cooldown_ns):
        return
    free = {}
    for slot in open_slots(state, BACKSTOP):
        row, held = int(state.book.pos_instrument[slot]), int(state.book.pos_lots[slot])
        left = free_lots(state, BACKSTOP, row)
        if left and state.market.usable[row] and not state.gate_closed("liquidate", row):
            free[row] = (abs(int(state.book.pos_cost[slot])), held, left)
    if not free:
        return
    row = max(free, key=lambda r: (free[r][0], -r))
    _cost, held, left = free[row]
    size = min(max(abs(held) * rules.unwind_fraction_ppb // PPB, 1), left)
    writer.put(
        ev.LiquidationOrderSent(
            seq=writer.state.seq + 1,
            cause_seq=writer.command_seq,
            time_ns=writer.time_ns,
            order=state.next_liquidation_order,
            pot=BACKSTOP,
            instrument=row,
            size_lots=-size if held > 0 else size,
            limit_ticks=0,
            cooldown_until_ns=writer.time_ns + rules.unwind_every_ns,
            rule=f"{state.tag} liquidation.unwind",
        )
    )
