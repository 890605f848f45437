"""P13 at work: circuit breakers close gates, time opens them again.

Moves ppb of price, times ns. A gate that is closed for longer already is left alone.
"""

from __future__ import annotations

from bisect import bisect_right

from seawall.engine import events as ev
from seawall.engine.state import HOUSE_ACCOUNTS, INSURANCE, State
from seawall.engine.writer import Writer
from seawall.ledger.columns import NONE
from seawall.safeguards.rules import Breaker
from seawall.units import INT64_MAX, PPB


def open_gates(writer: Writer) -> bool:
    """Gates whose time has passed open by themselves; says whether any did."""
    state, opened = writer.state, False
    for (action, instrument), until in sorted(state.gates.items()):
        if until <= writer.time_ns:
            opened = True
            writer.emit(ev.GateOpened, action=action, instrument=instrument, reason="time passed")
    return opened


def close_gates(writer: Writer) -> None:
    state = writer.state
    prices = list(zip(state.market.mark.tolist(), state.market.index_price.tolist(), strict=True))
    for breaker in state.rulebook.safeguards.breakers:
        if breaker.when in ("mark_move", "divergence"):
            for row, (mark, index) in enumerate(prices):
                moved = _move_ppb(state, breaker, row, mark, index) if mark and index else 0
                if moved > breaker.threshold_ppb and row not in state.settled:
                    _close(
                        writer,
                        breaker,
                        row,
                        f"{breaker.name}: {breaker.when} {moved} ppb > {breaker.threshold_ppb} ppb",
                    )
        elif breaker.when == "fund_below":
            fund = int(state.book.balances[INSURANCE, state.numeraire])
            if fund < breaker.threshold_atoms:
                _close(
                    writer,
                    breaker,
                    NONE,
                    f"{breaker.name}: insurance fund {fund} < {breaker.threshold_atoms}",
                )


def negative_equity_seen(writer: Writer, pot: int, equity_atoms: int, *, cause: int) -> None:
    """A pot below zero was met: venue-wide gates that wait for it close."""
    if pot < HOUSE_ACCOUNTS:
        return
    for breaker in writer.state.rulebook.safeguards.breakers:
        if breaker.when == "negative_equity":
            _close(writer, breaker, NONE, f"{breaker.name}: pot {pot} has equity {equity_atoms}", cause=cause)


def _move_ppb(state: State, breaker: Breaker, row: int, mark: int, index: int) -> int:
    if breaker.when == "divergence":
        return abs(mark - index) * PPB // index
    history, start_ns = state.marks[row], state.time_ns - breaker.window_ns
    if not history:
        return 0
    began = 0
    if len(history) > 1 and history[1][0] <= start_ns:  # else it is the first: history is kept that long
        began = bisect_right(history, (start_ns, INT64_MAX)) - 1
    reference = history[began][1]  # what stood when the window began
    return abs(mark - reference) * PPB // reference


def _close(writer: Writer, breaker: Breaker, instrument: int, reason: str, *, cause: int = 0) -> None:
    until = writer.time_ns + breaker.for_ns
    for action in breaker.forbids:
        if writer.state.gates.get((action, instrument), 0) < until - breaker.for_ns // 2:
            writer.emit(
                ev.GateClosed,
                cause=cause,
                action=action,
                instrument=instrument,
                until_ns=until,
                reason=reason,
            )
