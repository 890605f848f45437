"""P10-P12 at work: what becomes of a pot the ladder could not save.

Order: the rulebook's waterfall. Insurance pays in the pot's unit; auto-deleveraging closes its
positions against the other side; socialising takes the rest from everyone. What is left of the
pot then goes to the backstop vault, so that it ends at exactly zero. A loss no tier took stands in
the shortfall pot and halts the venue. Amounts atoms, deficits rounded up by flooring equity.
"""

from __future__ import annotations

from seawall.engine import events as ev
from seawall.engine.decide.deleverage import deleverage
from seawall.engine.decide.pots import cancel_all
from seawall.engine.decide.safeguards import negative_equity_seen
from seawall.engine.decide.socialise import socialise
from seawall.engine.decide.trades_write import charge_liquidation_fee, write_trade
from seawall.engine.state import BACKSTOP, INSURANCE, SHORTFALL, WORTH, State
from seawall.engine.writer import Writer
from seawall.ledger.columns import NONE
from seawall.ledger.trade import notional
from seawall.liquidation.rules import Step
from seawall.liquidation.tiers import AdlTier, InsuranceTier
from seawall.liquidation.waterfall import draw
from seawall.margin.statement import health

FUND_POTS = {"insurance": INSURANCE, "backstop": BACKSTOP}


def worth_atoms(state: State, pot: int) -> int:
    """What the pot is worth at its marks, no haircut, in its unit; the caller knows its prices are usable."""
    return health(state.book, state.margin, state.market, pot, WORTH).equity_atoms


def open_slots(state: State, pot: int) -> list[int]:
    return [slot for slot in state.book.positions(pot) if state.book.pos_lots[slot]]


def resolve(writer: Writer, pot: int, *, cause: int) -> None:
    """Run the waterfall over one pot and end its liquidation."""
    state = writer.state
    cancel_all(writer, pot, cause=cause, reason="bankruptcy")
    unit = int(state.book.pot_unit[pot])
    equity = worth_atoms(state, pot)
    seq = writer.emit(
        ev.Bankrupt,
        cause=cause,
        pot=pot,
        asset=unit,
        deficit_atoms=max(-equity, 0),
        rule=f"{state.tag} waterfall",
    )
    if equity < 0:
        negative_equity_seen(writer, pot, equity, cause=seq)
    for number, tier in enumerate(state.rulebook.waterfall):
        due = max(-worth_atoms(state, pot), 0)
        if not due and not open_slots(state, pot):
            break
        if isinstance(tier, InsuranceTier):
            _insure(writer, pot, unit, number, tier, due, cause=seq)
        elif isinstance(tier, AdlTier):
            if due == 0 and _vault_takes(state, pot) == "":
                break
            deleverage(writer, pot, unit, number, tier, cause=seq)
        elif due:
            socialise(writer, pot, unit, number, tier, due, cause=seq)
    unpaid = max(-worth_atoms(state, pot), 0)
    if unpaid:
        writer.emit(
            ev.Transferred,
            cause=seq,
            kind="shortfall",
            rule=f"{state.tag} waterfall",
            entries=(ev.Entry(SHORTFALL, unit, -unpaid), ev.Entry(pot, unit, unpaid)),
        )
    hand_over(writer, pot, cause=seq)
    writer.emit(
        ev.LiquidationEnded,
        cause=seq,
        pot=pot,
        equity_atoms=worth_atoms(state, pot),
        requirement_atoms=0,
        outcome="bankrupt",
        rule=f"{state.tag} waterfall",
    )
    if unpaid:
        writer.emit(
            ev.VenueHalted,
            cause=seq,
            asset=unit,
            unpaid_atoms=unpaid,
            reason=f"no tier of the waterfall took {unpaid} atoms of asset {unit}",
        )


def _insure(
    writer: Writer, pot: int, unit: int, number: int, tier: InsuranceTier, due: int, *, cause: int
) -> None:
    state = writer.state
    fund = FUND_POTS[tier.fund]
    held = max(int(state.book.balances[fund, unit]), 0)
    paid = draw([tier], {tier.fund: held}, due, room_atoms={tier.fund: held}).payments[0]
    seq = cause
    if paid.paid_atoms:
        seq = writer.emit(
            ev.Transferred,
            cause=cause,
            kind="insurance" if fund == INSURANCE else "backstop pays",
            entries=(ev.Entry(fund, unit, -paid.paid_atoms), ev.Entry(pot, unit, paid.paid_atoms)),
            rule=f"{state.tag} waterfall.{number}",
        )
    writer.emit(
        ev.TierPassed,
        cause=seq,
        pot=pot,
        asset=unit,
        tier=number,
        kind="insurance",
        paid_atoms=paid.paid_atoms,
        left_atoms=due - paid.paid_atoms,
        why=str(paid.reason),
        rule=f"{state.tag} waterfall.{number}",
    )


def take_over(writer: Writer, pot: int, step: Step, *, cause: int) -> str:
    """The vault takes the pot's positions as the step says; returns why it would not, or ''."""
    state = writer.state
    equity = worth_atoms(state, pot)
    if equity < 0:
        return f"equity {equity} is below zero"
    if refused := _vault_takes(state, pot):
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
    if step.takeover_price == "mark":
        number = state.rulebook.liquidation.steps.index(step)
        for row, lots in _positions(state, pot):
            mark = int(state.market.mark[row])
            size = notional(state.instruments[row], lots, mark)
            traded = write_trade(
                writer, row, mark, [(pot, -lots), (BACKSTOP, lots)], kind="takeover", cause=seq
            )
            charge_liquidation_fee(writer, pot, row, size, number, cause=traded)
    else:
        # At the bankruptcy price the whole equity goes with the positions: the same as handing over everything.
        hand_over(writer, pot, cause=seq)
    writer.emit(
        ev.LiquidationEnded,
        cause=seq,
        pot=pot,
        equity_atoms=worth_atoms(state, pot),
        requirement_atoms=0,
        outcome="taken_over",
        rule=f"{state.tag} liquidation.{step.name}",
    )
    return ""


def _vault_takes(state: State, pot: int) -> str:
    """Why the vault cannot take this pot ('' if it can): its own equity must cover its level with the pot added."""
    level = state.rulebook.liquidation.backstop_level
    if not level:
        return ""
    vault = health(state.book, state.margin, state.market, BACKSTOP, level)
    added = health(state.book, state.margin, state.market, pot, level)
    if not vault.known or not added.known:
        return "the vault cannot be valued"
    room = (
        vault.margin_atoms + added.margin_atoms
        if state.book.pot_unit[pot] == state.book.pot_unit[BACKSTOP]
        else vault.margin_atoms
    )
    return "" if room >= 0 else f"the vault would be {-room} short of its {level} level"


def _positions(state: State, pot: int) -> list[tuple[int, int]]:
    book = state.book
    return sorted(
        (int(book.pos_instrument[slot]), int(book.pos_lots[slot])) for slot in open_slots(state, pot)
    )


def hand_over(writer: Writer, pot: int, *, cause: int) -> None:
    """Positions at the mark and every balance, debts too, go to the vault; the pot ends empty."""
    state = writer.state
    for row, lots in _positions(state, pot):
        write_trade(
            writer,
            row,
            int(state.market.mark[row]),
            [(pot, -lots), (BACKSTOP, lots)],
            kind="takeover",
            cause=cause,
        )
    entries = []
    for asset in range(len(state.rulebook.assets)):
        atoms = int(state.book.balances[pot, asset])
        if atoms:
            entries += [ev.Entry(pot, asset, -atoms), ev.Entry(BACKSTOP, asset, atoms)]
    if entries:
        writer.emit(
            ev.Transferred, cause=cause, kind="takeover", entries=tuple(entries), rule=f"{state.tag} takeover"
        )
    assert state.book.pot_head[pot] == NONE or not open_slots(state, pot)
