"""Prices good and bad: what is taken in, what is refused, and what a missing price does to an account."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.engine import commands as cmd
from seawall.engine import events as ev
from seawall.engine.decide.prices import _believable
from seawall.engine.engine import Engine
from seawall.ledger.trade import notional
from tests.engine.venue import (
    PRICES,
    SECOND,
    A,
    B,
    Venue,
    kinds,
    make_rulebook,
    only,
    policy,
    refused,
    unchanged,
)


def report(venue: Venue, *rows: cmd.SourcePrice):
    return venue.do(cmd.ReportPrices, prices=rows)


def row(venue: Venue, ticks: int, *, name: str = "BTC-PERP", source: str = "a", age: int = 0, wide: int = 0):
    return cmd.SourcePrice(name, source, ticks, venue.now - age * SECOND, wide)


@pytest.mark.parametrize(
    ("ticks", "text"),
    [
        (0, "positive number of ticks"),
        (-500_000, "positive number of ticks"),
        (2**63, "positive number of ticks"),
        (500_000 * 10_000 + 1, "10000 times"),
        (49, "10000 times"),
    ],
)
def test_an_impossible_price_is_refused_and_changes_nothing(ticks: int, text: str) -> None:
    venue = Venue()
    before = unchanged(venue)
    refused(report(venue, row(venue, ticks)), text)
    assert unchanged(venue) == before


def test_ten_thousand_times_the_last_index_is_the_last_price_believed() -> None:
    venue = Venue()
    venue.now += SECOND
    assert "MarkSet" in kinds(report(venue, row(venue, 500_000 * 10_000)))


def test_prices_from_the_past_the_future_or_an_unknown_source_are_refused() -> None:
    venue = Venue()
    venue.now += 10 * SECOND
    refused(report(venue, row(venue, 500_000, age=-1)), "future")
    refused(report(venue, row(venue, 500_000, age=11)), "before its last word")
    refused(report(venue, row(venue, 500_000, source="zz")), "unknown source 'zz'; the rulebook names a")
    refused(report(venue, row(venue, 500_000, name="DOGE")), "unknown instrument")
    refused(report(venue, row(venue, 500_000, wide=-1)), "positive number")


def test_one_bad_price_refuses_the_whole_report() -> None:
    venue = Venue()
    venue.now += SECOND
    before = unchanged(venue)
    refused(report(venue, row(venue, 500_100), row(venue, 0, name="ETH-PERP")))
    assert unchanged(venue) == before


def test_the_same_source_twice_in_one_report_is_refused() -> None:
    venue = Venue()
    refused(report(venue, row(venue, 500_000), row(venue, 500_001)), "twice")


def test_a_report_repeated_to_the_letter_changes_no_mark() -> None:
    venue = Venue()
    assert "MarkSet" not in kinds(venue.price(**PRICES))


def test_time_never_goes_back() -> None:
    venue = Venue()
    venue.wait(10)
    venue.now -= SECOND
    answer = refused(venue.do(cmd.Tick), "time goes back")
    assert answer.time_ns == venue.now + SECOND
    venue.now = 2**63
    refused(venue.do(cmd.Tick), "beyond 64 bits")


def test_an_outlier_is_rejected_and_the_median_of_the_rest_stands() -> None:
    venue = Venue(make_rulebook(oracle=policy("a", "b", "c", quorum=2)))
    venue.now += SECOND
    found = report(
        venue, row(venue, 501_000), row(venue, 503_000, source="b"), row(venue, 900_000, source="c")
    )
    mark = only(found, ev.MarkSet)
    assert (mark.mark_ticks, mark.used, mark.rejected) == (502_000, 2, 1)


def test_without_a_quorum_the_last_price_stands_and_the_account_is_unknown() -> None:
    venue = Venue(make_rulebook(oracle=policy("a", "b", "c", quorum=2)))
    venue.fund(A, 10_000)
    venue.trade(A, 100, 500_000)
    venue.now += SECOND
    rows = [
        row(venue, ticks, source=source) for source, ticks in (("a", 300_000), ("b", 500_000), ("c", 900_000))
    ]
    found = report(venue, *rows)
    assert only(found, ev.MarkSet).mark_ticks == 500_000
    assert only(found, ev.AccountUnknown).pot == venue.pot(A)


def test_a_stale_price_makes_its_holders_unknown_never_liquidated_until_it_returns() -> None:
    venue = Venue()
    venue.fund(A, 10_000)
    venue.trade(A, 1_000, 500_000)
    found = venue.wait(61)
    assert only(found, ev.AccountUnknown).pot == venue.pot(A)
    venue.price(ETH_PERP=300_000, BTC_SPOT=500_000)
    assert not venue.liquidating(A)
    place = dict(account=A, order=1, instrument="BTC-PERP", price_ticks=500_000)
    refused(venue.do(cmd.PlaceOrder, size_lots=1, **place))
    assert kinds(venue.do(cmd.PlaceOrder, size_lots=-1, **place)) == ["OrderPlaced"]
    found = venue.price(1, BTC_PERP=410_000)
    assert [name for name in kinds(found) if name.startswith(("Account", "Liq"))] == [
        "AccountKnown",
        "LiquidationStarted",
        "LiquidationOrderSent",
    ]


def test_a_stale_price_of_one_market_leaves_holders_of_others_alone() -> None:
    venue = Venue()
    venue.fund(A, 10_000)
    venue.fund(B, 10_000)
    venue.trade(A, 100, 500_000)
    venue.trade(B, 100, 300_000, "ETH-PERP")
    venue.price(30, ETH_PERP=300_000)
    assert only(venue.wait(31), ev.AccountUnknown).pot == venue.pot(A)


def test_collateral_without_a_price_makes_a_holder_of_positions_unknown() -> None:
    venue = Venue()
    venue.fund(A, 10_000)
    venue.fund(A, 0.1, "BTC")
    venue.trade(A, 100, 300_000, "ETH-PERP")
    venue.price(30, ETH_PERP=300_000)
    found = only(venue.wait(31), ev.AccountUnknown)
    assert venue.state.instruments[found.instrument].name == "BTC-SPOT"


def test_a_report_sweeps_only_those_who_depend_on_what_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    from seawall.engine.decide import sweep

    venue = Venue()
    for account, name, ticks in ((A, "BTC-PERP", 500_000), (B, "ETH-PERP", 300_000)):
        venue.fund(account, 10_000)
        venue.trade(account, 10, ticks, name)
    seen: list[list[int]] = []
    real = sweep._codes

    def looked_at(state, pots):
        seen.append(list(pots))
        return real(state, pots)

    monkeypatch.setattr(sweep, "_codes", looked_at)
    venue.price(1, ETH_PERP=300_100)
    assert seen == []  # the sieve knows that nobody is near a line
    venue.state.sieve = None
    venue.price(2, ETH_PERP=300_000)
    assert seen == [[venue.pot(B)]]


def test_numbers_beyond_64_bits_make_an_account_unknown_and_the_engine_goes_on() -> None:
    """A balance and a price, each allowed, and a product that is not: never safe, never liquidated."""
    venue = Venue(prices=False)
    venue.do(cmd.Deposit, account=A, asset="BTC", amount_atoms=2**61)
    venue.fund(B, 10_000)
    venue.trade(A, 10, 500_000)
    venue.trade(B, 10, 500_000)
    found = venue.price(1, **PRICES)
    assert [event.pot for event in found if isinstance(event, ev.AccountUnknown)] == [venue.pot(A)]
    refused(venue.do(cmd.Withdraw, account=A, asset="BTC", amount_atoms=1), "unknown")
    venue.btc(30_000)
    assert not venue.liquidating(A)


@pytest.mark.parametrize("ticks", [9_223_372_036, 9_223_372_037, 10**13])
def test_a_price_of_many_ticks_is_kept_like_any_other(ticks: int) -> None:
    """Slow price and basis are kept in 1e-9 ticks; of fine ticks and dear coins those pass 64 bits."""
    venue = Venue(prices=False)
    for at in (1, 2):
        venue.price(at, ETH_PERP=ticks * at)
    state = venue.engine.state
    again = Engine.from_bytes(state.rulebook, state.to_bytes()).state
    assert again.digest() == state.digest()
    row = state.instrument_row["ETH-PERP"]
    assert again.prices[row].index_ticks == again.prices[row].stable_ticks == 2 * ticks


@given(
    st.sampled_from(["BTC-PERP", "BTCUSD"]),
    st.sampled_from([0, 1, 49, 10_001, 500_000, 2**62]),
    st.one_of(st.integers(0, 2**62), st.sampled_from([1, 2**20, 2**61])),
    st.integers(-2, 2),
)
def test_the_range_of_believable_prices_is_where_every_check_passes(
    name: str, index: int, open_lots: int, off: int
) -> None:
    state = Venue().engine.state
    row = state.instrument_row[name]
    state.market.oi_lots[row] = open_lots
    state.prices[row] = msgspec.structs.replace(state.prices[row], index_ticks=index)
    instrument = state.instruments[row]

    def passes(ticks: int) -> bool:
        if not 0 < ticks < 2**63 or (index and not index <= ticks * 10**4 <= index * 10**8):
            return False
        worst = max(ticks // 2, 1) if instrument.kind.inverse else 2 * ticks
        return notional(instrument, open_lots, worst) <= 2**62

    least, most = _believable(state, row)
    for ticks in (least + off, most + off, (least + most) // 2):
        assert passes(ticks) == (least <= ticks <= most)
