"""A step whose executor is an auction of the whole pot: it is opened, left open for its time, and given up.

Solvent: shares are sold at a discount on what the pot is worth, rising to all of it. Worth nothing or less:
the discount is below zero, and the insurance fund pays whoever takes a share. Bids come as commands
(decide.bids). While it is open the pot waits; a pot that is restored leaves the ladder as ever. Amounts atoms
of the pot's unit, the opening fee rounded up. Source of the formulas: Derive (liquidation.auction).
"""

from __future__ import annotations

from seawall.engine import events as ev
from seawall.engine.decide.measure import pot_health, worth_atoms
from seawall.engine.decide.pots import cancel_all
from seawall.engine.decide.trades_write import pay
from seawall.engine.state import INSURANCE, State
from seawall.engine.writer import Writer
from seawall.liquidation import auction as formula
from seawall.liquidation.rules import Step
from seawall.units import INT64_MAX


def auction_step(writer: Writer, pot: int, step: Step, cause: int) -> bool:
    """Open the auction, or leave it for the next step when its time is up. True = look again at once."""
    state = writer.state
    if pot in state.auctions:
        why = f"{step.name}: nobody took what was left"
        number = state.ladders[pot].step + 1
        writer.emit(ev.StepEntered, cause=cause, pot=pot, step=number, why=why)
        return True
    cause = open_auction(writer, pot, step, cause)
    cancel_all(writer, pot, cause=cause, reason=step.name)
    _charge(writer, pot, step, cause)
    return False


def open_auction(writer: Writer, pot: int, step: Step, cause: int) -> int:
    """Put the pot up as what it is now, solvent or not; again for one that became insolvent meanwhile."""
    state, terms = writer.state, step.auction
    assert terms is not None
    worth, health = figures(state, pot)
    solvent = worth > 0
    lasts = terms.fast_ns + terms.slow_ns if solvent else terms.insolvent_ns
    return writer.emit(
        ev.AuctionOpened,
        cause=cause,
        pot=pot,
        solvent=solvent,
        worth_atoms=worth,
        health_atoms=health,
        ends_ns=min(writer.time_ns + lasts, INT64_MAX),
        rule=f"{state.tag} liquidation.{step.name}",
    )


def figures(state: State, pot: int) -> tuple[int, int]:
    """(worth at the marks, equity less what the trigger requires) of a pot that can be valued."""
    return worth_atoms(state, pot), pot_health(state, pot, state.rulebook.liquidation.trigger).margin_atoms


def _charge(writer: Writer, pot: int, step: Step, cause: int) -> None:
    """The fee on opening a solvent auction, to the insurance fund; never more than the cash that is there."""
    state, terms = writer.state, step.auction
    worth, health = figures(state, pot)
    if terms is None or not terms.fee_ppb or worth <= 0:
        return
    buffer = formula.buffer_margin(maintenance_atoms=health, worth_atoms=worth, buffer_ppb=terms.buffer_ppb)
    _share, fee = formula.auction_fee_atoms(buffer_atoms=buffer, worth_atoms=worth, fee_ppb=terms.fee_ppb)
    unit = int(state.book.pot_unit[pot])
    fee = min(fee, max(int(state.book.balances[pot, unit]), 0), worth)
    if fee > 0:
        rule = f"{state.tag} liquidation.{step.name}"
        pay(writer, pot, unit, [(INSURANCE, fee)], kind="liquidation fee", cause=cause, rule=rule)
