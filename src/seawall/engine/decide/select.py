"""Which position a reducing step closes first, how much of it, and at what limit.

Sizes lots (positive here), prices ticks, notionals atoms. Sizes round up to a whole lot and never
exceed the position; a remainder below the dust floor is closed with it. Limits: the bankruptcy
price is the last tick at which the pot, everything else unchanged, is not below zero.
"""

from __future__ import annotations

from seawall.engine.state import WORTH, State
from seawall.kernels import layout
from seawall.ledger.trade import notional, trade_value
from seawall.liquidation.rules import Step
from seawall.margin.solve import liquidation_price, smallest_close
from seawall.margin.statement import health, statement
from seawall.units import PPB


def select_position(state: State, pot: int, step: Step) -> int:
    """Instrument row to close first; ties go to the lower row."""
    book = state.book
    rows = sorted(int(book.pos_instrument[slot]) for slot in book.positions(pot) if book.pos_lots[slot])
    if step.select == "first" or len(rows) == 1:
        return rows[0]
    parts = {
        part.name: part
        for part in statement(book, state.margin, state.market, pot, state.rulebook.liquidation.trigger).parts
        if part.kind == "position"
    }
    if step.select == "largest_requirement":
        return max(rows, key=lambda row: (parts[row].amount_atoms, -row))
    if step.select == "largest_loss":
        return min(rows, key=lambda row: (parts[row].profit_atoms, row))
    return max(
        rows,
        key=lambda row: (notional(state.instruments[row], parts[row].size, parts[row].price_ticks), -row),
    )


def closing_size(state: State, pot: int, row: int, step: Step) -> int:
    """Signed lots to close (sign of the position), after size rule, dust floor and pacing."""
    book, instrument, mark = state.book, state.instruments[row], int(state.market.mark[row])
    held = int(book.pos_lots[book.position(pot, row)])
    whole, total = abs(held), notional(instrument, held, mark)
    if step.size == "all" or (step.only_above_atoms and total <= step.only_above_atoms):
        lots = whole
    elif step.size == "fraction":
        lots = -(-whole * step.fraction_ppb // PPB)
    elif step.size == "step_down":
        lots = _step_down(state, row, held, mark)
    else:
        lots = restoring_size(state, pot, row, step)[0]
        if step.fraction_ppb < PPB:
            lots = min(lots, -(-whole * step.fraction_ppb // PPB))
    per_lot = max(total // whole, 1)
    if step.min_close_atoms:
        least = min(-(-step.min_close_atoms // per_lot), whole)
        lots = max(lots, least) if lots else 0
        if whole - lots > 0 and (whole - lots) * per_lot < step.min_close_atoms:
            lots = whole
    if step.max_order_atoms:
        lots = min(lots, max(step.max_order_atoms // per_lot, 1))
    return min(lots, whole) if held > 0 else -min(lots, whole)


def restoring_size(state: State, pot: int, row: int, step: Step) -> tuple[int, bool]:
    """Fewest lots whose close at the mark, with fees, meets the exit level (margin.solve)."""
    instrument, mark = state.instruments[row], int(state.market.mark[row])
    return smallest_close(
        state.book,
        state.margin,
        state.market,
        pot,
        state.rulebook.liquidation.exit,
        row,
        price_ticks=mark,
        fee_ppb=instrument.taker_fee_ppb + step.fees.fee_ppb,
        value_of=lambda lots, ticks: trade_value(instrument, lots, ticks),
        notional_of=lambda lots, ticks: notional(instrument, lots, ticks),
    )


def _step_down(state: State, row: int, held: int, mark: int) -> int:
    """Lots that bring the position to the top of the next lower risk tier (BitMEX risk-limit steps, OKX tiers)."""
    rules, instrument = state.margin.view, state.instruments[row]
    schedule = state.margin.schedules[
        state.rulebook.margin.level(state.rulebook.liquidation.trigger).schedule
    ]
    line = rules.schedules[schedule * rules.instruments + row]
    size = notional(instrument, held, mark)
    edges = rules.tiers[line[layout.SCH_TIER_START] : line[layout.SCH_TIER_END], layout.TIER_FLOOR].tolist()
    if line[layout.SCH_STEP_RATE] > 0:
        base, step = int(line[layout.SCH_STEP_BASE]), int(line[layout.SCH_STEP_SIZE])
        edges = [base, *range(base + step, size, step)]
    below = [edge for edge in edges if 0 < edge < size]
    if not below:
        return 0
    keep = abs(held) * below[-1] // size
    return abs(held) - keep


def limit_price(state: State, pot: int, row: int, step: Step, lots: int) -> int:
    """Worst price the order may trade at; 0 = any. `lots` has the sign of the position being closed."""
    mark = int(state.market.mark[row])
    if step.price == "none":
        return 0
    if step.price == "mark":
        room = mark * step.offset_ppb // PPB
        return max(mark - room, 1) if lots > 0 else mark + room
    return bankruptcy_price(state, pot, row) or 0


def bankruptcy_price(state: State, pot: int, row: int) -> int:
    """Last tick, away from the mark against the position, at which the pot is worth nothing or more; 0 if none.

    Closed form for one linear or inverse position settled in the pot's unit; otherwise the solver's root.
    """
    book = state.book
    slot = book.position(pot, row)
    lots = int(book.pos_lots[slot])
    if state.settle_row[row] == int(book.pot_unit[pot]):
        worth = health(book, state.margin, state.market, pot, WORTH)
        if worth.known:
            return shifted_price(state, row, lots, worth.equity_atoms)
    below, above = liquidation_price(book, state.margin, state.market, pot, WORTH, row)
    crossing = below if lots > 0 else above
    return crossing.safe_ticks if crossing else 0


def shifted_price(state: State, row: int, lots: int, equity_atoms: int) -> int:
    """Price at which a position of `lots` is worth `equity_atoms` less than at the mark; rounded so that it is not less than that.

    Linear: value moves by lots * value_num per tick. Inverse: value(P) = -lots * value_num / P. 0 = no positive price.
    """
    instrument, mark = state.instruments[row], int(state.market.mark[row])
    target = trade_value(instrument, lots, mark) - equity_atoms
    per = lots * instrument.value_num
    if not instrument.kind.inverse:
        ticks = -(-target // per) if per > 0 else target // per
        return max(ticks, 0)
    # value = -per / P must be >= target; for a long per > 0, target < 0: P >= per / -target.
    if per > 0:
        return -(-per // -target) if target < 0 else 0
    return -per // target if target > 0 else 0
