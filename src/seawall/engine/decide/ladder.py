"""P8 and P9 at work: one pot walks down the liquidation ladder until it is restored or empty.

Orders go out as events and come back as fill commands; the engine never waits. Sizes lots, prices
ticks, amounts atoms of the pot's unit. Closing sizes round up to whole lots, limits are rounded
against the order (never worse than the rule says). Rules: liquidation.rules.
"""

from __future__ import annotations

from seawall.engine import events as ev
from seawall.engine.decide.bankruptcy import resolve, take_over
from seawall.engine.decide.pots import cancel_all
from seawall.engine.decide.select import closing_size, limit_price, select_position
from seawall.engine.state import BACKSTOP, FLAG_LIQUIDATING, State
from seawall.engine.writer import Writer
from seawall.liquidation.rules import Step
from seawall.margin.statement import Health, health
from seawall.market.policy import Action


def start_liquidation(writer: Writer, pot: int, *, cause: int = 0, forced: bool = False) -> None:
    """Begin if the trigger still holds and nothing forbids it, then take the first step at once."""
    state, rules = writer.state, writer.state.rulebook.liquidation
    now = health(state.book, state.margin, state.market, pot, rules.trigger)
    if not now.known or (now.margin_atoms >= 0 and not forced) or _forbidden(state, pot):
        return
    seq = writer.emit(
        ev.LiquidationStarted,
        cause=cause,
        pot=pot,
        equity_atoms=now.equity_atoms,
        requirement_atoms=now.requirement_atoms,
        rule=f"{state.tag} liquidation.trigger={rules.trigger}",
    )
    continue_liquidation(writer, pot, cause=seq)


def continue_liquidation(writer: Writer, pot: int, *, cause: int = 0) -> None:
    """Walk on: end if restored, wait for an order or a cooldown, else take the step that is due."""
    state = writer.state
    if _forbidden(state, pot):
        return
    steps = state.rulebook.liquidation.steps
    while state.flags[pot] & FLAG_LIQUIDATING:
        status = state.ladders[pot]
        if status.order or _finished(writer, pot, cause):
            return
        if status.step >= len(steps):
            resolve(writer, pot, cause=cause or status.cause_seq)
            return
        step = steps[status.step]
        if why := _leave(state, pot, step):
            cause = writer.emit(
                ev.StepEntered, cause=cause or status.cause_seq, pot=pot, step=status.step + 1, why=why
            )
            continue
        if writer.time_ns < status.cooldown_ns:
            return
        if not _take(writer, pot, step, cause or status.cause_seq):
            return


def _forbidden(state: State, pot: int) -> bool:
    """A gate, or a price good enough to value with but not to liquidate on."""
    for slot in state.book.positions(pot):
        row = int(state.book.pos_instrument[slot])
        if state.gate_closed("liquidate", row) or not state.policies[row].allows(
            Action.LIQUIDATE, state.prices[row].conditions
        ):
            return True
    return False


def _finished(writer: Writer, pot: int, cause: int) -> bool:
    """End the liquidation if the exit level is met; a pot without positions is closed or goes to the waterfall."""
    state, rules = writer.state, writer.state.rulebook.liquidation
    now = health(state.book, state.margin, state.market, pot, rules.exit)
    if not now.known:
        return True
    open_positions = any(state.book.pos_lots[slot] for slot in state.book.positions(pot))
    if now.margin_atoms >= 0:
        _end(writer, pot, now, "restored" if open_positions else "closed", cause)
        return True
    if not open_positions:
        resolve(writer, pot, cause=cause or state.ladders[pot].cause_seq)
        return True
    return False


def _end(writer: Writer, pot: int, now: Health, outcome: str, cause: int) -> None:
    state = writer.state
    writer.emit(
        ev.LiquidationEnded,
        cause=cause or state.ladders[pot].cause_seq,
        pot=pot,
        equity_atoms=now.equity_atoms,
        requirement_atoms=now.requirement_atoms,
        outcome=outcome,
        rule=f"{state.tag} liquidation.exit={state.rulebook.liquidation.exit}",
    )


def _leave(state: State, pot: int, step: Step) -> str:
    """Why this step must be left for the next one, or ''."""
    status = state.ladders[pot]
    if step.max_attempts and status.attempts >= step.max_attempts:
        return f"{step.name}: tried {status.attempts} times"
    if step.leave_below:
        now = health(state.book, state.margin, state.market, pot, step.leave_below)
        if now.known and now.margin_atoms < 0:
            return f"{step.name}: equity {now.equity_atoms} < {step.leave_below} {now.requirement_atoms}"
    return ""


def _take(writer: Writer, pot: int, step: Step, cause: int) -> bool:
    """Carry out one step. True = look again at once (it is over), False = wait for what it set going."""
    state = writer.state
    status = state.ladders[pot]
    if step.action == "cancel_orders":
        cancelled = cancel_all(writer, pot, cause=cause, reason=step.name)
        writer.emit(
            ev.StepEntered,
            cause=cause,
            pot=pot,
            step=status.step + 1,
            why=f"{step.name}: {cancelled} cancelled",
        )
        return True
    if step.action == "takeover":
        refused = take_over(writer, pot, step, cause=cause)
        if refused:
            writer.emit(
                ev.StepEntered, cause=cause, pot=pot, step=status.step + 1, why=f"{step.name}: {refused}"
            )
        return True
    row = select_position(state, pot, step)
    lots = closing_size(state, pot, row, step)
    if lots == 0:
        writer.emit(
            ev.StepEntered, cause=cause, pot=pot, step=status.step + 1, why=f"{step.name}: nothing to close"
        )
        return True
    writer.emit(
        ev.LiquidationOrderSent,
        cause=cause,
        order=state.next_liquidation_order,
        pot=pot,
        instrument=row,
        size_lots=-lots,
        limit_ticks=limit_price(state, pot, row, step, lots),
        cooldown_until_ns=writer.time_ns + step.cooldown_ns,
        rule=f"{state.tag} liquidation.{step.name}",
    )
    return False


def unwind_backstop(writer: Writer) -> None:
    """The vault offers a share of what it holds back to the book, paced; never while an order of its own is out."""
    state, rules = writer.state, writer.state.rulebook.liquidation
    if not rules.unwind_every_ns or not rules.unwind_fraction_ppb:
        return
    status = state.ladders.get(BACKSTOP)
    if status is not None and (status.order or writer.time_ns < status.cooldown_ns):
        return
    held = [slot for slot in state.book.positions(BACKSTOP) if state.book.pos_lots[slot]]
    usable = [
        s
        for s in held
        if state.market.usable[state.book.pos_instrument[s]]
        and not state.gate_closed("liquidate", int(state.book.pos_instrument[s]))
    ]
    if not usable:
        return
    largest = max(usable, key=lambda s: (abs(int(state.book.pos_cost[s])), -s))
    lots = int(state.book.pos_lots[largest])
    size = max(abs(lots) * rules.unwind_fraction_ppb // 1_000_000_000, 1)
    writer.emit(
        ev.LiquidationOrderSent,
        order=state.next_liquidation_order,
        pot=BACKSTOP,
        instrument=int(state.book.pos_instrument[largest]),
        size_lots=-size if lots > 0 else size,
        limit_ticks=0,
        cooldown_until_ns=writer.time_ns + rules.unwind_every_ns,
        rule=f"{state.tag} liquidation.unwind",
    )
