"""The backstop vault at work: it takes positions over, and it lends a pot without positions what it owes.

Sizes lots, prices ticks, amounts atoms. A solvent pot loses nothing beyond what the step's price rule says:
debts are paid by selling the vault only as much of the other balances as that takes, at the index less half
the haircut of the exit level, the amount sold rounded up. (At the whole haircut a pot just below its trigger
would have nothing left, by definition; half is ours.)
"""

from __future__ import annotations

import numpy as np

from seawall.engine import events as ev
from seawall.engine.decide.measure import (
    asset_rate,
    convert,
    open_slots,
    pot_health,
    vault_worth_atoms,
    worth_atoms,
)
from seawall.engine.decide.pools import watch_pools
from seawall.engine.decide.pots import cancel_all, recall
from seawall.engine.decide.trades_write import charge_liquidation_fee, write_trade
from seawall.engine.state import BACKSTOP, State
from seawall.engine.writer import Writer
from seawall.kernels import layout
from seawall.kernels.collateral import weighted_value
from seawall.ledger.trade import notional
from seawall.liquidation.rules import Step
from seawall.margin.statement import Health
from seawall.units import PPB


def take_over(writer: Writer, pot: int, step: Step, *, cause: int) -> str:
    """The vault takes the pot's positions as the step says; returns why it would not, or ''."""
    state = writer.state
    equity = worth_atoms(state, pot)
    if equity < 0:
        return f"equity {equity} is below zero"
    watch_pools(writer)
    if refused := vault_refuses(state, pot):
        return refused
    seq = writer.emit(
        ev.TakenOver,
        cause=cause,
        pot=pot,
        to_pot=BACKSTOP,
        equity_atoms=equity,
        rule=f"{state.tag} liquidation.{step.name}",
    )
    cancel_all(writer, pot, cause=seq, reason=step.name)
    recall(writer, pot, cause=seq, why=step.name, heir=BACKSTOP)
    if step.takeover_price == "mark":
        number = state.rulebook.liquidation.steps.index(step)
        for row, lots in positions(state, pot):
            size = notional(state.instruments[row], lots, int(state.market.mark[row]))
            traded = give_position(writer, pot, row, lots, cause=seq)
            charge_liquidation_fee(writer, pot, row, size, number, cause=traded)
        pay_debts(writer, pot, cause=seq)
    else:
        # At the bankruptcy price the whole equity goes with the positions: everything is handed over.
        hand_over(writer, pot, cause=seq)
    after = Health(worth_atoms(state, pot), 0, -1)
    end(writer, pot, after, "taken_over", step.name, cause=seq)
    return ""


def vault_refuses(state: State, pot: int) -> str:
    """Why the vault cannot take this pot ('' if it can).

    Its own margin at the backstop level must cover the pot's, and while ADL by drawdown is on it takes none.
    """
    unit = int(state.book.pot_unit[pot])
    if state.drawdown is not None and state.pools[unit].active:
        return "the insurance fund has fallen too far from its peak: winners are closed instead"
    level = state.rulebook.liquidation.backstop_level
    if not level:
        return ""
    added = pot_health(state, pot, level)
    if state.margin.view.settlement_scope:
        worth = vault_worth_atoms(state, unit)
        room = None if worth is None or not added.known else worth + added.margin_atoms
    else:
        vault = pot_health(state, BACKSTOP, level)
        mine = convert(state, added.margin_atoms, unit, state.numeraire) if added.known else None
        room = None if mine is None or not vault.known else vault.margin_atoms + mine
    if room is None:
        return "the vault cannot be valued"
    return "" if room >= 0 else f"the vault would be {-room} short of its {level} level"


def positions(state: State, pot: int) -> list[tuple[int, int]]:
    """(instrument, lots) of every open position, by instrument."""
    book = state.book
    return sorted((int(book.pos_instrument[s]), int(book.pos_lots[s])) for s in open_slots(state, pot))


def give_position(writer: Writer, pot: int, row: int, lots: int, *, cause: int) -> int:
    """One position to the vault at the mark."""
    mark = int(writer.state.market.mark[row])
    return write_trade(writer, row, mark, [(pot, -lots), (BACKSTOP, lots)], kind="takeover", cause=cause)


def hand_over(writer: Writer, pot: int, *, cause: int) -> None:
    """Positions at the mark and every balance, debts too, go to the vault; the pot ends empty."""
    state = writer.state
    for row, lots in positions(state, pot):
        give_position(writer, pot, row, lots, cause=cause)
    entries = []
    for asset in np.flatnonzero(state.book.balances[pot]).tolist():
        atoms = int(state.book.balances[pot, asset])
        entries += [ev.Entry(pot, asset, -atoms), ev.Entry(BACKSTOP, asset, atoms)]
    if entries:
        writer.put(
            ev.Transferred(
                seq=writer.state.seq + 1,
                cause_seq=cause or writer.command_seq,
                time_ns=writer.time_ns,
                kind="takeover",
                entries=tuple(entries),
                rule=f"{state.tag} takeover",
            )
        )


def pay_debts(writer: Writer, pot: int, *, cause: int) -> None:
    """Repay what a solvent pot without positions owes; where no sale suffices the vault takes it all."""
    state = writer.state
    held = {asset: int(state.book.balances[pot, asset]) for asset in range(len(state.rulebook.assets))}
    goods = sorted((a for a in held if held[a] > 0), key=lambda a: (-_sale_ppb(state, a, held[a]), a))
    left = dict(held)
    for debt in [a for a in held if held[a] < 0]:
        for good in goods:
            _sell(state, left, good, debt, _sale_ppb(state, good, held[good]))
    if any(atoms < 0 for atoms in left.values()):
        hand_over(writer, pot, cause=cause)
        return
    entries = []
    for asset, atoms in left.items():
        if change := atoms - held[asset]:
            entries += [ev.Entry(pot, asset, change), ev.Entry(BACKSTOP, asset, -change)]
    if entries:
        writer.put(
            ev.Transferred(
                seq=writer.state.seq + 1,
                cause_seq=cause or writer.command_seq,
                time_ns=writer.time_ns,
                kind="conversion",
                entries=tuple(entries),
                rule=f"{state.tag} conversion at half the haircut of {state.rulebook.liquidation.exit}",
            )
        )


def _sale_ppb(state: State, asset: int, atoms: int) -> int:
    """Share of the index that a sale of the asset fetches; all of it where the level gives it no weight."""
    level = state.margin.view.levels[state.margin.levels[state.rulebook.liquidation.exit]]
    weights = int(level[layout.LVL_WEIGHTS])
    counted = int(weighted_value(state.margin.view.table, weights, asset, atoms, 1, 1))
    return (counted * PPB // atoms + PPB) // 2 if counted > 0 else PPB


def _sell(state: State, left: dict[int, int], good: int, debt: int, sale_ppb: int) -> None:
    """Move as much of `good` as pays `debt`, or all of it."""
    source, target = asset_rate(state, good), asset_rate(state, debt)
    if left[debt] >= 0 or left[good] <= 0 or source is None or target is None:
        return
    # one atom of `good` fetches up / down atoms of `debt`
    up, down = source[0] * target[1] * sale_ppb, source[1] * target[0] * PPB
    needed = -(left[debt] * down // up)
    if needed <= left[good]:
        left[good] -= needed
        left[debt] = 0
    else:
        left[debt] += left[good] * up // down
        left[good] = 0


def end(writer: Writer, pot: int, now: Health, outcome: str, rule: str, *, cause: int) -> int:
    state = writer.state
    return writer.put(
        ev.LiquidationEnded(
            seq=writer.state.seq + 1,
            cause_seq=cause or writer.command_seq,
            time_ns=writer.time_ns,
            pot=pot,
            equity_atoms=now.equity_atoms,
            requirement_atoms=now.requirement_atoms,
            outcome=outcome,
            rule=f"{state.tag} liquidation.{rule}",
        )
    )
