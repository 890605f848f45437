"""P12 for loans: a debt that nothing stands behind any more, in the asset that is owed.

Order: the funds of the waterfall pay what they hold of that asset; the rest falls on whoever supplies it, in
proportion to balances (`suppliers`: Morpho Blue, Euler v2), or stands as the deficit of that asset in the
shortfall pot until somebody pays it (`deficit`: Aave from v3.3). Nobody is halted: others go on borrowing.
Amounts atoms; odd atoms go to the largest remainder, ties to the lowest pot (liquidation.allocation).
"""

from __future__ import annotations

import numpy as np

from seawall.engine import events as ev
from seawall.engine.decide.funds import insure
from seawall.engine.state import HOUSE_ACCOUNTS, SHORTFALL
from seawall.engine.writer import Writer
from seawall.ledger.columns import NONE
from seawall.liquidation.socialise import over_positive_equity
from seawall.liquidation.tiers import InsuranceTier


def settle_debts(writer: Writer, pot: int, *, cause: int) -> int:
    """Every debt of the pot goes to those who bear it; the pot ends with none. Returns the last event."""
    state, seq = writer.state, cause
    for asset in np.flatnonzero(state.book.balances[pot] < 0).tolist():
        for number, tier in enumerate(state.rulebook.waterfall):
            owed = -int(state.book.balances[pot, asset])
            if owed > 0 and isinstance(tier, InsuranceTier):
                insure(writer, pot, asset, number, tier, owed, cause=seq)
        if state.rulebook.bad_debt == "suppliers":
            seq = _from_suppliers(writer, pot, asset, cause=seq)
        seq = _to_deficit(writer, pot, asset, cause=seq)
    return seq


def _from_suppliers(writer: Writer, pot: int, asset: int, *, cause: int) -> int:
    """Whoever has a balance of the asset loses his share of what is owed."""
    state, book = writer.state, writer.state.book
    owed = -int(book.balances[pot, asset])
    others = np.arange(HOUSE_ACCOUNTS, book.n_pots, dtype=np.int64)
    others = others[others != pot]
    shares, unpaid = over_positive_equity(np.maximum(book.balances[others, asset], 0), owed, ids=others)
    taken, hit = owed - unpaid, np.flatnonzero(shares)
    if taken <= 0:
        return cause
    payers, amounts = others[hit], -shares[hit]
    seq = writer.emit(
        ev.LossSocialised,
        cause=cause,
        asset=asset,
        method="suppliers",
        instrument=NONE,
        loss_atoms=taken,
        pots=np.append(payers, pot).astype("<i8").tobytes(),
        amounts_atoms=np.append(amounts, taken).astype("<i8").tobytes(),
        haircut_ppb=0,
        rule=f"{state.tag} waterfall.bad_debt",
    )
    writer.touched.add_all(payers, seq)
    return seq


def _to_deficit(writer: Writer, pot: int, asset: int, *, cause: int) -> int:
    """What is left is owed by the shortfall pot, in the same asset."""
    owed = -int(writer.state.book.balances[pot, asset])
    if owed <= 0:
        return cause
    return writer.emit(
        ev.Transferred,
        cause=cause,
        kind="deficit",
        entries=(ev.Entry(SHORTFALL, asset, -owed), ev.Entry(pot, asset, owed)),
        rule=f"{writer.state.tag} waterfall.bad_debt",
    )
