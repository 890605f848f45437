"""Deleveraging: rankers against published vectors and exact order, filling, lights, prices, triggers."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.errors import InputError
from seawall.liquidation import adl
from seawall.liquidation.adl_rank import AdlCandidates, Ranking, compare_scores, rank, splitmix64
from seawall.liquidation.tiers import DrawdownTrigger
from seawall.units import PPB
from tests.liquidation.regimes import HUGE, amounts, ids_for

RANKERS = [
    "binance", "bitmex", "hyperliquid", "hyperliquid_decompiled", "pnl", "leverage", "pro_rata", "unranked",
]  # fmt: skip
USD = 10**6


def i64(values) -> np.ndarray:
    return np.array(list(values), dtype=np.int64)


def candidates(**columns) -> AdlCandidates:
    count = len(next(iter(columns.values())))
    zero = [0] * count
    names = AdlCandidates.__struct_fields__
    base = {"pot_ids": range(count), "lots": [1] * count}
    return AdlCandidates(**{name: i64(columns.get(name, base.get(name, zero))) for name in names})


def score(ranking: Ranking, row: int) -> Fraction:
    return Fraction(ranking.numerators[row], ranking.denominators[row])


@st.composite
def any_candidates(draw: st.DrawFn) -> AdlCandidates:
    lots = draw(amounts())
    count = len(lots)
    signed = st.one_of(st.integers(-5, 5), st.integers(-HUGE, HUGE), st.just(10**12))

    def values() -> np.ndarray:
        return i64(draw(st.lists(signed, min_size=count, max_size=count)))

    names = [name for name in AdlCandidates.__struct_fields__ if name not in ("pot_ids", "lots")]
    return AdlCandidates(
        pot_ids=i64(draw(ids_for(count))), lots=i64(lots), **{name: values() for name in names}
    )


# --- rankers: published and derived numbers -------------------------------------------------------


def test_binance_score_of_the_reported_position() -> None:
    # vector binance-adl-leverage-pnl: wallet 4.27, uPnL 40.2, margin ratio .1342 -> LeveragePnl 1.26
    wallet, profit = 4_270_000, 40_200_000
    maintenance = (wallet + profit) * 1342 // 10_000
    found = rank(
        candidates(
            unrealised_atoms=[profit],
            wallet_atoms=[wallet],
            account_value_atoms=[wallet + profit],
            maintenance_atoms=[maintenance],
        ),
        "binance",
        unit_atoms=USD,
    )
    assert abs(score(found, 0) - Fraction("1.26")) <= Fraction("0.005")
    assert abs(score(found, 0) - Fraction("1.2634285714285718")) < Fraction(1, 10**6)


def test_binance_counts_a_wallet_below_one_unit_as_one_unit_and_an_underwater_account_as_zero() -> None:
    rows = candidates(
        unrealised_atoms=[9 * USD, 9 * USD, -USD],
        wallet_atoms=[1, -20 * USD, 5 * USD],
        account_value_atoms=[9 * USD + 1, -11 * USD, 4 * USD],
        maintenance_atoms=[USD, USD, USD],
    )
    found = rank(rows, "binance", unit_atoms=USD)
    assert score(found, 0) == Fraction(9 * USD, USD) * Fraction(USD, 9 * USD + 1)
    assert score(found, 1) == 0 and score(found, 2) == 0


def test_bitmex_score_of_the_derived_vector_and_its_mirror_for_shorts() -> None:
    # vector bitmex-adl-score: entry 100, mark 110, bankrupt 80 -> PnL% .1, EffLev 3.667, score .3667
    found = rank(
        candidates(entry_value_atoms=[100], mark_value_atoms=[110], bankruptcy_value_atoms=[80]), "bitmex"
    )
    assert score(found, 0) == Fraction(11, 30)
    short = rank(  # short at 110, mark 100, bankrupt 130: values are negative; PnL 10/110, EffLev 100/30
        candidates(entry_value_atoms=[-110], mark_value_atoms=[-100], bankruptcy_value_atoms=[-130]), "bitmex"
    )
    assert score(short, 0) == Fraction(10, 110) * Fraction(100, 30)


def test_bitmex_divides_a_loss_by_leverage_so_the_more_levered_loser_is_hit_before_the_less_levered_one() -> (
    None
):
    rows = candidates(
        entry_value_atoms=[100, 100], mark_value_atoms=[90, 90], bankruptcy_value_atoms=[80, 45]
    )
    found = rank(rows, "bitmex")
    assert [score(found, i) for i in (0, 1)] == [Fraction(-10, 100) / 9, Fraction(-10, 100) / 2]
    assert list(found.order) == [0, 1]


def test_bitmex_quintiles_and_fills_of_the_published_example() -> None:
    # vector bitmex-adl-quintile: accounts 1..6
    quantity, points = [10, 10, 20, 30, 20, 10], [3, 6, 1, 4, 5, 2]
    order = sorted(range(6), key=lambda i: -points[i])
    fifths = adl.quantile_by_quantity(i64(order), i64(quantity))
    assert [20 * int(q) for q in fifths] == [80, 20, 100, 60, 40, 80]
    fill = adl.fill_queue(i64(order), i64(quantity), 20)
    assert list(fill.lots) == [0, 10, 0, 0, 10, 0] and fill.remaining_lots == 0
    assert adl.adl_price_ticks("bankruptcy", bankruptcy_ticks=(650, 1)) == 650


def test_hyperliquid_documented_index_of_the_venue_vector() -> None:
    # vector hyperliquid-adl-index-0: order b, c, a
    rows = candidates(
        entry_value_atoms=[50 * 10, 90 * 90, 80 * 50],  # lots = notional / mark 100
        mark_value_atoms=[1000, 9000, 5000],
        account_value_atoms=[2000, 1000, 5000],
    )
    found = rank(rows, "hyperliquid")
    assert [score(found, i) for i in range(3)] == [1, 10, Fraction(5, 4)]
    assert list(found.order) == [1, 2, 0]


def test_the_two_hyperliquid_formulas_order_the_same_two_longs_differently() -> None:
    # vector hyperliquid-adl-index: documented 10.1 / 7.5, decompiled .1 / 2.5
    # A: mark 101, entry 100, notional 1000 (entry notional 1000*100/101); scaled by 101 to stay whole
    mark = [1000 * 101, 500 * 101 * 3]
    entry = [1000 * 100, 500 * 101 * 2]
    rows = candidates(
        entry_value_atoms=entry,
        mark_value_atoms=mark,
        unrealised_atoms=[m - e for m, e in zip(mark, entry)],
        account_value_atoms=[100 * 101, 100 * 101 * 3],
    )
    documented, decompiled = rank(rows, "hyperliquid"), rank(rows, "hyperliquid_decompiled")
    assert [score(documented, i) for i in (0, 1)] == [Fraction("10.1"), Fraction("7.5")]
    assert [score(decompiled, i) for i in (0, 1)] == [Fraction("0.1"), Fraction("2.5")]
    assert list(documented.order) == [0, 1] and list(decompiled.order) == [1, 0]


def test_hyperliquid_literal_puts_a_losing_short_first_and_inverted_puts_the_winner_first() -> None:
    rows = candidates(  # shorts of 1 lot at entry 80 (loses at mark 100) and 120 (wins)
        entry_value_atoms=[-80, -120], mark_value_atoms=[-100, -100], account_value_atoms=[50, 50]
    )
    assert list(rank(rows, "hyperliquid").order) == [0, 1]
    assert list(rank(rows, "hyperliquid", direction="inverted").order) == [1, 0]
    longs = candidates(entry_value_atoms=[80, 120], mark_value_atoms=[100, 100], account_value_atoms=[50, 50])
    for direction in ("literal", "inverted"):
        assert list(rank(longs, "hyperliquid", direction=direction).order) == [0, 1]


def test_hyperliquid_decompiled_score_of_a_loser_is_zero_whatever_its_leverage() -> None:
    rows = candidates(
        entry_value_atoms=[100, 100, 100],
        mark_value_atoms=[90, 90, 101],
        unrealised_atoms=[-10, -10, 1],
        account_value_atoms=[9, 900, 900],
    )
    found = rank(rows, "hyperliquid_decompiled")
    assert [score(found, i) for i in range(3)] == [0, 0, Fraction(101, 900) * Fraction(1, 100)]


def test_plain_rankers_go_by_profit_leverage_and_size() -> None:
    rows = candidates(
        lots=[3, 9, 5],
        unrealised_atoms=[5, -2, 8],
        mark_value_atoms=[-10, -30, -20],
        account_value_atoms=[1, 100, 0],
    )
    assert list(rank(rows, "pnl").order) == [2, 0, 1]
    assert list(rank(rows, "leverage").order) == [2, 0, 1]  # an account worth nothing counts as one atom
    assert list(rank(rows, "pro_rata").order) == [1, 2, 0]


# --- rankers: properties --------------------------------------------------------------------------


@given(
    any_candidates(), st.sampled_from(RANKERS), st.sampled_from(["literal", "inverted"]), st.integers(0, HUGE)
)
def test_every_ranker_sorts_by_its_exact_score_then_by_the_lowest_id(rows, ranker, direction, seed) -> None:
    found = rank(rows, ranker, direction=direction, seed=seed, unit_atoms=USD)
    order = [int(i) for i in found.order]
    assert sorted(order) == list(range(len(rows.lots)))
    assert all(d > 0 for d in found.denominators)
    expected = sorted(order, key=lambda i: (-score(found, i), int(rows.pot_ids[i])))
    assert order == expected


@given(any_candidates(), st.sampled_from(RANKERS), st.data())
def test_the_order_of_the_rows_does_not_change_who_comes_first(rows, ranker, data) -> None:
    mix = data.draw(st.permutations(range(len(rows.lots))))
    mixed = AdlCandidates(**{n: getattr(rows, n)[list(mix)] for n in AdlCandidates.__struct_fields__})
    ids = [int(rows.pot_ids[i]) for i in rank(rows, ranker, seed=7).order]
    assert [int(mixed.pot_ids[i]) for i in rank(mixed, ranker, seed=7).order] == ids


def test_scores_closer_than_a_float_can_tell_are_still_ordered() -> None:
    near = 2**61
    rows = candidates(
        mark_value_atoms=[near, near + 1], account_value_atoms=[near + 1, near + 2], pot_ids=[1, 2]
    )
    assert near / (near + 1) == (near + 1) / (near + 2)  # floats cannot tell them apart
    assert list(rank(rows, "leverage").order) == [1, 0]
    assert compare_scores((near, near + 1), (near + 1, near + 2)) == -1


def test_equal_scores_written_differently_are_a_tie() -> None:
    rows = candidates(mark_value_atoms=[2, 1, 3], account_value_atoms=[6, 3, 9], pot_ids=[30, 10, 20])
    assert list(rank(rows, "leverage").order) == [1, 2, 0]
    assert compare_scores((2, 6), (1, 3)) == 0


def test_unranked_walks_the_ids_round_from_a_start_that_depends_on_the_seed_alone() -> None:
    rows = candidates(pot_ids=[50, 10, 40, 20, 30])
    starts = set()
    for seed in range(64):
        ids = [int(rows.pot_ids[i]) for i in rank(rows, "unranked", seed=seed).order]
        assert ids == [int(rows.pot_ids[i]) for i in rank(rows, "unranked", seed=seed).order]
        first = sorted(ids).index(ids[0])
        assert ids == (sorted(ids) * 2)[first : first + 5]
        starts.add(ids[0])
    assert starts == {10, 20, 30, 40, 50}


def test_splitmix64_gives_the_published_sequence() -> None:
    # the sequence implementations are checked with, seed 1234567; the state grows by the constant
    state, out = 1234567, []
    for _ in range(3):
        out.append(splitmix64(state))
        state += 0x9E3779B97F4A7C15
    assert out == [6457827717110365317, 3203168211198807973, 9817491932198370423]


def test_no_candidates_is_an_empty_ranking() -> None:
    empty = candidates(pot_ids=[])
    for ranker in RANKERS:
        assert list(rank(empty, ranker, seed=1).order) == []


@pytest.mark.parametrize(
    "call",
    [
        lambda: rank(candidates(pot_ids=[1, 1]), "pnl"),
        lambda: rank(candidates(lots=[-1]), "pnl"),
        lambda: rank(candidates(lots=[1, 2], pot_ids=[1]), "pnl"),
        lambda: rank(candidates(lots=[1]), "unranked"),
        lambda: rank(candidates(lots=[1]), "by_charm"),
        lambda: adl.fill_queue(i64([0]), i64([1]), -1),
        lambda: adl.fill_queue(i64([0]), i64([1]), 1, skip=[1]),
        lambda: adl.fill_queue(i64([0]), i64([1]), 1, skip=[True, False]),
        lambda: adl.adl_price_ticks("mark"),
        lambda: adl.adl_price_ticks("previous_mark", mark_ticks=5),
        lambda: adl.adl_price_ticks("bankruptcy", mark_ticks=5),
        lambda: adl.adl_price_ticks("bankruptcy", bankruptcy_ticks=(1, 3)),
        lambda: adl.adl_price_ticks("bankruptcy", bankruptcy_ticks=(5, 0)),
    ],
)
def test_bad_input_is_refused_with_a_reason(call) -> None:
    with pytest.raises(InputError, match=r"\n  "):
        call()


# --- filling --------------------------------------------------------------------------------------


def test_dydx_candidate_that_must_not_be_hit_is_skipped() -> None:
    # vectors dydx-adl-multi-offset, -skip-nonoverlap, -insufficient (1 BTC = 10 lots)
    both = adl.fill_queue(i64([0, 1]), i64([5, 5]), 10)
    assert list(both.lots) == [5, 5] and both.remaining_lots == 0
    skipped = adl.fill_queue(i64([0, 1]), i64([10, 10]), 10, skip=[True, False])
    assert list(skipped.lots) == [0, 10] and skipped.remaining_lots == 0
    nobody = adl.fill_queue(i64([0]), i64([10]), 10, skip=[True])
    assert list(nobody.lots) == [0] and nobody.remaining_lots == 10


def test_the_search_stops_after_the_allowed_number_of_candidates_even_if_they_were_skipped() -> None:
    fill = adl.fill_queue(i64([0, 1, 2]), i64([4, 4, 4]), 12, skip=[True, False, False], max_visited=2)
    assert list(fill.lots) == [0, 4, 0] and fill.remaining_lots == 8 and fill.visited == 2


@given(amounts(), st.integers(0, 2**64), st.data())
def test_filling_conserves_lots_respects_the_mask_and_takes_no_more_than_is_there(
    available, needed, data
) -> None:
    count = len(available)
    skip = data.draw(st.lists(st.booleans(), min_size=count, max_size=count))
    order = data.draw(st.permutations(range(count)))
    mask = np.array(skip, dtype=bool)
    queue = adl.fill_queue(i64(order), i64(available), needed, skip=mask)
    share = adl.fill_pro_rata(i64(available), needed, skip=mask)
    allowed = sum(lots for lots, out in zip(available, skip) if not out)
    for fill in (queue, share):
        taken = [int(lots) for lots in fill.lots]
        assert sum(taken) == min(needed, allowed) and sum(taken) + fill.remaining_lots == needed
        assert all(0 <= x <= lots and not (out and x) for x, lots, out in zip(taken, available, skip))
    partial = [i for i in range(count) if 0 < queue.lots[i] < available[i]]
    assert len(partial) <= 1


VECTORS = Path(__file__).resolve().parents[3] / "shared" / "vectors" / "venues" / "hyperliquid.json"


@pytest.mark.skipif(not VECTORS.exists(), reason=f"the venue vectors are not shipped ({VECTORS} is absent)")
def test_real_hyperliquid_fills_take_the_recorded_size_and_leave_the_recorded_rest() -> None:
    fills = [v for v in json.loads(VECTORS.read_text()) if v["id"].startswith("hyperliquid-adlfill")]
    for vector in fills:
        given_, said = vector["inputs"], vector["expected"]
        has, needs = (int(Decimal(str(given_[name])) * 10**8) for name in ("position_size", "adl_size"))
        fill = adl.fill_queue(i64([0]), i64([has]), needs)
        assert int(fill.lots[0]) == needs and fill.remaining_lots == 0
        assert has - int(fill.lots[0]) == int(Decimal(str(said["size_left"])) * 10**8)
        entry, price = Decimal(str(given_["entry"])), Decimal(str(given_["adl_price"]))
        side = 1 if given_["position_side"] == "long" else -1
        pnl = side * int(fill.lots[0]) * (price - entry) / 10**8
        assert abs(pnl - Decimal(str(said["realised_pnl_usd"]))) < Decimal("0.000001")
    assert len(fills) >= 7


# --- lights ---------------------------------------------------------------------------------------


def test_binance_quantile_is_rank_over_users() -> None:
    fifths = adl.quantile_by_rank(i64([3, 1, 0, 2]), buckets=4)
    assert list(fifths) == [3, 2, 4, 1]
    assert list(adl.lights(fifths, buckets=4)) == [2, 3, 1, 4]
    assert list(adl.quantile_by_rank(i64([1, 0]))) == [5, 3]


@given(amounts(), st.integers(1, 9), st.data())
def test_quantiles_never_fall_along_the_queue_and_the_last_one_is_in_the_last_bucket(
    lots, buckets, data
) -> None:
    if not lots:
        return
    order = data.draw(st.permutations(range(len(lots))))
    for found in (
        adl.quantile_by_quantity(i64(order), i64(lots), buckets=buckets),
        adl.quantile_by_rank(i64(order), buckets=buckets),
    ):
        along = [int(found[i]) for i in order]
        assert along == sorted(along) and along[-1] == buckets and along[0] >= 1


# --- price ----------------------------------------------------------------------------------------


def test_adl_price_is_the_one_the_rule_names() -> None:
    known = {"mark_ticks": 101, "previous_mark_ticks": 99, "bankruptcy_ticks": (1001, 10)}
    assert [adl.adl_price_ticks(rule, **known) for rule in ("mark", "previous_mark", "bankruptcy")] == [
        101,
        99,
        100,
    ]


def test_dydx_bankruptcy_price_of_54999_needs_no_rounding_and_halves_go_to_the_even_tick() -> None:
    # dydx-adl-short-54999: 1 BTC short, equity 54,999 of quote: bankruptcy price 54,999
    assert adl.adl_price_ticks("bankruptcy", bankruptcy_ticks=(54_999, 1)) == 54_999
    assert [adl.adl_price_ticks("bankruptcy", bankruptcy_ticks=(n, 2)) for n in (3, 5, 7)] == [2, 2, 4]


@given(st.integers(HUGE // 2, HUGE), st.integers(1, 10**9))
def test_the_rounded_price_is_never_more_than_half_a_tick_from_the_exact_one(numerator, denominator) -> None:
    ticks = adl.adl_price_ticks("bankruptcy", bankruptcy_ticks=(numerator, denominator))
    assert abs(Fraction(numerator, denominator) - ticks) <= Fraction(1, 2)


# --- triggers -------------------------------------------------------------------------------------

BYBIT = DrawdownTrigger(start_drop_ppb=3 * PPB // 10, stop_drop_ppb=PPB // 4, min_balance_atoms=1)
BYBIT_LE = DrawdownTrigger(
    start_drop_ppb=3 * PPB // 10, stop_drop_ppb=PPB // 4, min_balance_atoms=1, inclusive=True
)


def drawdown(trigger: DrawdownTrigger, loss: int, pool: int, **more) -> adl.DrawdownVerdict:
    columns = {"pnl_atoms": -loss, "peak_pnl_atoms": 0, "peak_pool_atoms": pool, "balance_atoms": pool} | more
    return adl.adl_trigger_drawdown(trigger, **columns)


def test_bybit_example_1_starts_at_35_percent_and_closes_the_excess_of_50_000() -> None:
    found = drawdown(BYBIT, 350_000, 1_000_000)
    assert found.active and found.excess_atoms == 50_000
    assert Fraction(found.ratio_numerator, found.ratio_denominator) == Fraction(-35, 100)


def test_bybit_example_2_sits_exactly_on_the_threshold_where_the_rule_and_the_example_contradict() -> None:
    # Peak 2M (A earned 1M), then A loses 600K: ratio -30 %. Rule `<`: no ADL. Example `<=`: ADL of nothing.
    books = {"pnl_atoms": 400_000, "peak_pnl_atoms": 1_000_000}
    assert not drawdown(BYBIT, 0, 2_000_000, **books).active
    as_printed = drawdown(BYBIT_LE, 0, 2_000_000, **books)
    assert as_printed.active and as_printed.excess_atoms == 0


def test_bybit_drawdown_runs_on_until_the_ratio_is_above_the_stop() -> None:
    assert not drawdown(BYBIT, 260_000, 1_000_000).active
    assert drawdown(BYBIT, 260_000, 1_000_000, was_active=True).active
    assert drawdown(BYBIT, 250_000, 1_000_000, was_active=True).active  # stop is `>`: not yet at -25 %
    assert not drawdown(BYBIT, 249_999, 1_000_000, was_active=True).active


def test_bybit_drawdown_needs_a_balance_above_its_threshold_and_leaves_an_empty_pool_to_the_pool_rule() -> (
    None
):
    assert not drawdown(BYBIT, 900_000, 1_000_000, balance_atoms=1).active
    assert not drawdown(BYBIT, 900_000, 0).active
    # vector bybit-adl-pool-3
    assert adl.adl_trigger_pool(0) and adl.adl_trigger_pool(-1) and not adl.adl_trigger_pool(1)


@given(st.integers(0, HUGE), st.integers(1, HUGE))
def test_closing_the_excess_brings_the_ratio_back_to_the_start(loss, pool) -> None:
    found = drawdown(BYBIT, loss, pool, balance_atoms=pool + 1)
    left = loss - found.excess_atoms
    assert found.active == (Fraction(loss, pool) > Fraction(3, 10))
    if found.active:
        assert Fraction(left, pool) <= Fraction(3, 10) < Fraction(left + 1, pool)
