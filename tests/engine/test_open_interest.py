"""A requirement that rises with open interest: others' fills make a pot short while no price moves."""

from __future__ import annotations

import msgspec

from seawall.margin.rules import InstrumentMargin
from tests.engine.venue import A, B, C, Venue, flat, make_rulebook, margin_rules


def ramped() -> Venue:
    """BTC-PERP asks 5 % up to 2,000 lots of open interest and everything from 10,000 on."""
    rules = margin_rules()
    ramp = {"oi_lower_lots": 2_000, "oi_upper_lots": 10_000}
    plans = {"initial": flat(100_000_000, **ramp), "maintenance": flat(50_000_000, **ramp)}
    instruments = {**rules.instruments, "BTC-PERP": InstrumentMargin(schedules=plans)}
    venue = Venue(make_rulebook(margin=msgspec.structs.replace(rules, instruments=instruments)))
    for account in (A, B, C):
        venue.fund(account, 10_000 if account == A else 10**6)
    venue.trade(A, 1_000, 500_000)
    venue.trade(B, 6_000, 500_000, against=C)
    return venue


def test_the_next_price_finds_who_became_short_by_open_interest() -> None:
    venue = ramped()
    venue.btc(50_001)
    assert not venue.lots(A) or venue.liquidating(A)


def test_a_tick_finds_who_became_short_by_open_interest() -> None:
    venue = ramped()
    venue.wait(1)
    assert not venue.lots(A) or venue.liquidating(A)
