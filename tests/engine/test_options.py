"""Options in the engine: two prices to depend on, liquidation, and expiry to the atom."""

from __future__ import annotations

import random
from fractions import Fraction
from math import ceil, floor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.engine import commands as cmd
from seawall.engine import engine as engine_module
from seawall.engine import events as ev
from seawall.engine.state import FEES, State
from seawall.margin.statement import health
from tests.engine.option_venue import EXPIRY, OPTION_PRICES, OptionVenue, option_rulebook
from tests.engine.venue import SECOND, A, B, C, D, kinds, only, refused


def test_the_underlying_alone_liquidates_who_sold_a_call() -> None:
    """1 BTC sold at 2,000 dollars: kept 7.5 % of spot + premium. 60,000: 4,500 + 2,000 against 6,300."""
    venue = OptionVenue()
    venue.fund(A, 4_300)
    venue.trade(A, -1_000, 20_000, "C50", against=B)
    assert "LiquidationStarted" not in kinds(venue.spot(55_000))
    started = only(venue.spot(60_000), ev.LiquidationStarted)
    assert started.equity_atoms == 6_300 * 10**6 and started.requirement_atoms == 6_500 * 10**6


def test_the_options_own_price_liquidates_too_and_the_ladder_closes_it() -> None:
    venue = OptionVenue()
    venue.fund(A, 4_300)
    venue.trade(A, -1_000, 20_000, "C50", against=B)
    events = venue.spot(50_000, C50=30_000)
    assert only(events, ev.LiquidationStarted).pot == venue.pot(A)
    order = only(events, ev.LiquidationOrderSent)
    assert order.size_lots > 0 and venue.state.instruments[order.instrument].name == "C50"
    venue.fill(order, 30_000)
    assert venue.lots(A, "C50") == -1_000 + order.size_lots and not venue.liquidating(A)


def test_the_lots_that_restore_allow_for_an_options_own_fee() -> None:
    """15 dollars a coin at a spot of 50,000: the fill restores the pot, and one lot less does not."""
    fees = {"taker_fee_ppb": 300_000, "fee_cap_ppb": 125_000_000}
    for fewer, restored in ((0, True), (1, False)):
        venue = OptionVenue(option_rulebook(fees=fees))
        venue.fund(A, 4_300)
        venue.trade(A, -1_000, 20_000, "C50", against=B)
        order = only(venue.spot(50_000, C50=30_000), ev.LiquidationOrderSent)
        venue.fill(order, 30_000, order.size_lots - fewer)
        state = venue.state
        found = health(state.book, state.margin, state.market, venue.pot(A), "restore")
        assert (found.margin_atoms >= 0) is restored


def test_a_covered_call_is_not_called_upon_and_a_lost_cover_is() -> None:
    """1 BTC sold at 60,000 and bought at 50,000 never loses; sold alone it needs 6,000 + 500 at 80,000."""
    venue = OptionVenue()
    venue.fund(A, 4_000)
    venue.trade(A, 1_000, 20_000, "C50", against=B)
    venue.trade(A, -1_000, 5_000, "C60", against=B)
    assert "LiquidationStarted" not in kinds(venue.spot(80_000))
    started = only(venue.trade(A, -1_000, 30_000, "C50", against=B), ev.LiquidationStarted)
    assert started.pot == venue.pot(A) and started.requirement_atoms == 6_500 * 10**6
    assert started.equity_atoms == 5_500 * 10**6


def test_options_of_two_expiries_do_not_cover_each_other() -> None:
    venue = OptionVenue()
    venue.fund(A, 100_000)
    venue.trade(A, -1_000, 20_000, "C50", against=B)

    def needs() -> int:
        state = venue.state
        return health(state.book, state.margin, state.market, venue.pot(A), "maintenance").requirement_atoms

    naked = needs()
    venue.trade(A, 1_000, 25_000, "C50L", against=B)
    assert needs() == naked == (3_750 + 2_000) * 10**6
    venue.trade(A, 1_000, 20_000, "C50", against=B)
    assert needs() == 0


def test_who_loses_the_spot_is_unknown_and_not_liquidated() -> None:
    venue = OptionVenue()
    venue.fund(A, 4_300)
    venue.trade(A, -1_000, 20_000, "C50", against=B)
    venue.now += 70 * SECOND
    events = venue.price(**OPTION_PRICES)  # the options are fresh, their underlying is stale
    lost = [event for event in events if isinstance(event, ev.AccountUnknown)]
    assert {event.pot for event in lost} == {venue.pot(A), venue.pot(B)}
    assert {event.instrument for event in lost} == {venue.state.instrument_row["BTC-PERP"]}
    again = venue.spot(70_000)
    assert only(again, ev.LiquidationStarted).pot == venue.pot(A)


def test_expiry_pays_both_sides_to_the_atom() -> None:
    venue = OptionVenue()
    for account in (A, B):
        venue.fund(account, 50_000)
        venue.fund(account, 1, "BTC")
    venue.trade(A, 3, 20_000, "C50", against=B)
    venue.trade(A, 7, 4_000, "K50", against=B)
    refused(venue.do(cmd.SettleInstrument, instrument="C50", price_ticks=555_555), "has not expired")
    before = {name: venue.balance(A, name) for name in ("USDC", "BTC")}
    fees = int(venue.state.book.balances[FEES, 1])
    venue.now = EXPIRY
    venue.do(cmd.SettleInstrument, instrument="C50", price_ticks=555_555)
    events = venue.do(cmd.SettleInstrument, instrument="K50", price_ticks=555_555)
    assert only(events, ev.Traded).kind == "expiry"
    # 3 lots: 3 * 5,555.5 * 0.001 less the 3 * 2 paid. 7 lots: 0.007 * 5,555.5 / 55,555.5 coin less 0.0028.
    assert venue.balance(A) - before["USDC"] == 3 * 5_555_500 - 3 * 2_000_000
    paid = Fraction(7, 1000) * Fraction(55_555, 555_555) * 10**8
    assert venue.balance(A, "BTC") - before["BTC"] == floor(paid) - 7 * 4_000 * 1
    assert venue.balance(B, "BTC") - before["BTC"] == 7 * 4_000 * 1 - ceil(paid)
    assert int(venue.state.book.balances[FEES, 1]) == fees + 1
    assert venue.lots(A, "C50") == venue.lots(B, "K50") == 0
    refused(venue.trade(A, 1, 20_000, "C50", against=B), "has been settled")


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(st.sampled_from([A, B, C]), st.integers(-500, 500).filter(bool)), min_size=1, max_size=6
    ),
    st.sampled_from(sorted(set(OPTION_PRICES) - {"C50L"})),
    st.integers(1_000, 9_000_000),
)
def test_expiry_conserves_and_rounds_against_everyone(trades, name, delivery) -> None:
    venue = OptionVenue()
    for account in (A, B, C, D):  # enough that nobody is liquidated or bankrupt
        venue.fund(account, 10**8)
        venue.fund(account, 10**6, "BTC")
    for account, lots in trades:
        venue.trade(account, lots, OPTION_PRICES[name], name, against=D)
    listed = venue.state.rulebook.instrument(name)
    asset = venue.state.asset_row[listed.settle]
    held = {account: venue.lots(account, name) for account in (A, B, C)}
    before = venue.state.book.balances[:, asset].copy()
    cost = {a: _cost(venue, a, name) for a in held}
    venue.now = EXPIRY
    venue.do(cmd.SettleInstrument, instrument=name, price_ticks=delivery)
    after = venue.state.book.balances[:, asset]
    assert after.sum() == before.sum() == 0
    spot = Fraction(delivery, 10)
    inside = spot - listed.strike_units if listed.is_call else listed.strike_units - spot
    each = (
        max(inside, Fraction(0)) / 1000 * 10**6
        if listed.settle == "USDC"
        else max(inside, Fraction(0)) / spot * 10**5
    )
    for account, lots in held.items():
        pot = venue.pot(account)
        assert int(after[pot] - before[pot]) == floor(lots * each) - cost[account]


def _cost(venue: OptionVenue, account: int, name: str) -> int:
    slot = venue.state.book.position(venue.pot(account), venue.state.instrument_row[name])
    return int(venue.state.book.pos_cost[slot]) if slot >= 0 else 0


def test_a_trade_costs_a_rate_of_the_spot_and_no_more_than_a_share_of_the_price() -> None:
    """0.03 % of 50,000 is 15 dollars a coin; 12.5 % of 40 dollars is 5."""
    fees = {"taker_fee_ppb": 300_000, "fee_cap_ppb": 125_000_000}
    venue = OptionVenue(option_rulebook(fees=fees))
    venue.fund(A, 10_000)
    for price, fee in ((20_000, 15), (400, 5)):
        before = venue.balance(A)
        venue.trade(A, 1_000, price, "C50", against=B)
        assert before - venue.balance(A) == fee * 10**6


def test_more_than_could_be_margined_is_refused() -> None:
    """At a tick a lot costs next to nothing; its underlying's worth has to fit 64 bits all the same."""
    venue = OptionVenue()
    refused(venue.trade(A, 2**61 // (500_000 * 100) + 1, 1, "C50", against=B), "2**61")


def test_a_state_with_options_is_restored_from_its_bytes() -> None:
    venue = OptionVenue()
    venue.fund(A, 5_000)
    venue.trade(A, -10, 20_000, "C50", against=B)
    again = State.from_bytes(venue.state.rulebook, venue.state.to_bytes())
    assert again.digest() == venue.state.digest()


def storm(seed: int, steps: int = 160) -> bytes:
    """A run of random trades, moves of spot and of options, fills of whatever is liquidated, and expiries."""
    chance, venue = random.Random(seed), OptionVenue()
    spot, marks = 50_000.0, dict(OPTION_PRICES)
    for account in (A, B, C, D):
        venue.fund(account, chance.choice([3_000, 20_000, 200_000]))
        venue.fund(account, 0.05, "BTC")
    for _ in range(steps):
        deed = chance.random()
        if deed < 0.45:
            name = chance.choice([*marks, "BTC-PERP"])
            ticks = marks.get(name, round(spot * 10))
            venue.trade(
                chance.choice([A, B]),
                chance.choice([-300, -40, 25, 200]),
                ticks,
                name,
                against=chance.choice([C, D]),
            )
        elif deed < 0.9:
            spot *= 1 + chance.choice([-0.06, -0.01, 0.002, 0.01, 0.05])
            alone = chance.random() < 0.5  # spot moves and options do not, or they move as well
            marks = (
                marks
                if alone
                else {
                    name: max(1, round(mark * chance.choice([0.6, 1, 1, 1.5])))
                    for name, mark in marks.items()
                }
            )
            for event in venue.spot(spot, **marks):
                if isinstance(event, ev.LiquidationOrderSent) and chance.random() < 0.7:
                    ticks = marks.get(venue.state.instruments[event.instrument].name, round(spot * 10))
                    if event.order in venue.state.orders:
                        venue.fill(event, ticks)
        else:
            venue.wait(1)
        if venue.state.halted:
            break
    if not venue.state.halted:
        venue.now = max(venue.now, EXPIRY)
        for name in ("C50", "K50", "P40"):
            venue.do(cmd.SettleInstrument, instrument=name, price_ticks=round(spot * 10))
    return venue.state.digest()


@pytest.mark.parametrize("seed", range(6))
def test_storms_with_options_end_the_same_with_and_without_the_sieve(seed, monkeypatch) -> None:
    sieved = storm(seed)
    monkeypatch.setattr(engine_module, "Sieve", lambda: None)
    assert storm(seed) == sieved
