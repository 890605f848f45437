"""A requirement that rises with open interest: others make a pot short, or safe, while no price moves."""

from __future__ import annotations

from typing import Any

import msgspec

from seawall.engine import events as ev
from seawall.engine.state import BACKSTOP
from seawall.liquidation.rules import MarginCall
from seawall.margin.rules import InstrumentMargin, Level
from tests.engine.venue import (
    EASE,
    SECOND,
    VAULT,
    A,
    B,
    C,
    Venue,
    flat,
    kinds,
    make_rulebook,
    margin_rules,
    only,
)


def ramp(**more: Any) -> Venue:
    """BTC-PERP asks 5 % up to 2,000 lots of open interest and everything from 10,000 on."""
    rules = margin_rules()
    steps = {"oi_lower_lots": 2_000, "oi_upper_lots": 10_000}
    plans = {"initial": flat(100_000_000, **steps), "maintenance": flat(50_000_000, **steps)}
    instruments = {**rules.instruments, "BTC-PERP": InstrumentMargin(schedules=plans)}
    levels = (
        *rules.levels,
        Level(name="call", schedule="maintenance", factor_ppb=1_500_000_000),
        Level(name="cure", schedule="maintenance", factor_ppb=2_000_000_000),
    )
    margin = msgspec.structs.replace(rules, instruments=instruments, levels=levels)
    return Venue(make_rulebook(margin=margin, **more))


def ramped() -> Venue:
    venue = ramp()
    for account in (A, B, C):
        venue.fund(account, 10_000 if account == A else 10**6)
    venue.trade(A, 1_000, 500_000)
    venue.trade(B, 6_000, 500_000, against=C)
    return venue


def relieved(dollars: int, **more: Any) -> Venue:
    """A has so many dollars and is long 1 BTC, C is short 6 against the vault: 7,000 lots ask A for 32,187.5.

    Who is below the backstop level goes to the vault at once; with C's position open interest goes too.
    """
    at_once = msgspec.structs.replace(EASE, leave_below="backstop", cooldown_ns=1_000 * SECOND)
    venue = ramp(steps=(at_once, VAULT), **more)
    venue.fund(A, dollars)
    venue.fund(C, 200_000)
    venue.trade(A, 1_000, 500_000)
    venue.trade(BACKSTOP, 6_000, 500_000, against=C)
    venue.wait(1)
    return venue


def test_the_next_price_finds_who_became_short_by_open_interest() -> None:
    venue = ramped()
    venue.btc(50_001)
    assert not venue.lots(A) or venue.liquidating(A)


def test_a_tick_finds_who_became_short_by_open_interest() -> None:
    venue = ramped()
    venue.wait(1)
    assert not venue.lots(A) or venue.liquidating(A)


def test_whoever_a_takeover_relieves_of_open_interest_is_restored_in_the_same_sweep() -> None:
    venue = relieved(30_000)
    assert venue.liquidating(A) and not venue.liquidating(C)
    found = venue.btc(62_000)  # A has 42,000, short of 47,895 until C is gone, and then asked for 3,720
    traded, ended = only(found, ev.Traded), [e for e in found if isinstance(e, ev.LiquidationEnded)]
    assert [(e.pot, e.outcome) for e in ended] == [(venue.pot(C), "taken_over"), (venue.pot(A), "restored")]
    assert traded.kind == "takeover" and ended[1].requirement_atoms == 3_720 * 10**6
    cause = next(e for e in found if e.seq == ended[1].cause_seq)
    assert isinstance(cause, ev.LiquidationOrderRecalled) and cause.cause_seq == traded.seq


def test_a_call_that_a_takeover_has_cured_ends_in_the_same_sweep() -> None:
    call = MarginCall(level="call", cure_level="cure", grace_ns=10**6 * SECOND, on_deadline="none")
    venue = relieved(40_000, liquidation={"margin_call": call})
    assert not venue.liquidating(A) and venue.pot(A) in venue.state.ladders
    found = venue.btc(62_000)  # A has 52,000, is asked for 79,825 while C is there, and for 6,200 afterwards
    cured = next(e for e in found if isinstance(e, ev.MarginCallCured) and e.pot == venue.pot(A))
    assert cured.cause_seq == only(found, ev.Traded).seq and cured.requirement_atoms == 6_200 * 10**6


def test_a_fill_that_ends_in_a_takeover_looks_at_whom_that_relieves() -> None:
    venue = relieved(30_000)
    found = venue.trade(BACKSTOP, 6_000, 500_000, against=C)  # 13,000 lots: C is asked for everything
    assert "TakenOver" in kinds(found) and not venue.liquidating(A)
    assert venue.lots(A) == 1_000
