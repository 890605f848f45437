"""P12 at work: the loss that is left is moved to others, by the index the rulebook names.

Amounts atoms of the pot's unit. Who pays never falls below zero by it; what nobody can pay goes to
the next tier. Odd atoms: largest remainder, ties to the lowest pot (liquidation.allocation).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seawall.engine import events as ev
from seawall.engine.decide.measure import pots_health
from seawall.engine.state import HOUSE_ACCOUNTS, SHORTFALL, WORTH, State
from seawall.engine.writer import Writer
from seawall.ledger.columns import NONE
from seawall.liquidation.socialise import over_positive_equity, per_open_interest, withdrawal_haircut
from seawall.liquidation.tiers import SocialiseTier

I64 = NDArray[np.int64]


def socialise(
    writer: Writer, pot: int, unit: int, number: int, tier: SocialiseTier, due: int, *, cause: int
) -> None:
    """Take `due` from everyone the tier names and credit it to the pot."""
    state, book = writer.state, writer.state.book
    rule, haircut, instrument, why = f"{state.tag} waterfall.{number}", 0, NONE, str(tier.method)
    everyone = np.arange(HOUSE_ACCOUNTS, book.n_pots, dtype=np.int64)
    others = everyone[(everyone != pot) & (book.pot_unit[HOUSE_ACCOUNTS : book.n_pots] == unit)]
    paid, unpaid = others[:0], 0
    if tier.method == "open_interest":
        instrument, paid, unpaid = _by_open_interest(state, pot, unit, tier, others, due)
        why += "" if instrument != NONE else ": the loss belongs to no market"
    elif tier.method == "positive_equity":
        paid, unpaid = over_positive_equity(_able(state, unit, others), due, ids=others)
    else:
        # What earlier losses still leave uncovered counts too: there is one haircut for all of it.
        standing = max(-int(book.balances[SHORTFALL, unit]), 0)
        claims = np.maximum(book.balances[others, unit], 0)
        haircut = withdrawal_haircut(claims, due + standing).haircut_ppb
    taken = due - unpaid
    if tier.method == "withdrawal_haircut":
        payers, shares = np.array([SHORTFALL]), np.array([taken])
    else:
        hit = np.flatnonzero(paid)
        payers, shares = others[hit], paid[hit]
    pots, amounts = np.append(payers, pot).astype("<i8"), np.append(-shares, taken).astype("<i8")
    seq = cause
    if taken:
        seq = writer.put(
            ev.LossSocialised(
                seq=writer.state.seq + 1,
                cause_seq=cause or writer.command_seq,
                time_ns=writer.time_ns,
                asset=unit,
                method=tier.method,
                instrument=instrument,
                loss_atoms=taken,
                pots=pots.tobytes(),
                amounts_atoms=amounts.tobytes(),
                haircut_ppb=haircut,
                rule=rule,
            )
        )
        writer.touched.add_all(payers[payers >= HOUSE_ACCOUNTS], seq)
    writer.put(
        ev.TierPassed(
            seq=writer.state.seq + 1,
            cause_seq=seq or writer.command_seq,
            time_ns=writer.time_ns,
            pot=pot,
            asset=unit,
            tier=number,
            kind="socialise",
            paid_atoms=taken,
            left_atoms=unpaid,
            why=why,
            rule=rule,
        )
    )


def _by_open_interest(
    state: State, pot: int, unit: int, tier: SocialiseTier, others: I64, due: int
) -> tuple[int, I64, int]:
    """(market, shares of the others, unpaid). A loss that belongs to no market is nobody's by this rule."""
    row, sign = _market_of_the_loss(state, pot)
    if row == NONE:
        return NONE, others[:0], due
    paid, unpaid = per_open_interest(
        _lots_in(state, row, others),
        due,
        sides=tier.sides,
        winning_sign=-sign,
        limits_atoms=_able(state, unit, others),
        ids=others,
    )
    return row, paid, unpaid


def _able(state: State, unit: int, others: I64) -> I64:
    """What each pot could lose: equity, at most its balance; nothing where it cannot be valued."""
    equity, _, unknown = pots_health(state, others, WORTH)
    room = np.minimum(np.maximum(equity[0], 0), np.maximum(state.book.balances[others, unit], 0))
    return np.where(unknown[0] < 0, room, 0)


def _market_of_the_loss(state: State, pot: int) -> tuple[int, int]:
    """(instrument, sign) of the pot's largest position by cost, or of its largest when liquidation began."""
    book = state.book
    held = [
        (abs(int(book.pos_cost[s])), -int(book.pos_instrument[s]), int(book.pos_lots[s]))
        for s in book.positions(pot)
        if book.pos_lots[s]
    ]
    if held:
        _cost, row, lots = max(held)
        return -row, 1 if lots > 0 else -1
    status = state.ladders.get(pot)
    if status is None or status.instrument == NONE:
        return NONE, 0
    return status.instrument, 1 if status.lots > 0 else -1


def _lots_in(state: State, row: int, others: I64) -> I64:
    book = state.book
    lots = np.zeros(book.n_pots, np.int64)
    count = book.n_positions
    mask = (book.pos_instrument[:count] == row) & (book.pos_pot[:count] >= HOUSE_ACCOUNTS)
    lots[book.pos_pot[:count][mask]] = book.pos_lots[:count][mask]
    return lots[others]
