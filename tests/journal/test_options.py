"""A journal with options: replayed to the same state, and an expiry told in its underlying's price."""

from __future__ import annotations

from pathlib import Path

from seawall.engine import commands as cmd
from seawall.engine import events as ev
from seawall.journal import JournalReader, Recorder, explain, replay
from tests.engine.option_venue import EXPIRY, OptionVenue
from tests.engine.venue import A, B


def story() -> OptionVenue:
    """Two accounts trade a linear and a coin option, one is liquidated, both expire."""
    venue = OptionVenue()
    venue.fund(A, 4_300)
    venue.fund(B, 50_000)
    for account in (A, B):
        venue.fund(account, 0.01, "BTC")
    venue.trade(A, -1_000, 20_000, "C50", against=B)
    venue.trade(A, 7, 4_000, "K50", against=B)
    for event in venue.spot(60_000, C50=50_000):
        if isinstance(event, ev.LiquidationOrderSent):
            venue.fill(event, 50_000)
    venue.now = EXPIRY
    for name in ("C50", "K50"):
        venue.do(cmd.SettleInstrument, instrument=name, price_ticks=555_555)
    return venue


def test_a_journal_with_options_replays_and_tells_of_the_expiry(tmp_path: Path) -> None:
    venue, path = story(), tmp_path / "options.journal"
    with Recorder.create(path, venue.state.rulebook) as run:
        for command, _events in venue.log:
            run.step(command)
            run.commit()
        assert run.engine.state.digest() == venue.state.digest()
    report = replay(path)
    assert report.equal and report.state_sha256 == venue.state.digest().hex()
    with JournalReader(path) as reader:
        events = [event for step in reader.steps() for event in step.events]
    kinds = {event.kind for event in events if isinstance(event, ev.Traded)}
    assert {"fill", "liquidation", "expiry"} <= kinds
    settled = [event for event in events if isinstance(event, ev.InstrumentSettled)]
    for event in settled:
        told = [record.text for record in explain(path, event.seq)]
        assert all("55,555.5" in text for text in told if "price" in text), told
        assert any("55,555.5" in text for text in told)
