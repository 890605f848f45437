"""Prices and time: sources are heard, marks are formed, safeguards look, then the book is swept.

Prices ticks, times ns. A report is refused whole if any of its prices is not positive, older than that
source's last word, from the future, further than 10**4 times from the last index, or so high (inverse: low)
that the open interest could no longer be valued in 64 bits.
"""

from __future__ import annotations

from seawall.engine import commands as cmd
from seawall.engine import events as ev
from seawall.engine.decide.pools import watch_pools
from seawall.engine.decide.refuse import Refusal, known_instrument
from seawall.engine.decide.safeguards import close_gates, open_gates
from seawall.engine.decide.sweep import sweep_all, sweep_instruments
from seawall.engine.state import State
from seawall.engine.writer import Writer
from seawall.ledger.trade import notional
from seawall.market.oracle import Price, form_price
from seawall.market.policy import Condition
from seawall.units import INT64_MAX

ABSURD = 10_000  # a price this many times the last is a fault of the feed, not a market move
MOST_ATOMS = 2**62  # of open interest, at twice the reported price: a mark may stand above its index


def report_prices(writer: Writer, command: cmd.ReportPrices) -> None:
    state = writer.state
    rows = [_checked(state, price, command.time_ns) for price in command.prices]
    if len(set(rows)) < len(rows):
        raise Refusal("the same source reports one instrument twice in one command")
    for (row, source), price in zip(rows, command.prices, strict=True):
        writer.emit(
            ev.SourceSeen,
            instrument=row,
            source=source,
            price_ticks=price.price_ticks,
            observed_ns=price.observed_ns,
            confidence_ticks=price.confidence_ticks,
        )
    touched = {row for row, _ in rows}
    silent = (row for row in range(len(state.instruments)) if row not in touched and _ages(state, row))
    _age(writer, sorted([*touched, *silent]))


def tick(writer: Writer, command: cmd.Tick) -> None:
    """Ages every price: what nobody confirmed becomes stale."""
    _age(writer, list(range(len(writer.state.instruments))))


def _ages(state: State, row: int) -> bool:
    """May a price that nobody confirmed here have gone stale? Then it is looked at without a report."""
    if state.prices[row].conditions & (Condition.MISSING | Condition.STALE | Condition.NO_QUORUM):
        return False
    oldest = state.time_ns - state.policies[row].max_age_ns
    return any(0 <= seen.observed_ns < oldest for seen in state.sources[row])


def _checked(state: State, price: cmd.SourcePrice, time_ns: int) -> tuple[int, int]:
    row = known_instrument(state, price.instrument)
    policy = state.policies[row]
    place = f"{price.instrument} from {price.source}"
    if price.source not in policy.sources:
        raise Refusal(
            f"{price.instrument}: unknown source {price.source!r}; "
            f"the rulebook names {', '.join(policy.sources)}"
        )
    source = policy.sources.index(price.source)
    last = state.sources[row][source]
    if not 0 < price.price_ticks <= INT64_MAX or not 0 <= price.confidence_ticks <= INT64_MAX:
        raise Refusal(f"{place}: a price must be a positive number of ticks", price_ticks=price.price_ticks)
    if not max(last.observed_ns, 0) <= price.observed_ns <= time_ns:
        raise Refusal(
            f"{place}: observed in the future or before its last word",
            observed_ns=price.observed_ns,
            last_ns=last.observed_ns,
            now_ns=time_ns,
        )
    index = state.prices[row].index_ticks
    if index and not index <= price.price_ticks * ABSURD <= index * ABSURD * ABSURD:
        raise Refusal(
            f"{place}: more than {ABSURD} times away from the last index",
            price_ticks=price.price_ticks,
            index_ticks=index,
        )
    instrument, open_lots = state.instruments[row], int(state.market.oi_lots[row])
    worst = max(price.price_ticks // 2, 1) if instrument.kind.inverse else 2 * price.price_ticks
    if notional(instrument, open_lots, worst) > MOST_ATOMS:
        raise Refusal(
            f"{place}: at this price the open interest could not be valued in 64 bits",
            price_ticks=price.price_ticks,
            open_interest_lots=open_lots,
        )
    return row, source


def _form_marks(writer: Writer, rows: list[int]) -> list[int]:
    """Run the oracle pipeline; writes a MarkSet where anything changed. Returns the instruments it wrote."""
    state = writer.state
    changed = []
    for row in rows:
        if row in state.settled:
            continue
        before, policy = state.prices[row], state.policies[row]
        price = form_price(
            policy,
            tuple(state.sources[row]),
            before,
            now_ns=writer.time_ns,
            traded_ticks=state.last_trade[row],
        )
        averages = policy.ema_tau_ns or policy.stable_tau_ns
        if not _moved(before, price) and not (averages and price.updated_ns != before.updated_ns):
            continue
        changed.append(row)
        writer.emit(
            ev.MarkSet,
            instrument=row,
            index_ticks=price.index_ticks,
            mark_ticks=price.mark_ticks,
            stable_ticks=price.stable_ticks,
            confidence_ticks=price.confidence_ticks,
            basis_nano=price.basis_nano,
            stable_nano=price.stable_nano,
            conditions=price.conditions,
            used=price.used,
            rejected=price.rejected,
            step_since_ns=price.step_since_ns,
            rule=state.price_rules[row],
        )
    return changed


def _moved(before: Price, price: Price) -> bool:
    return (
        before.index_ticks != price.index_ticks
        or before.mark_ticks != price.mark_ticks
        or before.conditions != price.conditions
        or before.confidence_ticks != price.confidence_ticks
        or before.used != price.used
        or before.rejected != price.rejected
        or before.step_since_ns != price.step_since_ns
    )


def _age(writer: Writer, rows: list[int]) -> None:
    """Form the marks, let the safeguards look, and sweep what depends on what changed.

    Everyone is looked at when the first price of all appears, and when a gate opens: it may let through what
    waited behind it.
    """
    state = writer.state
    first = not state.market.mark.any()
    changed = _form_marks(writer, rows)
    if state.halted:
        return
    opened = open_gates(writer)
    close_gates(writer)
    watch_pools(writer)
    if opened or first:
        sweep_all(writer)
    else:
        sweep_instruments(writer, changed)
