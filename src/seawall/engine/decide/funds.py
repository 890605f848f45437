"""P10, a fund pays: the insurance fund or the vault, up to what the tier's rule gives, in one asset.

Amounts atoms of that asset. What was paid, what is left and why stands in a `TierPassed`.
"""

from __future__ import annotations

from seawall.engine import events as ev
from seawall.engine.decide.measure import vault_worth_atoms
from seawall.engine.decide.pools import watch_pools
from seawall.engine.state import BACKSTOP, INSURANCE, State
from seawall.engine.writer import Writer
from seawall.liquidation.tiers import InsuranceTier, WaterfallTier
from seawall.liquidation.waterfall import draw

FUND_POTS = {"insurance": INSURANCE, "backstop": BACKSTOP}


def insure(
    writer: Writer, pot: int, unit: int, number: int, tier: InsuranceTier, due: int, *, cause: int
) -> None:
    state = writer.state
    fund = FUND_POTS[tier.fund]
    held = 0 if fund == pot else _spendable(state, fund, unit)
    paid = draw([tier], {tier.fund: held}, due).payments[0]
    seq = cause
    if paid.paid_atoms:
        seq = writer.put(
            ev.Transferred(
                seq=writer.state.seq + 1,
                cause_seq=cause or writer.command_seq,
                time_ns=writer.time_ns,
                kind="insurance" if fund == INSURANCE else "backstop pays",
                entries=(ev.Entry(fund, unit, -paid.paid_atoms), ev.Entry(pot, unit, paid.paid_atoms)),
                rule=f"{state.tag} waterfall.{number}",
            )
        )
    left = due - paid.paid_atoms
    passed(writer, pot, unit, number, tier, paid.paid_atoms, left, str(paid.reason), seq)
    if paid.paid_atoms and fund == INSURANCE:
        watch_pools(writer, cause=seq)


def _spendable(state: State, fund: int, unit: int) -> int:
    """What a fund may pay: its balance, and of the vault's no more than the vault is worth."""
    held = max(int(state.book.balances[fund, unit]), 0)
    if fund != BACKSTOP:
        return held
    worth = vault_worth_atoms(state, unit)
    return 0 if worth is None else min(held, max(worth, 0))


def passed(
    writer: Writer,
    pot: int,
    unit: int,
    number: int,
    tier: WaterfallTier,
    paid: int,
    left: int,
    why: str,
    cause: int,
) -> None:
    writer.put(
        ev.TierPassed(
            seq=writer.state.seq + 1,
            cause_seq=cause or writer.command_seq,
            time_ns=writer.time_ns,
            pot=pot,
            asset=unit,
            tier=number,
            kind=tier.kind,
            paid_atoms=paid,
            left_atoms=left,
            why=why,
            rule=f"{writer.state.tag} waterfall.{number}",
        )
    )
