"""Prices and time: sources are heard, marks are formed, safeguards look, then the book is swept.

Prices ticks, times ns. A report is refused whole if any of its prices is not positive, older
than that source's last word, from the future, or further than 10**4 times the last index.
"""

from __future__ import annotations

from seawall.engine import commands as cmd
from seawall.engine import events as ev
from seawall.engine.decide.refuse import Refusal, known_instrument
from seawall.engine.decide.safeguards import close_gates, open_gates
from seawall.engine.decide.sweep import sweep_all
from seawall.engine.state import State
from seawall.engine.writer import Writer
from seawall.market.oracle import Price, form_price
from seawall.units import INT64_MAX

ABSURD = 10_000  # a price this many times the last is a fault of the feed, not a market move


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
    touched = sorted({row for row, _ in rows})
    _form_marks(writer, touched)
    _after_prices(writer)


def tick(writer: Writer, command: cmd.Tick) -> None:
    """Ages every price: what nobody confirmed becomes stale."""
    _form_marks(writer, list(range(len(writer.state.instruments))))
    _after_prices(writer)


def _checked(state: State, price: cmd.SourcePrice, time_ns: int) -> tuple[int, int]:
    row = known_instrument(state, price.instrument)
    policy = state.policies[row]
    if price.source not in policy.sources:
        raise Refusal(
            f"{price.instrument}: unknown source {price.source!r}; the rulebook names {', '.join(policy.sources)}"
        )
    source = policy.sources.index(price.source)
    last = state.sources[row][source]
    if not 0 < price.price_ticks <= INT64_MAX or price.confidence_ticks < 0:
        raise Refusal(
            f"{price.instrument} from {price.source}: a price must be a positive number of ticks",
            price_ticks=max(min(price.price_ticks, INT64_MAX), -INT64_MAX),
        )
    if price.observed_ns > time_ns or price.observed_ns < last.observed_ns:
        raise Refusal(
            f"{price.instrument} from {price.source}: observed in the future or before its last word",
            observed_ns=price.observed_ns,
            last_ns=last.observed_ns,
            now_ns=time_ns,
        )
    index = state.prices[row].index_ticks
    if index and not index <= price.price_ticks * ABSURD <= index * ABSURD * ABSURD:
        raise Refusal(
            f"{price.instrument} from {price.source}: more than {ABSURD} times away from the last index",
            price_ticks=price.price_ticks,
            index_ticks=index,
        )
    return row, source


def _form_marks(writer: Writer, rows: list[int]) -> None:
    """Run the oracle pipeline; writes a MarkSet where anything changed."""
    state = writer.state
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
        writer.emit(
            ev.MarkSet,
            instrument=row,
            index_ticks=price.index_ticks,
            mark_ticks=price.mark_ticks,
            stable_ticks=price.stable_ticks,
            confidence_ticks=price.confidence_ticks,
            basis_nano=price.basis_nano,
            conditions=price.conditions,
            used=price.used,
            rejected=price.rejected,
            step_since_ns=price.step_since_ns,
            rule=f"{state.tag} prices.{state.instruments[row].name}",
        )


def _moved(before: Price, price: Price) -> bool:
    return any(
        getattr(before, name) != getattr(price, name)
        for name in (
            "index_ticks",
            "mark_ticks",
            "conditions",
            "confidence_ticks",
            "used",
            "rejected",
            "step_since_ns",
        )
    )


def _after_prices(writer: Writer) -> None:
    open_gates(writer)
    close_gates(writer)
    sweep_all(writer)
