"""P10-P12 at work: what becomes of a pot the ladder could not save, and of a vault below zero.

Order: the rulebook's waterfall. Insurance pays in the pot's unit; auto-deleveraging closes its positions
against the other side; socialising takes the rest from everyone. A bankrupt pot ends at exactly zero: what
is left goes to the vault. A pot that is solvent loses its positions at the mark and keeps the rest. A loss
no tier took stands in the shortfall pot and halts the venue. Amounts atoms, deficits rounded up.
"""

from __future__ import annotations

import msgspec

from seawall.engine import events as ev
from seawall.engine.decide.bad_debt import settle_debts
from seawall.engine.decide.deleverage import deleverage
from seawall.engine.decide.funds import insure, passed
from seawall.engine.decide.measure import open_slots, vault_worth_atoms, worth_atoms
from seawall.engine.decide.pools import watch_pools
from seawall.engine.decide.pots import cancel_all, recall
from seawall.engine.decide.safeguards import negative_equity_seen
from seawall.engine.decide.socialise import socialise
from seawall.engine.decide.takeover import (
    end,
    give_position,
    hand_over,
    pay_debts,
    positions,
    vault_refuses,
)
from seawall.engine.state import BACKSTOP, SHORTFALL, State
from seawall.engine.writer import Writer
from seawall.liquidation.tiers import AdlTier, InsuranceTier, WaterfallTier
from seawall.margin.statement import Health


def resolve(writer: Writer, pot: int, *, cause: int) -> None:
    """Run the waterfall over one pot and end its liquidation."""
    state = writer.state
    watch_pools(writer)
    cancel_all(writer, pot, cause=cause, reason="bankruptcy")
    seq = recall(writer, pot, cause=cause, why="the ladder has ended", heir=BACKSTOP)
    unit, equity = int(state.book.pot_unit[pot]), worth_atoms(state, pot)
    if equity >= 0:
        _release(writer, pot, unit, cause=seq)
        return
    seq = _bankrupt(writer, pot, unit, equity, cause=seq)
    negative_equity_seen(writer, pot, equity, cause=seq)
    if not isinstance(state.rulebook.bad_debt, msgspec.UnsetType) and not open_slots(state, pot):
        seq = settle_debts(writer, pot, cause=seq)
        end(writer, pot, Health(worth_atoms(state, pot), 0, -1), "bankrupt", "waterfall", cause=seq)
        return
    _run_tiers(writer, pot, unit, cause=seq)
    unpaid = _book_unpaid(writer, pot, unit, cause=seq)
    hand_over(writer, pot, cause=seq)
    end(writer, pot, Health(worth_atoms(state, pot), 0, -1), "bankrupt", "waterfall", cause=seq)
    if unpaid:
        _halt(writer, unit, unpaid, cause=seq)


def _release(writer: Writer, pot: int, unit: int, *, cause: int) -> None:
    """A pot still worth something: winners or the vault take its positions, it keeps the rest."""
    state = writer.state
    if vault_refuses(state, pot):
        _run_tiers(writer, pot, unit, cause=cause)
    for row, lots in positions(state, pot):
        give_position(writer, pot, row, lots, cause=cause)
    pay_debts(writer, pot, cause=cause)
    end(writer, pot, Health(worth_atoms(state, pot), 0, -1), "closed", "waterfall", cause=cause)


def cover_vault(writer: Writer, *, cause: int = 0) -> None:
    """A vault worth less than nothing is a loss like any other: the waterfall covers it, or the venue halts.

    A vault that cannot be valued is left alone until it can be.
    """
    state, book = writer.state, writer.state.book
    if state.halted or (not open_slots(state, BACKSTOP) and min(book.balances[BACKSTOP].tolist()) >= 0):
        return
    units = range(len(state.rulebook.assets)) if state.margin.view.settlement_scope else [state.numeraire]
    for unit in units:
        worth = vault_worth_atoms(state, unit)
        if worth is None or worth >= 0:
            continue
        watch_pools(writer)
        seq = _bankrupt(writer, BACKSTOP, unit, worth, cause=cause)
        _run_tiers(writer, BACKSTOP, unit, cause=seq)
        if unpaid := _book_unpaid(writer, BACKSTOP, unit, cause=seq):
            _halt(writer, unit, unpaid, cause=seq)
            return


def _bankrupt(writer: Writer, pot: int, unit: int, equity: int, *, cause: int) -> int:
    return writer.put(
        ev.Bankrupt(
            seq=writer.state.seq + 1,
            cause_seq=cause or writer.command_seq,
            time_ns=writer.time_ns,
            pot=pot,
            asset=unit,
            deficit_atoms=-equity,
            rule=f"{writer.state.tag} waterfall",
        )
    )


def _due(state: State, pot: int, unit: int) -> int:
    """What the pot is short of, in its unit."""
    worth = vault_worth_atoms(state, unit) if pot == BACKSTOP else worth_atoms(state, pot)
    assert worth is not None
    return max(-worth, 0)


def _run_tiers(writer: Writer, pot: int, unit: int, *, cause: int) -> None:
    """Each tier in its order; deleveraging first while the fund's drawdown asks for it."""
    state = writer.state
    for number, tier in _in_order(state, unit):
        due = _due(state, pot, unit)
        if isinstance(tier, AdlTier):
            if not open_slots(state, pot) or (due == 0 and pot != BACKSTOP and not vault_refuses(state, pot)):
                continue
            if pot == BACKSTOP and due == 0:
                continue
            if not _too_small(writer, pot, unit, number, tier, due, cause=cause):
                deleverage(writer, pot, unit, number, tier, cause=cause)
        elif due == 0:
            continue
        elif isinstance(tier, InsuranceTier):
            insure(writer, pot, unit, number, tier, due, cause=cause)
        elif not _too_small(writer, pot, unit, number, tier, due, cause=cause):
            socialise(writer, pot, unit, number, tier, due, cause=cause)


def _in_order(state: State, unit: int) -> list[tuple[int, WaterfallTier]]:
    numbered = list(enumerate(state.rulebook.waterfall))
    if state.drawdown is None or not state.pools[unit].active:
        return numbered
    return sorted(numbered, key=lambda entry: (not isinstance(entry[1], AdlTier), entry[0]))


def _too_small(
    writer: Writer, pot: int, unit: int, number: int, tier: WaterfallTier, due: int, *, cause: int
) -> bool:
    """A deficit under the tier's floor is left to the next one; says so. Nothing due is no deficit."""
    if not 0 < due < tier.min_deficit_atoms:
        return False
    passed(writer, pot, unit, number, tier, 0, due, f"below the {tier.min_deficit_atoms} it acts on", cause)
    return True


def _book_unpaid(writer: Writer, pot: int, unit: int, *, cause: int) -> int:
    """What no tier took is owed by the shortfall pot."""
    unpaid = _due(writer.state, pot, unit)
    if unpaid:
        writer.put(
            ev.Transferred(
                seq=writer.state.seq + 1,
                cause_seq=cause or writer.command_seq,
                time_ns=writer.time_ns,
                kind="shortfall",
                rule=f"{writer.state.tag} waterfall",
                entries=(ev.Entry(SHORTFALL, unit, -unpaid), ev.Entry(pot, unit, unpaid)),
            )
        )
    return unpaid


def _halt(writer: Writer, unit: int, unpaid: int, *, cause: int) -> None:
    writer.emit(
        ev.VenueHalted,
        cause=cause,
        asset=unit,
        unpaid_atoms=unpaid,
        reason=f"no tier of the waterfall took {unpaid} atoms of asset {unit}",
    )
