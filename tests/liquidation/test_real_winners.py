"""The allocation rules on the real, heavy-tailed vector of 10 October 2025, against the published figures.

Reads `../shared/data` (not shipped): closed P&L of 19,230 deleveraged winners on Hyperliquid, per account,
and the per-round tables of arXiv 2602.15182. Units: 1 atom = 1e-6 USD; a stored number is rounded to it once.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from seawall.liquidation import adl
from seawall.liquidation import allocation as al
from seawall.liquidation.adl_rank import AdlCandidates, rank
from seawall.units import PPB

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
USERS = DATA / "hyperliquid" / "adl_by_user_versions.parquet"
GAPS = DATA / "oss_adl" / "wave_coin_gap.parquet"
pytestmark = pytest.mark.skipif(
    not USERS.exists(), reason=f"the event tables are not shipped ({USERS} is absent)"
)

NEEDED, PRODUCED = 15_079_669_610_000, 60_108_335_330_000  # B_needed and H_prod in atoms
RANKERS = [
    "binance", "bitmex", "hyperliquid", "hyperliquid_decompiled", "pnl", "leverage", "pro_rata", "unranked",
]  # fmt: skip
VERSIONS_WITH_ALL_ACCOUNTS = ["v2_aa7d2b6", "v3_1bd8839", "v4_79bad0f"]


def atoms(value: float) -> int:
    return int((Decimal(repr(value)) * 10**6).to_integral_value())


def i64(values) -> np.ndarray:
    return np.array(list(values), dtype=np.int64)


def listed(values: np.ndarray) -> list[int]:
    return [int(value) for value in values]


@pytest.fixture(scope="module")
def table():
    polars = pytest.importorskip("polars")
    return polars.read_parquet(USERS)


@pytest.fixture(scope="module")
def winners(table) -> list[int]:
    rows = table.filter(table["version"] == "v4_79bad0f").sort("user")
    return [atoms(value) for value in rows["closed_pnl"] if value > 0]


@pytest.mark.parametrize("version", VERSIONS_WITH_ALL_ACCOUNTS)
def test_the_vector_is_the_published_one_in_three_of_its_four_versions(table, version) -> None:
    values = [atoms(v) for v in table.filter(table["version"] == version)["closed_pnl"]]
    up, down = sorted((v for v in values if v > 0), reverse=True), [v for v in values if v < 0]
    whole = sum(up)
    hhi = Fraction(sum(v * v for v in up), whole * whole)
    assert (len(up), len(down)) == (19_230, 107)
    assert abs(whole - 834_554_147_760_000) < 10_000 and abs(sum(down) + 258_398_460_000) < 10_000
    assert round(float(hhi), 6) == 0.020319 and round(float(1 / hhi), 2) == 49.21
    assert round(float(Fraction(sum(up[:10]), whole)), 4) == 0.4030


def test_pro_rata_takes_1_806913_percent_of_everybody(winners) -> None:
    whole, paid = sum(winners), listed(al.pro_rata(i64(winners), NEEDED))
    assert sum(paid) == NEEDED
    assert round(float(Fraction(NEEDED, whole)), 8) == 0.01806913
    assert all(abs(x * whole - u * NEEDED) < whole for x, u in zip(paid, winners))


def test_a_queue_by_profit_hits_one_account_for_28_525_percent(winners) -> None:
    order = sorted(range(len(winners)), key=lambda i: -winners[i])
    paid = listed(al.queue(i64(order), i64(winners), NEEDED))
    hit = [Fraction(x, u) for x, u in zip(paid, winners) if x]
    assert len(hit) == 1 and round(float(hit[0]), 5) == 0.28525


def test_at_what_production_took_pro_rata_asks_7_2_percent_and_the_queue_wipes_out_its_first(winners) -> None:
    whole, paid = sum(winners), listed(al.pro_rata(i64(winners), PRODUCED))
    assert sum(paid) == PRODUCED and round(float(Fraction(PRODUCED, whole)), 8) == 0.07202449
    assert all(abs(x * whole - u * PRODUCED) < whole for x, u in zip(paid, winners))
    order = sorted(range(len(winners)), key=lambda i: -winners[i])
    taken = listed(al.queue(i64(order), i64(winners), PRODUCED))
    hit = [Fraction(taken[i], winners[i]) for i in order if taken[i]]
    assert len(hit) == 2 and hit[0] == 1 and sum(taken) == PRODUCED
    assert winners[order[0]] + taken[order[1]] == PRODUCED


@pytest.mark.parametrize("loss", [NEEDED, PRODUCED])
def test_min_max_is_pro_rata_on_the_real_vector_up_to_one_atom_of_the_smallest_account(winners, loss) -> None:
    column, share = i64(winners), Fraction(loss, sum(winners))
    best = Fraction(*al.largest_haircut(al.min_max(column, loss), column))
    fair = Fraction(*al.largest_haircut(al.pro_rata(column, loss), column))
    assert share <= best <= fair
    # independent optimum: no z below `best` (by one part in 2^80) lets whole atoms add up to the loss
    short = best * (1 - Fraction(1, 2**80))
    assert sum(short.numerator * u // short.denominator for u in winners) < loss
    assert float(best - share) < 1e-9


@pytest.mark.parametrize("loss", [NEEDED, PRODUCED])
def test_pro_rata_has_no_rank_inversion_and_gives_nothing_for_splitting(winners, loss) -> None:
    paid = listed(al.pro_rata(i64(winners), loss))
    pairs = sorted(zip(winners, paid))
    assert all(x <= y for (u, x), (v, y) in pairwise(pairs) if u < v)
    for who in (winners.index(max(winners)), winners.index(min(winners)), 7_777):
        part = winners[who] // 3
        split = [*winners, part]
        split[who] -= part
        after = listed(al.pro_rata(i64(split), loss))
        assert abs(after[who] + after[-1] - paid[who]) <= 1


def test_a_ten_percent_cap_binds_nobody_at_b_needed_and_a_one_percent_cap_leaves_a_stated_gap(
    winners,
) -> None:
    loose = al.capped_pro_rata(i64(winners), i64([PPB // 10] * len(winners)), NEEDED)
    uncapped = al.capped_pro_rata(i64(winners), i64([PPB] * len(winners)), NEEDED)
    assert sum(listed(loose)) == NEEDED
    assert max(abs(x - y) for x, y in zip(listed(loose), listed(uncapped))) <= 1
    tight = listed(al.capped_pro_rata(i64(winners), i64([PPB // 100] * len(winners)), NEEDED))
    assert tight == [u // 100 for u in winners] and sum(tight) < NEEDED


def real_candidates(table) -> AdlCandidates:
    """Real sizes, profits and equities; side, wallet and margin are filled in alike for every account."""
    rows = table.filter((table["version"] == "v4_79bad0f") & (table["closed_pnl"] > 0)).sort("user")
    profit = [atoms(v) for v in rows["closed_pnl"]]
    mark = [atoms(v) for v in rows["adl_notional"]]
    value = [atoms(v) for v in rows["account_value_realtime"]]
    return AdlCandidates(
        pot_ids=i64(range(len(profit))),
        lots=i64(mark),
        entry_value_atoms=i64(-m - p for m, p in zip(mark, profit)),  # shorts: sold higher
        mark_value_atoms=i64(-m for m in mark),
        unrealised_atoms=i64(profit),
        wallet_atoms=i64(v - p for v, p in zip(value, profit)),
        account_value_atoms=i64(value),
        maintenance_atoms=i64(m // 80 for m in mark),
        bankruptcy_value_atoms=i64(-m - max(v, 0) for m, v in zip(mark, value)),
    )


@pytest.mark.parametrize("ranker", RANKERS)
@pytest.mark.parametrize("loss", [NEEDED, PRODUCED])
def test_every_ranker_pays_the_loss_exactly_with_at_most_one_partial(table, winners, ranker, loss) -> None:
    rows = real_candidates(table)
    found = rank(rows, ranker, unit_atoms=10**6, direction="literal", seed=34_983)
    order = listed(found.order)
    assert sorted(order) == list(range(19_230))
    for before, after in pairwise(order):
        left = found.numerators[before] * found.denominators[after]
        right = found.numerators[after] * found.denominators[before]
        assert left > right or (left == right and before < after)
    paid = listed(al.queue(found.order, rows.unrealised_atoms, loss))
    assert sum(paid) == loss and all(0 <= x <= u for x, u in zip(paid, winners))
    assert sum(0 < x < u for x, u in zip(paid, winners)) <= 1
    lots = adl.fill_queue(found.order, rows.lots, loss)
    assert int(sum(listed(lots.lots))) + lots.remaining_lots == loss


def test_b_needed_of_every_round_splits_over_its_coins_to_the_atom_and_adds_up_to_15_079_669_61() -> None:
    polars = pytest.importorskip("polars")
    gaps = polars.read_parquet(GAPS)
    policy = polars.read_parquet(GAPS.parent / "policy_per_wave.parquet")
    total = 0
    for wave, needed in zip(policy["wave"], policy["budget_needed"]):
        coins = i64(atoms(v) for v in gaps.filter(gaps["wave"] == wave)["gap_usd_x_qty"])
        assert (
            abs(sum(listed(coins)) - atoms(needed)) < len(coins) + 1
        )  # A1, within rounding of each coin to 1e-6
        shares = listed(al.apportion(coins, atoms(needed)))
        assert sum(shares) == atoms(needed)
        assert max(abs(x - y) for x, y in zip(shares, listed(coins))) <= len(coins)
        total += sum(shares)
    assert len(policy) == 16 and round(total, -4) == NEEDED
