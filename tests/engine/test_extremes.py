"""Amounts near 64 bits: what cannot be valued is left alone, and the engine goes on.

Found by storms. A contract of 2**61 atoms of a coin is worth more than 2**63 atoms of the unit, so figures of
a pot may fit at one level and not at another.
"""

from __future__ import annotations

import msgspec

from seawall.engine import commands as cmd
from seawall.engine.decide import deleverage
from seawall.engine.state import BACKSTOP
from seawall.margin.rules import Weight, WeightTier
from tests.engine.venue import A, B, C, Venue, kinds, make_rulebook, margin_rules

VAST = 580_922_558_526_251  # lots of a dollar


def test_a_pot_that_fits_its_levels_and_not_its_whole_worth_is_not_liquidated() -> None:
    little = Weight(tiers=(WeightTier(floor_atoms=0, weight_ppb=1),))
    rules = margin_rules()
    weights = {"default": rules.weights["default"] | {"BTC": little}}
    venue = Venue(make_rulebook(margin=msgspec.structs.replace(rules, weights=weights)))
    venue.trade(A, VAST, 100_913, "BTCUSD", against=B)
    venue.trade(C, 49_551_683, 462_925, "BTC-DEC", against=A)
    events = venue.do(cmd.SettleInstrument, instrument="BTCUSD", price_ticks=940_671)
    assert kinds(events)[:2] == ["Traded", "InstrumentSettled"]
    assert not venue.liquidating(A) and not venue.liquidating(B)
    assert kinds(venue.btc(50_000))  # and the venue goes on


def test_a_vault_whose_requirement_passes_64_bits_is_closed_in_equal_shares() -> None:
    venue = Venue()
    venue.trade(BACKSTOP, VAST, 100_913, "BTCUSD", against=B)
    venue.trade(BACKSTOP, 10, 500_000, "BTC-PERP", against=B)
    shares = deleverage._equity_shares(venue.state, BACKSTOP, 0, -11)
    assert [(row, share) for row, _lots, share in shares] == [(0, -6), (2, -5)]
