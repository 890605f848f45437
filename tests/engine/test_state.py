"""Bytes, batches and conservation: same digest, same future; a wrong event is stopped unwritten."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.engine import commands as cmd
from seawall.engine import events as ev
from seawall.engine.apply import apply
from seawall.engine.decide import trades_write
from seawall.engine.engine import Engine
from seawall.engine.state import INSURANCE, MARKET, State
from seawall.errors import InvariantViolation
from tests.engine.venue import START, A, B, Venue, kinds, make_rulebook, only, refused


def busy() -> Venue:
    """Orders resting, an isolated pot, a liquidation under way, a gate closed, a proposal waiting."""
    venue = Venue()
    for account in (A, B):
        venue.fund(account, 10_000)
    venue.do(
        cmd.Transfer, from_account=B, to_account=B, asset="USDC", amount_atoms=10**9, to_isolated="BTC-PERP"
    )
    venue.trade(A, 1_000, 500_000)
    venue.do(cmd.PlaceOrder, account=B, order=5, instrument="ETH-PERP", size_lots=10, price_ticks=300_000)
    venue.do(
        cmd.Override,
        by="ann",
        role="guardian",
        action="adl",
        instrument="",
        close=True,
        until_ns=START + 10**15,
    )
    venue.do(cmd.Propose, by="ann", proposal=1, rulebook=msgspec.json.encode(venue.state.rulebook))
    assert "LiquidationOrderSent" in kinds(venue.btc(42_000))
    return venue


def test_a_state_restored_from_bytes_has_the_same_digest_and_the_same_future() -> None:
    venue = busy()
    data = venue.state.to_bytes()
    other = Engine.from_bytes(venue.state.rulebook, data)
    assert other.state.to_bytes() == data and other.state.digest() == venue.state.digest()
    for ticks in (410_000, 390_000, 600_000):
        venue.price(1, BTC_PERP=ticks)
        assert other.step(venue.log[-1][0]) == venue.log[-1][1]
    assert other.state.digest() == venue.state.digest()


def test_a_state_is_not_restored_under_another_rulebook() -> None:
    venue = Venue()
    with pytest.raises(ValueError, match="written under rulebook"):
        State.from_bytes(make_rulebook(fee_ppb=1), venue.state.to_bytes())


@pytest.mark.parametrize("name", ["n_pots", "n_positions"])
@pytest.mark.parametrize("count", [2**40, 2**70, 0, -1, "many"])
def test_a_state_that_says_it_has_other_rows_than_it_holds_is_refused_before_room_is_made(
    name: str, count: object
) -> None:
    venue = busy()
    raw = msgspec.msgpack.decode(venue.state.to_bytes())
    raw[name] = min(count, 2**63) if isinstance(count, int) else count
    with pytest.raises(ValueError, match=f"{name} = .* rows take"):
        State.from_bytes(venue.state.rulebook, msgspec.msgpack.encode(raw))


def test_equal_states_have_equal_bytes_however_much_room_their_columns_have() -> None:
    venue = Venue()
    before = venue.state.digest()
    venue.state.book.reserve(pots=10_000, positions=10_000)
    assert venue.state.digest() == before


def test_following_the_recorded_events_gives_the_same_bytes_without_deciding() -> None:
    venue = busy()
    follower = Engine(make_rulebook())
    seq = 0
    for _command, events in venue.log:
        seq += 1
        follower.apply_events(seq, events)
        seq += len(events)
    assert follower.state.digest() == venue.state.digest()


def test_a_missing_event_is_noticed() -> None:
    venue = busy()
    events = venue.log[-1][1]
    follower = Engine(make_rulebook())
    with pytest.raises(InvariantViolation, match="one is missing"):
        follower.apply_events(5, events)


STEPS = st.lists(
    st.one_of(
        st.builds(lambda d: ("price", d), st.integers(300_000, 700_000)),
        st.builds(lambda a, n: ("trade", a, n), st.sampled_from([A, B]), st.integers(-800, 800)),
        st.builds(lambda a, n: ("fund", a, n), st.sampled_from([A, B]), st.integers(-1, 5_000)),
        st.builds(lambda s: ("wait", s), st.integers(0, 70)),
    ),
    max_size=25,
)


@settings(max_examples=60, deadline=None)
@given(steps=STEPS, cut=st.integers(1, 7))
def test_a_batch_gives_the_same_events_as_one_by_one(steps: list[tuple[str, ...]], cut: int) -> None:
    venue = Venue(accounts=2)
    for step in steps:
        kind, *values = step
        if kind == "price":
            venue.price(1, BTC_PERP=values[0])
        elif kind == "trade":
            venue.trade(values[0], values[1], 500_000)
        elif kind == "fund":
            venue.fund(values[0], values[1])
        else:
            venue.wait(values[0])
    batched = Engine(make_rulebook())
    commands = [command for command, _events in venue.log]
    found = []
    for start in range(0, len(commands), cut):
        found += batched.step_many(commands[start : start + cut])
    assert found == [events for _command, events in venue.log]
    assert batched.state.digest() == venue.state.digest()


# -- conservation -----------------------------------------------------------------------


def stamped(kind: type, state: State, /, **fields):
    return kind(seq=state.seq + 1, cause_seq=state.seq, time_ns=state.time_ns, **fields)


@pytest.mark.parametrize(
    ("kind", "fields", "text"),
    [
        (ev.Transferred, dict(kind="fee", entries=(ev.Entry(A, 0, -5), ev.Entry(2, 0, 4))), "add to -1"),
        (
            ev.Transferred,
            dict(kind="fee", entries=(ev.Entry(A, 0, -5), ev.Entry(2, 1, 5))),
            "entries of asset 0 add to -5",
        ),
        (
            ev.Traded,
            dict(
                instrument=0,
                kind="fill",
                price_ticks=1,
                legs=(ev.Leg(A, 1, 100, 0), ev.Leg(MARKET, -2, -100, 0)),
            ),
            "does not balance",
        ),
        (
            ev.Traded,
            dict(
                instrument=0,
                kind="fill",
                price_ticks=1,
                legs=(ev.Leg(A, 1, 100, 0), ev.Leg(MARKET, -1, -99, 0)),
            ),
            "does not balance",
        ),
        (
            ev.Traded,
            dict(
                instrument=0, kind="fill", price_ticks=1, legs=(ev.Leg(B, 0, 7, 0), ev.Leg(MARKET, 0, -7, 0))
            ),
            "cost 7 of no position",
        ),
        (
            ev.Traded,
            dict(instrument=0, kind="fill", price_ticks=1, legs=(ev.Leg(A, 1, 7, 0), ev.Leg(A, -1, -7, 0))),
            "names a pot twice",
        ),
        (
            ev.FundingPaid,
            dict(
                instrument=0,
                rate_ppb=1,
                price_ticks=1,
                pots=(7).to_bytes(8, "little"),
                amounts_atoms=(5).to_bytes(8, "little"),
                rest_atoms=0,
            ),
            "add to 5",
        ),
    ],
)
def test_an_unbalanced_event_is_stopped_before_anything_is_written(kind: type, fields, text: str) -> None:
    venue = busy()
    before = venue.state.to_bytes()
    with pytest.raises(InvariantViolation, match=text):
        apply(venue.state, stamped(kind, venue.state, **fields))
    assert venue.state.to_bytes() == before


def test_an_event_that_does_not_fit_64_bits_is_stopped_before_anything_is_written() -> None:
    venue = busy()
    before = venue.state.to_bytes()
    entries = (ev.Entry(INSURANCE, 0, 2**63 - 1), ev.Entry(B, 0, -(2**63) + 1))
    with pytest.raises(OverflowError):
        apply(venue.state, stamped(ev.Transferred, venue.state, kind="fee", entries=entries))
    assert venue.state.to_bytes() == before


def test_after_a_violation_the_engine_takes_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    venue = busy()
    monkeypatch.setattr(trades_write, "trade_leg", lambda **_: (0, 1))
    with pytest.raises(InvariantViolation, match="does not balance"):
        venue.trade(A, 1, 500_000)
    monkeypatch.undo()
    with pytest.raises(InvariantViolation, match="the engine stopped at seq"):
        venue.wait(1)


def test_a_leak_in_a_running_total_stops_the_engine_at_the_end_of_the_step() -> None:
    venue = busy()
    venue.state.balance_sum[0] += 1
    with pytest.raises(InvariantViolation, match="both must be 0"):
        venue.engine.step(cmd.Tick(time_ns=venue.now))
    with pytest.raises(InvariantViolation, match="the engine stopped"):
        venue.engine.step(cmd.Tick(time_ns=venue.now))


def test_the_full_check_finds_what_the_running_totals_do_not() -> None:
    def broken(change) -> None:
        venue = busy()
        change(venue.state)
        with pytest.raises(InvariantViolation):
            venue.engine.check()

    broken(lambda s: s.book.balances.__setitem__((A, 0), 1))
    broken(lambda s: s.book.pos_lots.__setitem__(0, 5))
    broken(lambda s: s.book.pos_bid.__setitem__(s.book.position(B, 1), 11))
    broken(lambda s: s.orders.pop(5))
    broken(lambda s: s.market.oi_lots.__setitem__(0, 1))
    broken(lambda s: s.ladders.clear())


def test_every_event_names_an_earlier_record_as_its_cause() -> None:
    venue = busy()
    seq = 0
    for _command, events in venue.log:
        seq += 1
        for event in events:
            assert 0 < event.cause_seq < event.seq
            assert event.cause_seq >= seq or not isinstance(event, ev.LiquidationStarted)
        seq += len(events)
    assert only(venue.log[-1][1], ev.LiquidationOrderSent).cause_seq > 0


def test_numbers_of_a_refusal_always_fit_a_record() -> None:
    venue = Venue()
    answer = refused(venue.do(cmd.Deposit, account=A, asset="USDC", amount_atoms=10**40))
    assert answer.numbers == {"amount": 2**63 - 1}
    answer = refused(venue.do(cmd.OpenAccount, account=-(10**40)))
    assert answer.account == -(2**63 - 1)
    msgspec.msgpack.encode(answer)
