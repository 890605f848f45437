"""P12 at work: the loss that is left is moved to others, by the index the rulebook names.

Amounts atoms of the pot's unit. Who pays never falls below zero by it; what nobody can pay goes to
the next tier. Odd atoms: largest remainder, ties to the lowest pot (liquidation.allocation).
"""

from __future__ import annotations

import numpy as np

from seawall.engine import events as ev
from seawall.engine.state import HOUSE_ACCOUNTS, SHORTFALL, WORTH
from seawall.engine.writer import Writer
from seawall.liquidation.socialise import over_positive_equity, per_open_interest, withdrawal_haircut
from seawall.liquidation.tiers import SocialiseTier
from seawall.margin.statement import book_health


def socialise(
    writer: Writer, pot: int, unit: int, number: int, tier: SocialiseTier, due: int, *, cause: int
) -> None:
    """Take `due` from everyone the tier names and credit it to the pot."""
    state, book = writer.state, writer.state.book
    rule, haircut = f"{state.tag} waterfall.{number}", 0
    everyone = np.arange(HOUSE_ACCOUNTS, book.n_pots, dtype=np.int64)
    others = everyone[(everyone != pot) & (book.pot_unit[HOUSE_ACCOUNTS : book.n_pots] == unit)]
    equity, _, unknown = book_health(book, state.margin, state.market, others, WORTH)
    able = np.where(
        unknown[0] < 0, np.minimum(np.maximum(equity[0], 0), np.maximum(book.balances[others, unit], 0)), 0
    )
    instrument = -1
    if tier.method == "open_interest":
        instrument, lots = _largest_exposure(writer, pot, others)
        paid, unpaid = per_open_interest(lots, due, sides="both", limits_atoms=able, ids=others)
    elif tier.method == "positive_equity":
        paid, unpaid = over_positive_equity(able, due, ids=others)
    else:
        cut = withdrawal_haircut(np.maximum(book.balances[others, unit], 0), due)
        haircut, paid, unpaid = cut.haircut_ppb, np.zeros(0, np.int64), 0
    taken = due - unpaid
    if tier.method == "withdrawal_haircut":
        pots, amounts = np.array([SHORTFALL, pot], "<i8"), np.array([-taken, taken], "<i8")
    else:
        hit = np.flatnonzero(paid)
        pots = np.append(others[hit], pot).astype("<i8")
        amounts = np.append(-np.asarray(paid)[hit], taken).astype("<i8")
    seq = cause
    if taken:
        seq = writer.emit(
            ev.LossSocialised,
            cause=cause,
            asset=unit,
            method=tier.method,
            instrument=instrument,
            loss_atoms=taken,
            pots=pots.tobytes(),
            amounts_atoms=amounts.tobytes(),
            haircut_ppb=haircut,
            rule=rule,
        )
    writer.emit(
        ev.TierPassed,
        cause=seq,
        pot=pot,
        asset=unit,
        tier=number,
        kind="socialise",
        paid_atoms=taken,
        left_atoms=unpaid,
        why=tier.method,
        rule=rule,
    )


def _largest_exposure(writer: Writer, pot: int, others: np.ndarray) -> tuple[int, np.ndarray]:  # type: ignore[type-arg]
    """The instrument whose loss this is (largest open interest if the pot holds none any more) and everyone's lots in it."""
    state, book = writer.state, writer.state.book
    held = [(abs(int(book.pos_cost[s])), -int(book.pos_instrument[s])) for s in book.positions(pot)]
    row = -max(held)[1] if held else int(np.argmax(state.market.oi_lots))
    lots = np.zeros(book.n_pots, np.int64)
    count = book.n_positions
    mask = (book.pos_instrument[:count] == row) & (book.pos_pot[:count] >= HOUSE_ACCOUNTS)
    lots[book.pos_pot[:count][mask]] = book.pos_lots[:count][mask]
    return row, lots[others]
