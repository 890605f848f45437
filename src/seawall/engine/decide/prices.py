"""Prices and time: sources are heard, marks are formed, safeguards look, then the book is swept.

Prices ticks, times ns. A report is refused whole if any of its prices is not positive, older than that
source's last word, from the future, further than 10**4 times from the last index, or so high (inverse: low)
that the open interest could no longer be valued in 64 bits.
"""

from __future__ import annotations

import msgspec

from seawall.engine import commands as cmd
from seawall.engine import events as ev
from seawall.engine.decide.pools import watch_pools
from seawall.engine.decide.refuse import Refusal, known_instrument
from seawall.engine.decide.safeguards import close_gates, open_gates
from seawall.engine.decide.sweep import sweep_all, sweep_instruments
from seawall.engine.state import State
from seawall.engine.writer import Writer
from seawall.market.oracle import DIVERGENT, MISSING, NO_QUORUM, STALE, Price, Seen, form_price
from seawall.market.transformed import form_transformed
from seawall.market.transforms.pipeline import start, states_to_bytes
from seawall.units import INT64_MAX, PPB

ABSURD = 10_000  # a price this many times the last is a fault of the feed, not a market move
ANY_PRICE = (1, INT64_MAX)
MOST_ATOMS = 2**62  # of open interest, at twice the reported price: a mark may stand above its index
MOST_VOL_PPB = 5 * PPB
MOST_RATE_PPB = PPB
NOT_HEARD = MISSING | STALE | NO_QUORUM


def report_prices(writer: Writer, command: cmd.ReportPrices) -> None:
    state = writer.state
    rows = _heard(state, command)
    if len(rows) < len(command.prices):
        raise Refusal("the same source reports one instrument twice in one command")
    if rows:
        writer.put(
            ev.SourcesSeen(
                seq=writer.state.seq + 1,
                cause_seq=writer.command_seq,
                time_ns=writer.time_ns,
                rows=tuple(rows.values()),
            )
        )
    touched = {row for row, _source in rows}
    silent = (row for row in range(len(state.instruments)) if row not in touched and _ages(state, row))
    _age(writer, sorted([*touched, *silent]))


def report_vols(writer: Writer, command: cmd.ReportVols) -> None:
    """One expiry of a surface. Refused whole if any of its figures cannot be believed."""
    state = writer.state
    named = [told.instrument for told in command.vols]
    if len(set(named)) < len(named):
        raise Refusal("the same option is reported twice in one command")
    if command.expiry_ns <= writer.time_ns:
        raise Refusal("the expiry is past: settle it", expiry_ns=command.expiry_ns, now_ns=writer.time_ns)
    if command.forward_e9 < 0 or command.fixed_e9 < 0 or command.forward_e9 + command.fixed_e9 <= 0:
        raise Refusal("a forward must be positive", forward=command.forward_e9, fixed=command.fixed_e9)
    if not 0 <= command.confidence_ppb <= PPB or abs(command.rate_ppb) > MOST_RATE_PPB:
        raise Refusal("a confidence is 0..100 %, a rate -100..100 %", rate_ppb=command.rate_ppb)
    rows = []
    for told in command.vols:
        row = known_instrument(state, told.instrument)
        instrument = state.instruments[row]
        if not instrument.kind.option or instrument.base != command.asset:
            raise Refusal(f"{told.instrument} is no option on {command.asset}")
        if instrument.expiry_ns != command.expiry_ns:
            raise Refusal(f"{told.instrument} has another expiry", expiry_ns=command.expiry_ns)
        if not 0 < told.vol_ppb <= MOST_VOL_PPB:
            raise Refusal(
                f"volatility of {told.instrument} is not between 0 and 500 %: a unit error, or no quote",
                vol_ppb=told.vol_ppb,
            )
        rows.append(row)
    writer.emit(
        ev.VolsSet,
        asset=command.asset,
        expiry_ns=command.expiry_ns,
        forward_e9=command.forward_e9,
        fixed_e9=command.fixed_e9,
        rate_ppb=command.rate_ppb,
        confidence_ppb=command.confidence_ppb,
        instruments=tuple(rows),
        vols_ppb=tuple(told.vol_ppb for told in command.vols),
    )
    sweep_instruments(writer, rows)


def tick(writer: Writer, command: cmd.Tick) -> None:
    """Ages every price: what nobody confirmed becomes stale."""
    _age(writer, list(range(len(writer.state.instruments))))


def _ages(state: State, row: int) -> bool:
    """May a price that nobody confirmed here have gone stale? Then it is looked at without a report."""
    if state.prices[row].conditions & NOT_HEARD:
        return False
    oldest = state.time_ns - state.policies[row].max_age_ns
    return any(0 <= seen.observed_ns < oldest for seen in state.sources[row])


def _heard(state: State, command: cmd.ReportPrices) -> dict[tuple[int, int], Seen]:
    """What the sources say, by (instrument, source), each checked against what can be believed of it now."""
    rows, rooms, now_ns = dict[tuple[int, int], Seen](), dict[int, tuple[int, int]](), command.time_ns
    places, sources = state.places, state.sources
    for price in command.prices:
        place = places.get((price.instrument, price.source))
        if place is None:
            raise _refusal(state, price, now_ns)
        row, source = place
        room = ANY_PRICE if place in state.aside else rooms.get(row)
        if room is None:
            room = rooms[row] = _believable(state, row)
        ticks, observed_ns, confidence = price.price_ticks, price.observed_ns, price.confidence_ticks
        if not (
            room[0] <= ticks <= room[1]
            and 0 <= confidence <= INT64_MAX
            and 0 <= observed_ns <= now_ns
            and sources[row][source].observed_ns <= observed_ns
        ):
            raise _refusal(state, price, now_ns)
        rows[place] = Seen(ticks, observed_ns, confidence, row, source)
    return rows


def _believable(state: State, row: int) -> tuple[int, int]:
    """Least and most ticks that no check of `_refusal` says no to."""
    instrument, index = state.instruments[row], state.prices[row].index_ticks
    # An option may be worth next to nothing today and its whole payoff tomorrow.
    known = index and not instrument.kind.option
    least, most = (-(-index // ABSURD), index * ABSURD) if known else (1, INT64_MAX)
    held = int(state.market.oi_lots[row]) * instrument.value_num
    if held and instrument.kind.inverse:
        worth = -(-held // MOST_ATOMS)  # what half the price must be, so that this many atoms are enough
        least = max(least, 2 * worth if worth > 1 else 1)
    elif held:
        most = min(most, MOST_ATOMS // (2 * held))
    return least, min(most, INT64_MAX)


def _refusal(state: State, price: cmd.SourcePrice, time_ns: int) -> Refusal:
    """Why one price of a report is not believed: the first thing that is wrong with it."""
    row = known_instrument(state, price.instrument)
    policy = state.policies[row]
    place = f"{price.instrument} from {price.source}"
    if price.source not in policy.sources:
        return Refusal(
            f"{price.instrument}: unknown source {price.source!r}; "
            f"the rulebook names {', '.join(policy.sources)}"
        )
    source = policy.sources.index(price.source)
    last = state.sources[row][source]
    if not 0 < price.price_ticks <= INT64_MAX or not 0 <= price.confidence_ticks <= INT64_MAX:
        return Refusal(f"{place}: a price must be a positive number of ticks", price_ticks=price.price_ticks)
    if not max(last.observed_ns, 0) <= price.observed_ns <= time_ns:
        return Refusal(
            f"{place}: observed in the future or before its last word",
            observed_ns=price.observed_ns,
            last_ns=last.observed_ns,
            now_ns=time_ns,
        )
    index = state.prices[row].index_ticks
    free = state.instruments[row].kind.option or (row, source) in state.aside
    if index and not free and not index <= price.price_ticks * ABSURD <= index * ABSURD * ABSURD:
        return Refusal(
            f"{place}: more than {ABSURD} times away from the last index",
            price_ticks=price.price_ticks,
            index_ticks=index,
        )
    return Refusal(
        f"{place}: at this price the open interest could not be valued in 64 bits",
        price_ticks=price.price_ticks,
        open_interest_lots=int(state.market.oi_lots[row]),
    )


def _form_marks(writer: Writer, rows: list[int]) -> list[int]:
    """Run the oracle pipeline; writes a MarkSet where anything changed. Returns the instruments it wrote."""
    state, now_ns = writer.state, writer.time_ns
    changed = []
    for row in rows:
        if row in state.settled:
            continue
        before, policy = state.prices[row], state.policies[row]
        if row in state.pipelines:
            price = _transformed(writer, row)
        else:
            price = form_price(
                policy, state.sources[row], before, now_ns=now_ns, traded_ticks=state.last_trade[row]
            )
        averages = policy.ema_tau_ns or policy.stable_tau_ns
        if not _moved(before, price) and not (averages and price.updated_ns != before.updated_ns):
            continue
        changed.append(row)
        writer.put(
            ev.MarkSet(
                seq=writer.state.seq + 1,
                cause_seq=writer.command_seq,
                time_ns=writer.time_ns,
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
        )
    return changed


def _transformed(writer: Writer, row: int) -> Price:
    """The price after its transforms, whose memories are written down where they changed.

    What no source could have been believed to say is not believed of them either: the last price stands.
    """
    state, before, pipeline = writer.state, writer.state.prices[row], writer.state.pipelines[row]
    states = state.transforms.get(row) or start(pipeline)
    stepped, price = form_transformed(
        state.policies[row],
        pipeline,
        states,
        state.sources[row],
        before,
        now_ns=writer.time_ns,
        traded_ticks=state.last_trade[row],
    )
    if stepped != states:
        writer.emit(ev.TransformsStepped, instrument=row, states=states_to_bytes(stepped))
    least, most = _believable(state, row)
    if price.index_ticks and not least <= price.index_ticks <= most:
        return msgspec.structs.replace(before, conditions=price.conditions | DIVERGENT)
    return price


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
    waited behind it. Holders of what others' open interest makes dearer are looked at every time.
    """
    state = writer.state
    first = not any(state.market.mark.tolist())
    changed = _form_marks(writer, rows)
    if state.halted:
        return
    opened = open_gates(writer)
    close_gates(writer)
    watch_pools(writer)
    if opened or first:
        sweep_all(writer)
    else:
        aged = state.demands.aged(state) if state.demands is not None else ()
        also = {*aged, *state.ramped}
        sweep_instruments(writer, sorted({*changed, *also}) if also else changed)
