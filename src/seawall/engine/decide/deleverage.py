"""P11 at work: closing a bankrupt pot's positions against the other side of the market.

Lots signed, prices ticks. Candidates are all pots with an opposite position that are not
themselves being liquidated; the venue's own pots take no part. At the bankruptcy price the deficit
is shared over the pot's positions by requirement, the price rounded so that the pot is not left
below zero (the half tick goes against the winners, as the loss does).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seawall.engine import events as ev
from seawall.engine.decide.select import shifted_price
from seawall.engine.decide.trades_write import write_trade
from seawall.engine.state import FLAG_LIQUIDATING, FLAG_UNKNOWN, HOUSE_ACCOUNTS, WORTH, State
from seawall.engine.writer import Writer
from seawall.kernels import layout
from seawall.liquidation.adl import fill_pro_rata, fill_queue
from seawall.liquidation.adl_rank import AdlCandidates, rank
from seawall.liquidation.tiers import AdlTier
from seawall.margin.statement import book_health, health, statement

I64 = NDArray[np.int64]


def deleverage(writer: Writer, pot: int, unit: int, number: int, tier: AdlTier, *, cause: int) -> None:
    """Close every position of `pot` as far as the other side reaches."""
    state = writer.state
    before = health(state.book, state.margin, state.market, pot, WORTH).equity_atoms
    shares = _deficit_shares(state, pot, before)
    closed, left = 0, 0
    for row, lots, equity_share in shares:
        price = _price(state, tier, row, lots, equity_share)
        taken, missing = (
            _close(writer, pot, row, lots, price, number, tier, cause=cause) if price > 0 else (0, abs(lots))
        )
        closed, left = closed + taken, left + missing
    after = health(state.book, state.margin, state.market, pot, WORTH).equity_atoms
    writer.emit(
        ev.TierPassed,
        cause=cause,
        pot=pot,
        asset=unit,
        tier=number,
        kind="adl",
        paid_atoms=max(after - min(before, 0), 0),
        left_atoms=max(-after, 0),
        why=f"{tier.ranker} at {tier.price}: {closed} lots closed, {left} found nobody",
        rule=f"{state.tag} waterfall.{number}",
    )


def _deficit_shares(state: State, pot: int, equity: int) -> list[tuple[int, int, int]]:
    """(instrument, lots, share of equity) by requirement at the trigger level; the last takes the odd atoms. Source: dYdX v4."""
    parts = [
        part
        for part in statement(
            state.book, state.margin, state.market, pot, state.rulebook.liquidation.trigger
        ).parts
        if part.kind == "position" and part.size
    ]
    parts.sort(key=lambda part: part.name)
    total, given, shares = sum(part.amount_atoms for part in parts) or 1, 0, []
    for index, part in enumerate(parts):
        share = equity - given if index == len(parts) - 1 else equity * part.amount_atoms // total
        given += share
        shares.append((part.name, part.size, share))
    return shares


def _price(state: State, tier: AdlTier, row: int, lots: int, equity_share: int) -> int:
    if tier.price == "mark":
        return int(state.market.mark[row])
    if tier.price == "previous_mark":
        return int(state.previous_mark[row]) or int(state.market.mark[row])
    settle, unit = state.settle_row[row], state.asset_row[state.rulebook.margin.numeraire]
    if settle != unit and not state.margin.view.settlement_scope:
        # The share is in the pot's unit; turn it into the settlement asset at its index, against the pot.
        collateral = state.margin.view.collateral[settle]
        priced = int(collateral[layout.AST_INSTRUMENT])
        num = int(state.market.index_price[priced]) * int(collateral[layout.AST_NUM])
        equity_share = equity_share * int(collateral[layout.AST_DEN]) // num
    return shifted_price(state, row, lots, equity_share) or int(state.market.mark[row])


def _close(
    writer: Writer, pot: int, row: int, lots: int, price: int, number: int, tier: AdlTier, *, cause: int
) -> tuple[int, int]:
    state = writer.state
    pots, slots = opposite_side(state, row, lots, exclude=pot)
    if not pots.size:
        return 0, abs(lots)
    available = np.abs(state.book.pos_lots[slots])
    if tier.ranker == "pro_rata":
        fill = fill_pro_rata(available, abs(lots), ids=pots)
    else:
        ranking = rank(
            adl_candidates(state, row, pots, slots),
            tier.ranker,
            direction=tier.direction,
            unit_atoms=state.rulebook.assets[state.settle_row[row]].atoms_per_unit,
            seed=state.seq if tier.seed_from else None,
        )
        fill = fill_queue(ranking.order, available, abs(lots))
    sign = 1 if lots > 0 else -1
    legs = [(int(p), sign * int(n)) for p, n in zip(pots, fill.lots, strict=True) if n]
    filled = sum(n for _p, n in legs)
    if legs:
        write_trade(
            writer,
            row,
            price,
            [(pot, -filled), *legs],
            kind="adl",
            cause=cause,
            rule=f"{state.tag} waterfall.{number}",
        )
    return abs(filled), fill.remaining_lots


def opposite_side(state: State, row: int, lots: int, *, exclude: int) -> tuple[I64, I64]:
    """Pots (ascending) and slots of positions opposite to `lots`, without house pots, the unknown and the liquidating."""
    book = state.book
    count = book.n_positions
    held = book.pos_lots[:count]
    pots = book.pos_pot[:count]
    mask = (
        (pots >= HOUSE_ACCOUNTS)
        & (book.pos_instrument[:count] == row)
        & ((held < 0) if lots > 0 else (held > 0))
        & (pots != exclude)
    )
    slots = np.flatnonzero(mask)
    allowed = state.flags[pots[slots]] & (FLAG_LIQUIDATING | FLAG_UNKNOWN) == 0
    slots = slots[allowed]
    order = np.argsort(pots[slots], kind="stable")
    return pots[slots][order].astype(np.int64), slots[order]


def adl_candidates(state: State, row: int, pots: I64, slots: I64) -> AdlCandidates:
    """The columns the rankers read, in settlement atoms for the position and unit atoms for the account."""
    book, instrument = state.book, state.instruments[row]
    lots, cost = book.pos_lots[slots], book.pos_cost[slots]
    mark = int(state.market.mark[row])
    if instrument.kind.inverse:
        value = -(lots * instrument.value_num) // mark
    else:
        value = lots * mark * instrument.value_num
    equity, requirement, _ = book_health(
        book, state.margin, state.market, pots, WORTH, state.rulebook.liquidation.trigger
    )
    worth = equity[0]
    profit = value - cost
    return AdlCandidates(
        pot_ids=pots,
        lots=np.abs(lots),
        entry_value_atoms=cost,
        mark_value_atoms=value,
        unrealised_atoms=profit,
        wallet_atoms=worth - profit,
        account_value_atoms=worth,
        maintenance_atoms=requirement[1],
        bankruptcy_value_atoms=value - worth,
    )
