"""A liquidation end to end: the worst scenario, its legs and charges, what was closed first and why.

The statement is taken at the event that began the liquidation, before anything was closed; what came of it is
read from the journal. Money USD, deltas in coins.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from benchmarks.february.accounts import Holder
from seawall.engine import events as ev
from seawall.engine.state import State
from seawall.journal.explain import explain, record_text, render
from seawall.journal.names import Names
from seawall.journal.reader import JournalReader
from seawall.margin.portfolio.statement import NodeStatement, PortfolioStatement

MOST_EVENTS = 12
TOLD = (
    ev.LiquidationOrderSent,
    ev.Traded,
    ev.AuctionOpened,
    ev.AuctionBid,
    ev.TakenOver,
    ev.Bankrupt,
    ev.LiquidationEnded,
)


class Story(NamedTuple):
    """Who was liquidated, by which event, and what stood then. Deltas by instrument, in coins."""

    holder: Holder
    event: ev.LiquidationStarted
    statement: PortfolioStatement | None
    deltas: dict[str, float]


def begin_story(state: State, event: ev.LiquidationStarted, holder: Holder) -> Story:
    """To be called at the event: the pot still holds everything."""
    assert state.demands is not None
    statement = state.demands.explain(state, event.pot)
    deltas = {}
    for slot in state.book.positions(event.pot):
        row = state.book.pos_instrument.item(slot)
        position = state.demands.market.position(state, row, state.book.pos_lots.item(slot))
        book = state.demands.market.books[position.contract.underlying]
        place = book.contracts.get(position.contract)
        if place is not None:
            deltas[position.contract.name] = book.deltas[place] * position.size_steps / 1e9
    return Story(holder, event, statement, deltas)


def tell(story: Story, path: Path, state: State) -> list[str]:
    """The story as lines of text; `path` is the journal of the whole run."""
    event = story.event
    lines = [f"--- {story.holder.kind}, account {state.book.pot_account.item(event.pot)} ---"]
    equity, needs = event.equity_atoms / 1e6, event.requirement_atoms / 1e6
    lines.append(f"equity {equity:,.2f} < {needs:,.2f} that maintenance asks ({event.rule})")
    for node in story.statement.nodes if story.statement is not None else ():
        lines += _node(node, story)
    lines.append("what followed:")
    lines += _what_followed(path, event)
    lines.append("and why it began:")
    lines += [f"  {line}" for line in render(explain(path, event.seq)).splitlines()]
    return lines


def _node(node: NodeStatement, story: Story) -> list[str]:
    unit = 10.0**node.decimals
    worst = node.worst
    if worst is None:
        return [f"  {node.underlying}: {'; '.join(node.unknown)}"]
    move = worst.scenario
    said = [
        f"  worst of {len(node.lines)} scenarios of {node.underlying}: {worst.set_name} {worst.number}, "
        f"spot {move.spot_ppb / 1e7:+.0f} %, volatility {move.vol}, counted {move.weight_ppb / 1e7:.0f} %: "
        f"{worst.result_atoms / unit:,.2f}"
    ]
    for leg in sorted(node.legs, key=lambda leg: (leg.worst_atoms, leg.name)):
        delta = story.deltas.get(leg.name)
        beside = "" if delta is None else f", delta {delta:+.3f}"
        said.append(
            f"    {leg.size_steps / 1e9:+12.4f} {leg.name:<22} now {leg.value_atoms / unit:>14,.2f}, "
            f"in it {leg.worst_atoms / unit:>+14,.2f}{beside}"
        )
    charges = ", ".join(f"{name} {atoms / unit:,.2f}" for name, atoms in node.charges.items())
    net = sum(delta for name, delta in story.deltas.items() if name.startswith(node.underlying))
    said.append(f"  charges: {charges}; net delta {net:+.3f}: the largest leg that brings it nearer to zero")
    said.append("  is closed first, futures before options, then the worst leg; as much as restores the pot")
    return said


def _what_followed(path: Path, event: ev.LiquidationStarted) -> list[str]:
    """Orders, fills and the end, of this pot, from the journal."""
    said: list[str] = []
    with JournalReader(path) as reader:
        names = Names.load(reader, reader.head()[0])
        first = reader.group_of(event.seq)
        for group in [first, *reader.groups(first.last, first.hash)]:
            for found in (one for step in reader.split(group) for one in step.events):
                if found.seq <= event.seq or not isinstance(found, TOLD) or not _of(found, event.pot):
                    continue
                said.append(f"  {type(found).__name__:<21} {record_text(names, found)}")
                if isinstance(found, ev.LiquidationEnded) or len(said) >= MOST_EVENTS:
                    return said
    return said


def _of(event: ev.AnyEvent, pot: int) -> bool:
    if isinstance(event, ev.Traded):
        return any(leg.pot == pot for leg in event.legs)
    return getattr(event, "pot", None) == pot
