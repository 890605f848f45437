"""Which position a reducing step closes first, how much of it, and at what limit.

Sizes lots (signed as the position), prices ticks, notionals atoms. Sizes round up to a whole lot and never
exceed what of the position is not already on offer; a remainder below the dust floor is closed with it.
Limits: the bankruptcy price is the last tick at which the pot, everything else unchanged, is not below zero.
"""

from __future__ import annotations

from seawall.engine.decide.legs import lots_to_neutral, toward_delta_neutral, under_portfolio, worst_leg
from seawall.engine.decide.measure import convert, free_lots, held_lots, open_slots, pot_health, spot_atoms
from seawall.engine.state import WORTH, State
from seawall.kernels import layout
from seawall.ledger.columns import NONE
from seawall.ledger.trade import notional, trade_value
from seawall.liquidation.rules import Step
from seawall.liquidation.shared_bankruptcy import equity_share, fillable_loss
from seawall.margin.solve import liquidation_price, smallest_close
from seawall.margin.statement import Part, statement
from seawall.units import PPB

NO_PRICE = -1  # no positive price does what was asked


def _position_parts(state: State, pot: int) -> dict[int, Part]:
    level = state.rulebook.liquidation.trigger
    parts = statement(state.book, state.margin, state.market, pot, level).parts
    return {part.name: part for part in parts if part.kind == "position" and part.size}


def largest_position(state: State, pot: int) -> tuple[int, int]:
    """(instrument, lots) of the position that asks for most; (-1, 0) for a pot without any.

    The pot can be valued at its trigger level.
    """
    slots = open_slots(state, pot)
    if len(slots) == 1:
        return state.book.pos_instrument.item(slots[0]), state.book.pos_lots.item(slots[0])
    if slots and under_portfolio(state, pot):
        row = worst_leg(state, pot, sorted(state.book.pos_instrument.item(slot) for slot in slots))
        return row, held_lots(state, pot, row)
    parts = _position_parts(state, pot)
    if not parts:
        return NONE, 0
    row = max(parts, key=lambda name: (parts[name].amount_atoms, -name))
    return row, parts[row].size


def select_position(state: State, pot: int, step: Step) -> int:
    """Instrument row to close first; ties go to the lower row. What is wholly on offer already comes last."""
    rows = sorted(int(state.book.pos_instrument[slot]) for slot in open_slots(state, pot))
    rows = [row for row in rows if free_lots(state, pot, row)] or rows
    if step.select == "first" or len(rows) == 1:
        return rows[0]
    if step.select == "toward_delta_neutral":
        return toward_delta_neutral(state, pot, rows)
    parts = _position_parts(state, pot)
    if step.select == "largest_requirement" and under_portfolio(state, pot):
        return worst_leg(state, pot, rows)
    if step.select == "largest_requirement":
        return max(rows, key=lambda row: (parts[row].amount_atoms, -row))
    if step.select == "largest_loss":
        losses = {row: _in_unit(state, pot, row, parts[row].profit_atoms) for row in rows}
        return min(rows, key=lambda row: (losses[row], row))
    sizes = {row: notional(state.instruments[row], parts[row].size, parts[row].price_ticks) for row in rows}
    return max(rows, key=lambda row: (_in_unit(state, pot, row, sizes[row]), -row))


def _in_unit(state: State, pot: int, row: int, atoms: int) -> int:
    """Settlement atoms in the pot's unit, so that positions settled differently can be compared."""
    converted = convert(state, atoms, state.settle_row[row], int(state.book.pot_unit[pot]))
    return atoms if converted is None else converted


def closing_size(state: State, pot: int, row: int, step: Step) -> int:
    """Signed lots to close (sign of the position), after size rule, dust floor and pacing."""
    instrument, mark = state.instruments[row], int(state.market.mark[row])
    held = held_lots(state, pot, row)
    whole, total = abs(held), notional(instrument, held, mark)
    amount = _rule_amount(state, row, total)
    if step.size == "all" or (step.only_above_atoms and (amount is None or amount <= step.only_above_atoms)):
        lots = whole
    elif step.size == "fraction":
        lots = -(-whole * step.fraction_ppb // PPB)
    elif step.size == "step_down":
        lots = _step_down(state, row, held, mark)
    else:
        lots = restoring_size(state, pot, row, step)[0]
        if step.fraction_ppb < PPB:
            lots = min(lots, -(-whole * step.fraction_ppb // PPB))
        if step.select == "toward_delta_neutral":  # and not beyond
            lots = min(lots, lots_to_neutral(state, pot, row))
    if lots and amount:
        lots = _paced(lots, whole, amount, step)
    lots = min(lots, whole, free_lots(state, pot, row))
    return lots if held > 0 else -lots


def _rule_amount(state: State, row: int, settle_atoms: int) -> int | None:
    """A notional in the asset the rulebook's amounts are in, the numeraire; None where a price is missing.

    Under scope "settlement" amounts are stated only where there is one settlement asset.
    """
    if state.margin.view.settlement_scope:
        return settle_atoms
    return convert(state, settle_atoms, state.settle_row[row], state.numeraire)


def _paced(lots: int, whole: int, amount: int, step: Step) -> int:
    """Dust floor and cap per order: `whole` lots are worth `amount`."""
    if step.min_close_atoms:
        lots = max(lots, min(-(-step.min_close_atoms * whole // amount), whole))
        if (whole - lots) * amount < step.min_close_atoms * whole:
            lots = whole
    if step.max_order_atoms:
        lots = min(lots, max(step.max_order_atoms * whole // amount, 1))
    return lots


def restoring_size(state: State, pot: int, row: int, step: Step) -> tuple[int, bool]:
    """Fewest lots whose close at the mark, with fees, meets the exit level (margin.solve)."""
    mark = int(state.market.mark[row])
    status = state.ladders.get(pot)
    level = (status.exit_level if status is not None else "") or state.rulebook.liquidation.exit
    return smallest_close(
        state.book,
        state.margin,
        state.market,
        pot,
        level,
        row,
        price_ticks=mark,
        fee_ppb=_closing_fee_ppb(state, row, pot) + step.fees.fee_ppb,
        ask=lambda overlay: pot_health(state, pot, level, overlay),
    )


def _closing_fee_ppb(state: State, row: int, pot: int) -> int:
    """The taker fee as a rate of what is closed; an option's is a rate of its spot, capped at its price."""
    instrument, held = state.instruments[row], held_lots(state, pot, row)
    worth = notional(instrument, held, int(state.market.mark[row]))
    if not instrument.kind.option or not worth:
        return instrument.taker_fee_ppb
    rate = -(-spot_atoms(state, row, held) * instrument.taker_fee_ppb // worth)
    return min(rate, instrument.fee_cap_ppb) if instrument.fee_cap_ppb else rate


def _step_down(state: State, row: int, held: int, mark: int) -> int:
    """Lots that bring the position to the top of the next lower risk tier (BitMEX steps, OKX tiers)."""
    rules, instrument = state.margin.view, state.instruments[row]
    if instrument.kind.option:  # what it requires does not follow its size: there is no tier below
        return 0
    schedule = state.margin.schedules[
        state.rulebook.margin.level(state.rulebook.liquidation.trigger).schedule
    ]
    line = rules.schedules[schedule * rules.instruments + row]
    size = notional(instrument, held, mark)
    edges = rules.table[line[layout.SCH_TIER_START] : line[layout.SCH_TIER_END], layout.TIER_FLOOR].tolist()
    if line[layout.SCH_STEP_RATE] > 0:
        base, step = int(line[layout.SCH_STEP_BASE]), int(line[layout.SCH_STEP_SIZE])
        # Only the last edge under the size matters: base + k * step < size.
        edges = [base, base + (size - base - 1) // step * step] if size > base else []
    below = [edge for edge in edges if 0 < edge < size]
    if not below:
        return 0
    keep = abs(held) * below[-1] // size
    return abs(held) - keep


def limit_price(state: State, pot: int, row: int, step: Step, lots: int) -> int:
    """Worst price the order may trade at; 0 = any, NO_PRICE = none. `lots` has the sign of the position."""
    mark = int(state.market.mark[row])
    if step.price == "none":
        return 0
    if step.price == "mark":
        room = mark * step.offset_ppb // PPB
        return max(mark - room, 1) if lots > 0 else mark + room
    if step.price in ("shared_bankruptcy", "fillable"):
        return _shared_price(state, pot, row, step)
    return bankruptcy_price(state, pot, row)


def _shared_price(state: State, pot: int, row: int, step: Step) -> int:
    """Last tick at which closing loses no more than the position's share of the equity, or than it may lose.

    Only where positions are settled in the pot's unit (rulebooks.check_ladder refuses others).
    """
    now = pot_health(state, pot, state.rulebook.liquidation.trigger)
    if not now.known or now.requirement_atoms <= 0:
        return NO_PRICE
    own = _position_parts(state, pot)[row].amount_atoms
    if step.price == "shared_bankruptcy":
        loss = equity_share(equity=now.equity_atoms, maintenance=now.requirement_atoms, own=own)
    else:
        loss = int(
            fillable_loss(
                equity=now.equity_atoms,
                maintenance=now.requirement_atoms,
                own=own,
                adjustment_ppm=step.adjustment_ppm,
                spread_ppm=step.spread_ppm,
            )
        )
    return shifted_price(state, row, held_lots(state, pot, row), loss)


def bankruptcy_price(state: State, pot: int, row: int) -> int:
    """Last tick, away from the mark against the position, at which the pot is worth nothing or more.

    0 if every price is such a price, NO_PRICE if none is. Closed form for a position settled in the pot's
    unit; otherwise the solver's root.
    """
    book = state.book
    lots = held_lots(state, pot, row)
    worth = pot_health(state, pot, WORTH)
    if not worth.known:
        return NO_PRICE
    if state.settle_row[row] == int(book.pot_unit[pot]):
        return shifted_price(state, row, lots, worth.equity_atoms)
    if worth.equity_atoms < 0:
        return NO_PRICE
    below, above = liquidation_price(book, state.margin, state.market, pot, WORTH, row)
    crossing = below if lots > 0 else above
    return crossing.safe_ticks if crossing else 0


def shifted_price(state: State, row: int, lots: int, equity_atoms: int) -> int:
    """Price at which `lots` are worth `equity_atoms` less than at the mark, rounded so that it is no more.

    Linear: value moves by lots * value_num per tick. Inverse: value(P) = -lots * value_num / P. 0 where every
    positive price leaves at least that much, NO_PRICE where none does.
    """
    instrument, mark = state.instruments[row], int(state.market.mark[row])
    target = trade_value(instrument, lots, mark) - equity_atoms  # the least value that will do
    per = lots * instrument.value_num
    if not instrument.kind.inverse:
        if per > 0:
            return max(-(-target // per), 0)
        return target // per if target // per > 0 else NO_PRICE
    if per > 0:  # value is -per / P, below zero and rising with P
        return -(-per // -target) if target < 0 else NO_PRICE
    if target <= 0:  # value is |per| / P, above zero and falling with P
        return 0
    return -per // target or NO_PRICE
