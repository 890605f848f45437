"""P11 at work: closing a bankrupt pot's positions against the other side of the market.

Lots signed, prices ticks. Candidates are all pots with an opposite position that are not themselves being
liquidated and can be valued; the venue's own pots take no part. At the bankruptcy price the deficit is shared
over the pot's positions by requirement, the price rounded so that the pot is not left below zero (the half
tick goes against the winners, as the loss does). Orders of who is hit are cancelled in that market (BitMEX).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from seawall.engine import events as ev
from seawall.engine.decide.adl_find import circle, pick, reachable
from seawall.engine.decide.measure import convert, pots_health, vault_worth_atoms, worth_atoms
from seawall.engine.decide.pots import cancel_all
from seawall.engine.decide.select import NO_PRICE, shifted_price
from seawall.engine.decide.trades_write import write_trade
from seawall.engine.state import BACKSTOP, FLAG_LIQUIDATING, FLAG_UNKNOWN, HOUSE_ACCOUNTS, WORTH, State
from seawall.engine.writer import Writer
from seawall.ledger.trade import trade_value
from seawall.liquidation.adl import fill_pro_rata, fill_queue
from seawall.liquidation.adl_rank import AdlCandidates, rank
from seawall.liquidation.tiers import AdlTier
from seawall.margin.statement import statement

I64 = NDArray[np.int64]


def deleverage(writer: Writer, pot: int, unit: int, number: int, tier: AdlTier, *, cause: int) -> None:
    """Close every position of `pot` as far as the other side reaches."""
    state = writer.state
    before = _worth(state, pot, unit)
    closed, left, notes = 0, 0, []
    for row, lots, equity_share in _equity_shares(state, pot, unit, before):
        name = state.instruments[row].name
        if state.gate_closed("adl", row):
            notes.append(f"{name} is gated")
            left += abs(lots)
            continue
        price, note = _price(state, tier, unit, row, lots, equity_share)
        notes += [f"{name} {note}"] if note else []
        taken = _close(writer, pot, row, lots, price, number, tier, note, cause=cause) if price > 0 else 0
        closed, left = closed + taken, left + abs(lots) - taken
    after = _worth(state, pot, unit)
    why = f"{tier.ranker} at {tier.price}: {closed} lots closed, {left} found nobody"
    writer.put(
        ev.TierPassed(
            seq=writer.state.seq + 1,
            cause_seq=cause or writer.command_seq,
            time_ns=writer.time_ns,
            pot=pot,
            asset=unit,
            tier=number,
            kind="adl",
            paid_atoms=max(min(after, 0) - min(before, 0), 0),
            left_atoms=max(-after, 0),
            why="; ".join([why, *notes]),
            rule=f"{state.tag} waterfall.{number}",
        )
    )


def _worth(state: State, pot: int, unit: int) -> int:
    worth = vault_worth_atoms(state, unit) if pot == BACKSTOP else worth_atoms(state, pot)
    assert worth is not None
    return worth


def _equity_shares(state: State, pot: int, unit: int, equity: int) -> list[tuple[int, int, int]]:
    """(instrument, lots, share of equity) by requirement at the trigger level; the last takes the odd atoms.

    Source: dYdX v4. Without requirements (a vault under scope "settlement", or so vast that its requirement
    passes 64 bits) the shares are equal.
    """
    book, level = state.book, state.rulebook.liquidation.trigger
    held = sorted(
        (int(book.pos_instrument[slot]), int(book.pos_lots[slot]))
        for slot in book.positions(pot)
        if book.pos_lots[slot]
    )
    if state.margin.view.settlement_scope:
        held = [(row, lots) for row, lots in held if state.settle_row[row] == unit]
    try:
        parts = statement(book, state.margin, state.market, pot, level).parts
    except OverflowError:
        parts = ()
    needs = {part.name: part.amount_atoms for part in parts if part.kind == "position"}
    weights = [needs.get(row, 0) for row, _lots in held]
    if not any(weights):
        weights = [1] * len(held)
    total, given = sum(weights), 0
    shares: list[tuple[int, int, int]] = []
    for (row, lots), weight in zip(held, weights, strict=True):
        share = equity - given if len(shares) == len(held) - 1 else equity * weight // total
        given += share
        shares.append((row, lots, share))
    return shares


def _price(state: State, tier: AdlTier, unit: int, row: int, lots: int, equity_share: int) -> tuple[int, str]:
    """(ticks, or 0 where there is no positive one; what is to be said about it)."""
    mark, previous = int(state.market.mark[row]), int(state.previous_mark[row])
    if tier.price == "mark":
        return mark, ""
    if tier.price == "previous_mark":
        return (previous, "") if previous else (mark, "has no mark before this one: closed at the mark")
    share = convert(state, equity_share, unit, state.settle_row[row])
    price = NO_PRICE if share is None else shifted_price(state, row, lots, share)
    return (price, "") if price > 0 else (0, "has no positive bankruptcy price")


def _close(
    writer: Writer,
    pot: int,
    row: int,
    lots: int,
    price: int,
    number: int,
    tier: AdlTier,
    note: str,
    *,
    cause: int,
) -> int:
    state = writer.state
    pots, slots = opposite_side(state, row, lots, exclude=pot)
    if not pots.size:
        return 0
    available = np.abs(state.book.pos_lots[slots])
    taken = np.asarray(_taken(state, tier, row, pots, slots, available, abs(lots)))
    sign = 1 if lots > 0 else -1
    hit = np.flatnonzero(taken)
    legs = [(int(pots[i]), sign * int(taken[i])) for i in hit]
    filled = sum(n for _p, n in legs)
    if not legs:
        return 0
    rule = f"{state.tag} waterfall.{number}" + (f" ({note})" if note else "")
    seq = write_trade(writer, row, price, [(pot, -filled), *legs], kind="adl", cause=cause, rule=rule)
    for winner, _lots in legs:
        cancel_all(writer, winner, cause=seq, reason="adl", row=row)
        writer.touched.add(winner, seq)
    return abs(filled)


def _taken(state: State, tier: AdlTier, row: int, pots: I64, slots: I64, available: I64, needed: int) -> I64:
    """Lots from each candidate, by the tier's rule."""
    if tier.ranker == "pro_rata":
        return fill_pro_rata(available, needed, ids=pots).lots
    if tier.ranker == "unranked":
        return fill_queue(circle(pots, state.seq), available, needed).lots
    unit_atoms = state.rulebook.assets[state.settle_row[row]].atoms_per_unit
    everyone = adl_candidates(state, row, pots, slots, maintenance=tier.ranker == "binance")
    rows = reachable(everyone, tier.ranker, needed, unit_atoms=unit_atoms, direction=tier.direction)
    ranking = rank(pick(everyone, rows), tier.ranker, direction=tier.direction, unit_atoms=unit_atoms)
    taken = np.zeros(pots.size, np.int64)
    taken[rows] = fill_queue(ranking.order, available[rows], needed).lots
    return taken


def opposite_side(state: State, row: int, lots: int, *, exclude: int) -> tuple[I64, I64]:
    """Pots (ascending) and slots of users' positions against `lots`, not unknown, not liquidating."""
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


def adl_candidates(
    state: State, row: int, pots: I64, slots: I64, *, maintenance: bool = True
) -> AdlCandidates:
    """The columns the rankers read, all in atoms of the settlement asset (equity converted at the index).

    Without `maintenance` that column is 0: only one ranker reads it, and it costs as much as the equity.
    """
    book, instrument, settle = state.book, state.instruments[row], state.settle_row[row]
    lots, cost = book.pos_lots[slots], book.pos_cost[slots]
    mark = int(state.market.mark[row])
    value = _values(instrument.kind.inverse, instrument.value_num, lots, mark)
    if value is None:  # an inverse lots * value_num may pass 64 bits where its value does not
        value = np.array([trade_value(instrument, held, mark) for held in lots.tolist()], np.int64)
    levels = (WORTH, state.rulebook.liquidation.trigger) if maintenance else (WORTH,)
    equity, requirement, _ = pots_health(state, pots, *levels)
    worth, needs = equity[0].copy(), requirement[-1].copy()
    for place in np.flatnonzero(book.pot_unit[pots] != settle).tolist():
        unit = int(book.pot_unit[pots[place]])
        worth[place] = convert(state, int(worth[place]), unit, settle) or 0
        needs[place] = convert(state, int(needs[place]), unit, settle) or 0
    profit = value - cost
    return AdlCandidates(
        pot_ids=pots,
        lots=np.abs(lots),
        entry_value_atoms=cost,
        mark_value_atoms=value,
        unrealised_atoms=profit,
        wallet_atoms=worth - profit,
        account_value_atoms=worth,
        maintenance_atoms=needs,
        bankruptcy_value_atoms=value - worth,
    )


def _values(inverse: bool, value_num: int, lots: I64, mark: int) -> I64 | None:
    """Values of all positions at once where the products surely fit 64 bits, else None."""
    most = int(np.abs(lots).max(initial=0)) * value_num * (1 if inverse else mark)
    if most >= 2**62:
        return None
    return -(lots * value_num) // mark if inverse else lots * (mark * value_num)
