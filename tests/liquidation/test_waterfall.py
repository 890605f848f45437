"""The insurance-type tiers: amounts, reasons, conservation; and the structs as read from a rulebook."""

from __future__ import annotations

import tomllib

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.errors import InputError
from seawall.liquidation.tiers import AdlTier, InsuranceTier, SocialiseTier, WaterfallTier
from seawall.liquidation.waterfall import DrawReason, draw
from seawall.units import PPB
from tests.liquidation.regimes import HUGE

FUND = InsuranceTier(fund="if")


def one(tier: InsuranceTier, held: int, deficit: int, **more: object) -> tuple[int, DrawReason]:
    found = draw([tier], {tier.fund: held}, deficit, **more)
    assert found.paid_atoms + found.remaining_atoms == deficit
    return found.paid_atoms, found.payments[0].reason


def test_up_to_pays_what_is_there() -> None:
    assert one(FUND, 100, 60) == (60, DrawReason.PAID_ALL)
    assert one(FUND, 60, 100) == (60, DrawReason.PAID_FUND)
    assert one(FUND, 0, 100) == (0, DrawReason.FUND_EMPTY)
    assert one(FUND, 100, 0) == (0, DrawReason.NOTHING_DUE)


def test_dydx_fund_pays_the_whole_loss_or_nothing() -> None:
    tier = InsuranceTier(fund="if", rule="all_or_nothing")
    assert one(tier, 100, 100) == (100, DrawReason.PAID_ALL)
    assert one(tier, 99, 100) == (0, DrawReason.NOT_ENOUGH_FOR_ALL)


def test_drift_fund_pays_up_to_the_market_cap_and_keeps_one_atom() -> None:
    tier = InsuranceTier(fund="if", rule="capped", cap_room=True, keep_atoms=1)
    assert one(tier, 1000, 800, room_atoms={"if": 300}) == (300, DrawReason.PAID_CAPPED)
    assert one(tier, 200, 800, room_atoms={"if": 300}) == (199, DrawReason.PAID_FUND)
    assert one(tier, 1, 800, room_atoms={"if": 300}) == (0, DrawReason.FUND_EMPTY)
    assert one(tier, 1000, 800, room_atoms={"if": 0}) == (0, DrawReason.NO_ROOM)


def test_a_share_of_the_fund_is_rounded_down() -> None:
    tier = InsuranceTier(fund="if", rule="capped", cap_ppb=PPB // 3)
    assert one(tier, 100, 90) == (33, DrawReason.PAID_CAPPED)
    assert one(tier, 2, 90) == (0, DrawReason.NO_ROOM)
    assert one(InsuranceTier(fund="if", rule="capped", cap_atoms=7, cap_ppb=PPB), 100, 90) == (
        7,
        DrawReason.PAID_CAPPED,
    )


def test_all_or_nothing_with_a_cap_pays_nothing_above_it() -> None:
    tier = InsuranceTier(fund="if", rule="all_or_nothing", cap_atoms=50)
    assert one(tier, 100, 51) == (0, DrawReason.NOT_ENOUGH_FOR_ALL)
    assert one(tier, 100, 50) == (50, DrawReason.PAID_ALL)


def test_preconditions_are_named_when_they_stop_a_tier() -> None:
    assert one(InsuranceTier(fund="if", min_deficit_atoms=10), 100, 9) == (
        0,
        DrawReason.DEFICIT_BELOW_MINIMUM,
    )
    assert one(InsuranceTier(fund="if", min_fund_atoms=10), 9, 100) == (0, DrawReason.FUND_BELOW_MINIMUM)
    assert one(InsuranceTier(fund="if", min_deficit_atoms=10, min_fund_atoms=10), 10, 10)[0] == 10


def test_the_order_of_tiers_is_the_order_of_payment_and_one_fund_is_never_paid_out_twice() -> None:
    # drift-bankr-perp-feepool: insurance empty, fee pool 50, loss 100 -> 50 to socialise
    found = draw([FUND, InsuranceTier(fund="fees")], {"if": 0, "fees": 50}, 100)
    assert [p.paid_atoms for p in found.payments] == [0, 50] and found.remaining_atoms == 50
    twice = draw([InsuranceTier(fund="if", rule="capped", cap_atoms=30), FUND], {"if": 100}, 500)
    assert [p.paid_atoms for p in twice.payments] == [30, 70]
    assert [p.fund_before_atoms for p in twice.payments] == [100, 70]
    assert [p.due_atoms for p in twice.payments] == [500, 470]


def test_two_tiers_on_one_fund_share_its_room() -> None:
    capped = InsuranceTier(fund="if", rule="capped", cap_atoms=30, cap_room=True)
    found = draw([capped, capped, capped], {"if": 1000}, 500, room_atoms={"if": 50})
    assert [p.paid_atoms for p in found.payments] == [30, 20, 0]
    assert found.payments[2].reason is DrawReason.NO_ROOM and found.remaining_atoms == 450


@st.composite
def tiers(draw_: st.DrawFn) -> InsuranceTier:
    amount = st.one_of(st.integers(0, 5), st.integers(0, HUGE))
    rule = draw_(st.sampled_from(["up_to", "all_or_nothing", "capped"]))
    caps: dict[str, object] = {}
    if rule != "up_to":
        caps = {
            "cap_atoms": draw_(st.one_of(st.none(), amount)),
            "cap_ppb": draw_(st.one_of(st.none(), st.integers(0, PPB))),
            "cap_room": rule == "capped",
        }
    return InsuranceTier(
        fund=draw_(st.sampled_from(["a", "b"])),
        rule=rule,
        keep_atoms=draw_(st.sampled_from([0, 1, HUGE])),
        min_deficit_atoms=draw_(st.sampled_from([0, 3])),
        min_fund_atoms=draw_(st.sampled_from([0, 3])),
        **caps,
    )


@given(
    st.lists(tiers(), max_size=4), st.integers(0, HUGE), st.integers(0, HUGE), st.integers(0, HUGE), st.data()
)
def test_paid_and_remaining_add_up_and_no_fund_falls_below_what_it_keeps(
    row, first, second, room, data
) -> None:
    deficit = data.draw(st.sampled_from([0, 1, 5, first, first + second, 3 * HUGE]))
    held = {"a": first, "b": second}
    found = draw(row, held, deficit, room_atoms={"a": room, "b": room})
    assert found.paid_atoms == sum(p.paid_atoms for p in found.payments)
    assert found.paid_atoms + found.remaining_atoms == deficit and len(found.payments) == len(row)
    left = dict(held)
    for tier, payment in zip(row, found.payments):
        assert payment.fund_before_atoms == left[tier.fund]
        left[tier.fund] -= payment.paid_atoms
        assert payment.paid_atoms == 0 or left[tier.fund] >= tier.keep_atoms
        assert (payment.paid_atoms > 0) == payment.reason.value.startswith("paid")
        if tier.rule == "all_or_nothing":
            assert payment.paid_atoms in (0, payment.due_atoms)
    assert held == {"a": first, "b": second}  # the caller's mapping is untouched


@pytest.mark.parametrize(
    "call",
    [
        lambda: draw([FUND], {}, 1),
        lambda: draw([FUND], {"if": -1}, 1),
        lambda: draw([FUND], {"if": 1}, -1),
        lambda: draw([InsuranceTier(fund="if", rule="capped", cap_room=True)], {"if": 1}, 1),
    ],
)
def test_bad_input_is_refused_with_a_reason(call) -> None:
    with pytest.raises(InputError, match=r"\n  "):
        call()


# --- tiers as data --------------------------------------------------------------------------------

TABLE = """
[[waterfall]]
kind = "insurance"
fund = "insurance-fund"
rule = "all_or_nothing"
[[waterfall]]
kind = "adl"
ranker = "unranked"
seed_from = "sequence"
price = "bankruptcy"
[[waterfall]]
kind = "socialise"
method = "open_interest"
sides = "winning"
"""


def test_a_waterfall_is_read_from_toml_and_survives_a_round_trip() -> None:
    read = msgspec.convert(tomllib.loads(TABLE)["waterfall"], type=list[WaterfallTier])
    assert [type(tier) for tier in read] == [InsuranceTier, AdlTier, SocialiseTier]
    assert [tier.kind for tier in read] == ["insurance", "adl", "socialise"]
    assert msgspec.json.decode(msgspec.json.encode(read), type=list[WaterfallTier]) == read


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"kind": "lottery"}, "lottery"),
        ({"kind": "insurance", "fund": ""}, "name the fund"),
        ({"kind": "insurance", "fund": "f", "rule": "capped"}, "needs cap_atoms"),
        ({"kind": "insurance", "fund": "f", "cap_atoms": 5}, "cap is set"),
        ({"kind": "insurance", "fund": "f", "rule": "capped", "cap_ppb": PPB + 1}, "whole fund"),
        ({"kind": "insurance", "fund": "f", "keep_atoms": -1}, "keep_atoms = -1"),
        ({"kind": "insurance", "fund": "f", "cap": 5}, "unknown field `cap`"),
        ({"kind": "adl", "ranker": "unranked"}, "seed_from"),
        ({"kind": "adl", "ranker": "binance", "seed_from": "sequence"}, "seed_from"),
        ({"kind": "adl", "ranker": "bitmex", "direction": "inverted"}, "no meaning"),
        ({"kind": "adl", "ranker": "dice"}, "dice"),
        (
            {"kind": "adl", "ranker": "pnl", "drawdown": {"start_drop_ppb": 1, "stop_drop_ppb": 2}},
            "stop_drop_ppb",
        ),
        ({"kind": "adl", "ranker": "pnl", "min_deficit_atoms": -1}, "min_deficit_atoms"),
        ({"kind": "socialise", "method": "positive_equity", "sides": "winning"}, "no meaning"),
        ({"kind": "socialise", "method": "prayer"}, "prayer"),
        ({"kind": "socialise", "method": "open_interest", "min_deficit_atoms": -1}, "min_deficit_atoms"),
    ],
)
def test_a_tier_that_contradicts_itself_is_refused_with_its_place(table, says) -> None:
    with pytest.raises(msgspec.ValidationError, match=says) as caught:
        msgspec.convert([table], type=list[WaterfallTier])
    assert "$[0]" in str(caught.value)
