"""Transforms in the engine: they make the index, remember across commands, travel with state and journal."""

from __future__ import annotations

import msgspec

from seawall.engine import commands as cmd
from seawall.engine import events as ev
from seawall.engine.engine import Engine
from seawall.market.policy import Condition
from seawall.market.transforms.anchor import Anchor, Breaker
from seawall.market.transforms.average import Twap
from seawall.market.transforms.delay import DelayQueue, SequencerGate
from seawall.market.transforms.ratio import Peg, Ratio
from seawall.market.transforms.reading import WAD
from tests.engine.venue import SECOND, START, A, B, Venue, make_rulebook, policy

NAME = "BTC-PERP"


def venue(*pipeline, sources=("a",), prices=False, **terms) -> Venue:
    rulebook = make_rulebook(transforms={NAME: pipeline})
    oracles = {**rulebook.oracles, NAME: policy(*sources, **terms)}
    return Venue(msgspec.structs.replace(rulebook, oracles=oracles), prices=prices)


def say(one: Venue, seconds: float = 0, **words: int):
    one.now += int(seconds * SECOND)
    rows = tuple(cmd.SourcePrice(NAME, source, ticks, one.now) for source, ticks in words.items())
    return one.do(cmd.ReportPrices, prices=rows)


def price(one: Venue):
    found = one.state.prices[one.state.instrument_row[NAME]]
    return found.index_ticks, found.mark_ticks, found.conditions


def test_a_tripped_breaker_keeps_its_price_unusable_until_the_rules_are_changed():
    one = venue(Breaker(factor_wad=2 * WAD))
    say(one, a=500_000)
    assert price(one) == (500_000, 500_000, 0)
    say(one, 1, a=1_000_000)
    say(one, 1, a=500_000)
    assert price(one) == (500_000, 500_000, Condition.BROKEN)
    assert not one.state.market.usable[one.state.instrument_row[NAME]]
    looser = msgspec.structs.replace(one.state.rulebook, transforms={NAME: (Breaker(factor_wad=3 * WAD),)})
    data = msgspec.json.encode(looser)
    (proposed,) = one.do(cmd.Propose, by="x", proposal=1, rulebook=data)
    assert proposed.loosens == ("transforms",)
    for name in ("y", "z"):
        one.do(cmd.Approve, by=name, proposal=1)
    one.now += 86_401 * SECOND
    one.do(cmd.Enact, by="x", proposal=1)
    say(one, 1, a=500_000)
    assert price(one) == (500_000, 500_000, 0)


def test_a_delayed_price_comes_into_force_at_a_tick_after_its_hour():
    one = venue(DelayQueue(hop_ns=3600 * SECOND), max_age_ns=10**6 * SECOND)
    say(one, a=500_000)
    assert price(one)[0] == 0 and price(one)[2] & Condition.MISSING
    later = 3600 - (START // SECOND) % 3600
    say(one, later, a=400_000)
    assert price(one) == (500_000, 500_000, 0)
    say(one, 10, a=300_000)
    assert price(one)[0] == 500_000
    one.wait(3600)
    assert price(one)[0] == 400_000


def test_an_average_needs_its_window_and_goes_on_at_ticks():
    one = venue(Twap(window_ns=100 * SECOND), max_age_ns=10**6 * SECOND)
    say(one, a=500_000)
    assert price(one)[2] & Condition.MISSING
    say(one, 50, a=600_000)
    one.wait(50)
    assert price(one) == (550_000, 550_000, 0)
    one.wait(25)
    assert price(one)[0] == 575_000


def test_a_source_asked_by_name_is_no_price_of_the_instrument():
    one = venue(Ratio(source="pps", unit=10**6, max_step_ppb=3 * 10**7), sources=("a", "pps"))
    say(one, a=500_000, pps=1_000_000)
    assert price(one) == (500_000, 500_000, 0)
    say(one, 1, a=500_000, pps=2_000_000)  # a donation: refused, the last ratio prices
    assert price(one) == (500_000, 500_000, Condition.DIVERGENT)
    say(one, 1, a=510_000, pps=1_020_000)
    assert price(one) == (520_200, 520_200, 0)
    # Further from the index than any price may be; as a ratio in other units it is believed.
    free = venue(SequencerGate(source="up", grace_ns=0), sources=("a", "up"))
    say(free, a=500_000, up=1)
    say(free, 1, up=1)
    assert price(free) == (500_000, 500_000, 0)
    say(free, 1, up=2)
    assert price(free) == (500_000, 500_000, Condition.GATED)


def test_a_ratio_that_carries_the_index_beyond_belief_lets_the_last_price_stand():
    one = venue(Ratio(source="pps", unit=1), sources=("a", "pps"))
    say(one, a=500, pps=1000)
    say(one, 1, a=500, pps=10**8)
    assert price(one) == (500_000, 500_000, Condition.DIVERGENT)
    say(one, 1, a=500, pps=2**60)  # more than 64 bits hold
    assert price(one) == (500_000, 500_000, Condition.MISSING)
    assert not one.engine._stopped


def test_a_peg_outlives_its_market_and_an_anchor_holds_back():
    one = venue(Peg(price=500_000, tolerance_ppb=10**7))
    say(one, a=300_000)
    assert price(one) == (500_000, 500_000, Condition.DIVERGENT)
    one.wait(100)
    assert price(one) == (500_000, 500_000, Condition.STALE)
    say(one, 1, a=501_000)
    assert price(one) == (500_000, 500_000, 0)
    held = venue(Anchor(source="twap", tolerance_wad=WAD // 10), sources=("a", "twap"))
    say(held, a=500_000, twap=490_000)
    say(held, 1, a=600_000, twap=500_000)
    assert price(held) == (500_000, 500_000, Condition.DIVERGENT)


def test_state_and_journal_carry_what_transforms_remember():
    one = venue(
        Twap(window_ns=100 * SECOND), Breaker(factor_wad=3 * WAD), max_age_ns=10**6 * SECOND, prices=True
    )
    one.fund(A, 100_000)
    one.fund(B, 100_000)
    for step in range(12):
        say(one, 13, a=500_000 + step * 1000)
    data = one.state.to_bytes()
    copy = Engine.from_bytes(one.state.rulebook, data)
    assert copy.state.to_bytes() == data and copy.state.transforms == one.state.transforms
    follower = Engine(one.state.rulebook)
    for number, (command, events) in enumerate(one.log):
        follower.state.time_ns = max(follower.state.time_ns, command.time_ns)
        follower.apply_events(events[0].seq - 1, events)
        assert number < len(one.log)
    assert follower.state.transforms == one.state.transforms
    command = cmd.ReportPrices(
        time_ns=one.now + SECOND, prices=(cmd.SourcePrice(NAME, "a", 520_000, one.now + SECOND),)
    )
    assert copy.step(command) == one.engine.step(command)
    assert copy.state.digest() == one.state.digest()


def test_without_transforms_neither_events_nor_state_speak_of_them():
    one = Venue()
    one.btc(51_000)
    assert not any(
        isinstance(event, ev.TransformsStepped) for _command, events in one.log for event in events
    )
    assert b"transforms" not in one.state.to_bytes()
