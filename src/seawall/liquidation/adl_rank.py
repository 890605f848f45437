"""P11, the ranker: in which order positions opposite to a bankrupt one are deleveraged, by exact scores.

Units: lots, and atoms of the settlement asset. Values are signed so that P&L = mark_value - entry_value (a
linear long is worth +lots*price, a short -lots*price, inverse contracts the other way round).
Rounding: none. A score is a fraction of Python ints; candidates are sorted by the fraction itself, never by
a float, and ties go to the lowest pot id. Where a published formula divides by something that can be zero or
negative, the divisor is at least one atom; this is ours, no venue states it. One side of one market only.
"""

from __future__ import annotations

import msgspec

from seawall.errors import InputError
from seawall.liquidation.allocation import IntColumn, column, signed_column
from seawall.liquidation.tiers import RankDirection, RankerName

Score = tuple[int, int]  # numerator, positive denominator

_MASK64 = 2**64 - 1


class AdlCandidates(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """The candidates as int64 columns, one row per pot, all on the side opposite to the bankrupt position.

    `account_value_atoms` is what the pot is worth now (Binance: wallet + uPnL); `wallet_atoms` without open
    P&L. `bankruptcy_value_atoms` is the position's value at the price where the pot's equity would be zero.
    """

    pot_ids: IntColumn
    lots: IntColumn
    entry_value_atoms: IntColumn
    mark_value_atoms: IntColumn
    unrealised_atoms: IntColumn
    wallet_atoms: IntColumn
    account_value_atoms: IntColumn
    maintenance_atoms: IntColumn
    bankruptcy_value_atoms: IntColumn

    def rows(self) -> list[_Row]:
        """The columns as rows of Python ints. InputError on ragged columns, lots < 0 or a pot named twice."""
        names = _Row.__struct_fields__
        columns = [signed_column(getattr(self, name), name) for name in names]
        if len({len(values) for values in columns}) != 1:
            lengths = ", ".join(f"{name} {len(values)}" for name, values in zip(names, columns))
            raise InputError.at(
                "adl candidates", f"columns of different length ({lengths})", "Give one row per pot."
            )
        rows = [_Row(*values) for values in zip(*(values.tolist() for values in columns))]
        if any(row.lots < 0 for row in rows):
            raise InputError.at(
                "adl candidates", "negative lots", "Give sizes as positive lots of the one side."
            )
        if len({row.pot_ids for row in rows}) != len(rows):
            raise InputError.at("adl candidates", "a pot appears twice", "Give one row per pot.")
        return rows


class _Row(msgspec.Struct, frozen=True):
    pot_ids: int
    lots: int
    entry_value_atoms: int
    mark_value_atoms: int
    unrealised_atoms: int
    wallet_atoms: int
    account_value_atoms: int
    maintenance_atoms: int
    bankruptcy_value_atoms: int


class Ranking(msgspec.Struct, frozen=True, eq=False):
    """`order`: row indices, first is deleveraged first. Row i scores numerators[i] / denominators[i]."""

    order: IntColumn
    numerators: tuple[int, ...]
    denominators: tuple[int, ...]


def rank(
    candidates: AdlCandidates,
    ranker: RankerName,
    *,
    unit_atoms: int = 1,
    direction: RankDirection = "literal",
    seed: int | None = None,
) -> Ranking:
    """Order the candidates by the named rule; highest score first, ties to the lowest pot id.

    `unit_atoms` is one unit of the settlement asset (read by `binance`), `direction` is read by
    `hyperliquid`, `seed` by `unranked` (the sequence number of the event that caused the deleveraging).
    """
    rows = candidates.rows()
    if ranker == "unranked":
        return _unranked(rows, seed)
    if ranker == "binance":
        scores = [_binance(row, unit_atoms) for row in rows]
    elif ranker == "bitmex":
        scores = [_bitmex(row) for row in rows]
    elif ranker == "hyperliquid":
        scores = [_hyperliquid(row, direction) for row in rows]
    elif ranker == "hyperliquid_decompiled":
        scores = [_hyperliquid_decompiled(row) for row in rows]
    elif ranker == "pnl":
        scores = [(row.unrealised_atoms, 1) for row in rows]
    elif ranker == "leverage":
        scores = [(abs(row.mark_value_atoms), max(1, row.account_value_atoms)) for row in rows]
    elif ranker == "pro_rata":
        scores = [(row.lots, 1) for row in rows]
    else:
        raise InputError.at(
            "adl ranker", f"'{ranker}' is not known", "Use one of the names in tiers.RankerName."
        )
    return _sorted(rows, scores)


def compare_scores(first: Score, second: Score) -> int:
    """-1, 0 or +1 as `first` is below, equal to or above `second`; by cross-product, exact."""
    left, right = first[0] * second[1], second[0] * first[1]
    return (left > right) - (left < right)


def splitmix64(value: int) -> int:
    """One step of SplitMix64 (Steele, Lea, Flood 2014): a 64-bit integer mixed into another one."""
    mixed = (value + 0x9E3779B97F4A7C15) & _MASK64
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK64
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK64
    return mixed ^ (mixed >> 31)


def _binance(row: _Row, unit_atoms: int) -> Score:
    """max(0, uPnL) / max(1 unit, wallet), times MM / (wallet + uPnL); 0 if that last divisor is <= 0."""
    if row.account_value_atoms <= 0:
        return 0, 1
    profit = max(0, row.unrealised_atoms)
    return profit * row.maintenance_atoms, max(unit_atoms, row.wallet_atoms) * row.account_value_atoms


def _bitmex(row: _Row) -> Score:
    """PnL% * EffLev if PnL% > 0 else PnL% / EffLev; EffLev = |MarkVal| / (MarkVal - BankruptVal)."""
    profit = row.mark_value_atoms - row.entry_value_atoms
    entry = max(1, abs(row.entry_value_atoms))
    mark = max(1, abs(row.mark_value_atoms))
    cushion = max(1, row.mark_value_atoms - row.bankruptcy_value_atoms)
    return (profit * mark, entry * cushion) if profit > 0 else (profit * cushion, entry * mark)


def _hyperliquid(row: _Row, direction: RankDirection) -> Score:
    """(mark / entry) * (notional / account value), for linear contracts.

    Read literally, a short that loses has mark/entry > 1 and comes before one that wins. `inverted` takes
    entry/mark for shorts (negative value), so that winners come first on both sides.
    """
    mark, entry = max(1, abs(row.mark_value_atoms)), max(1, abs(row.entry_value_atoms))
    above, below = (entry, mark) if direction == "inverted" and row.entry_value_atoms < 0 else (mark, entry)
    return above * abs(row.mark_value_atoms), below * max(1, row.account_value_atoms)


def _hyperliquid_decompiled(row: _Row) -> Score:
    """Leverage * max(PnL, 0) / entry notional; leverage = notional / account value (third party, 2026)."""
    profit = max(0, row.unrealised_atoms)
    entry = max(1, abs(row.entry_value_atoms))
    return abs(row.mark_value_atoms) * profit, max(1, row.account_value_atoms) * entry


def _unranked(rows: list[_Row], seed: int | None) -> Ranking:
    """By pot id, round the circle from a start mixed out of the seed (dYdX v4 has no ranking)."""
    if seed is None:
        raise InputError.at(
            "adl ranker 'unranked'", "no seed", "Give the sequence number of the causing event."
        )
    by_id = sorted(range(len(rows)), key=lambda i: rows[i].pot_ids)
    start = splitmix64(seed) % len(rows) if rows else 0
    order = by_id[start:] + by_id[:start]
    places = [0] * len(rows)
    for place, index in enumerate(order):
        places[index] = len(rows) - place
    return Ranking(column(order), tuple(places), (1,) * len(rows))


def _sorted(rows: list[_Row], scores: list[Score]) -> Ranking:
    # Fractions with denominators under 2^b differ by more than 2^-2b, so cut there they keep order and ties.
    bits = 2 * max((denominator.bit_length() for _, denominator in scores), default=0)
    keys = [(numerator << bits) // denominator for numerator, denominator in scores]
    order = sorted(range(len(rows)), key=lambda i: rows[i].pot_ids)
    order.sort(key=keys.__getitem__, reverse=True)
    return Ranking(column(order), tuple(n for n, _ in scores), tuple(d for _, d in scores))
