"""Prices that are derived, not traded: a peg, a redemption ratio, and the cap on how fast a ratio may grow.

Prices and ratios in integer units (a ratio's are given by `unit`), rates ppb, times ns; every product rounds
down. A derived price does not move when its market does: say by which source that would be noticed. Sources:
bgd-labs/aave-capo PriceCapAdapterBase (max = snapshot + snapshot * growth * dt / 365 d, as one product: the
contract's own steps of 1e-6 lie up to 1e-14 below), the steward's 3 % per 3 days; USDe = USDT on Aave (2025);
Cream 2021-10-27, a price per share doubled by a donation.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

import msgspec

from seawall.errors import InputError
from seawall.market.transforms.reading import (
    CLAMPED,
    DIVERGENT,
    STALE,
    WAD,
    Last,
    NoState,
    Reading,
    given,
    remember,
    stands,
)
from seawall.units import PPB

YEAR_NS = 365 * 86_400 * 1_000_000_000


class Peg(msgspec.Struct, frozen=True, kw_only=True, tag="peg"):
    """Always `price`, in place of what came in. That further off than `tolerance_ppb`: DIVERGENT.

    STALE while there is nothing to compare with. Tolerance 0 = never compare: the peg is always good.
    """

    price: int
    tolerance_ppb: int = 0

    def start(self) -> NoState:
        return NoState()

    def step(
        self, state: NoState, reading: Reading, sources: Mapping[str, Reading], now_ns: int
    ) -> tuple[NoState, Reading]:
        far = _is_far(reading, self.price, self.tolerance_ppb)
        unseen = self.tolerance_ppb > 0 and not reading.is_news
        flags = (DIVERGENT if far else 0) | (STALE if unseen else 0)
        word = Reading(observed_ns=now_ns, fee_wad=reading.fee_wad)
        return state, given(word, self.price, conditions=flags)


class Ratio(msgspec.Struct, frozen=True, kw_only=True, tag="ratio"):
    """The price times what one share redeems for: `price * ratio / unit`, of the source named.

    A ratio that moved by more than `max_step_ppb` since the last one taken is not taken: the price is formed
    with that last ratio, DIVERGENT. So is it, STALE or MISSING, while the ratio's source is silent.
    """

    source: str
    unit: int = WAD
    max_step_ppb: int = 0  # 0 = any step is believed

    def start(self) -> Last:
        return Last()

    def step(
        self, state: Last, reading: Reading, sources: Mapping[str, Reading], now_ns: int
    ) -> tuple[Last, Reading]:
        said = sources.get(self.source, Reading())
        if said.is_news and _is_far(said, state.price, self.max_step_ppb):
            said = stands(state, said, conditions=DIVERGENT)
        elif said.is_news:
            state = remember(said)
        else:
            said = stands(state, said)
        if reading.price is None or reading.price <= 0 or said.price is None:
            return state, given(reading, None, conditions=said.conditions)
        out = given(reading, reading.price * said.price // self.unit, conditions=said.conditions)
        return state, msgspec.structs.replace(
            out,
            confidence=-(-reading.confidence * said.price // self.unit),
            observed_ns=min(reading.observed_ns, said.observed_ns),
        )


class Snapshot(msgspec.Struct, frozen=True, array_like=True, tag="snapshot"):
    """The ratio that growth counts from, and when it held. Ratio 0 = none yet: the first word is it."""

    ratio: int = 0
    taken_ns: int = 0


class RateCap(msgspec.Struct, frozen=True, kw_only=True, tag="rate_cap"):
    """min(live, snapshot grown at `growth_ppb` a year); at the cap it is CLAMPED. It never lifts a price."""

    growth_ppb: int
    max_step_ppb: int = 0  # by how much one new snapshot may lie above the old one; 0 = any
    step_every_ns: int = 0  # and how long after it
    snapshot: int = 0  # where the parameters were set with one
    snapshot_ns: int = 0

    def start(self) -> Snapshot:
        return Snapshot(self.snapshot, self.snapshot_ns)

    def step(
        self, state: Snapshot, reading: Reading, sources: Mapping[str, Reading], now_ns: int
    ) -> tuple[Snapshot, Reading]:
        live = reading.price
        if live is None or live <= 0:
            return state, given(reading, None)
        if not state.ratio:
            return (Snapshot(live, now_ns) if reading.is_news else state), given(reading, live)
        most = self.most(state, now_ns)
        return state, given(reading, min(live, most), conditions=CLAMPED if live > most else 0)

    def most(self, state: Snapshot, now_ns: int) -> int:
        """The cap at `now_ns`; a time before the snapshot counts as its moment."""
        elapsed_ns = max(now_ns - state.taken_ns, 0)
        return state.ratio + state.ratio * self.growth_ppb * elapsed_ns // (PPB * YEAR_NS)

    def retake(self, state: Snapshot, target: int, now_ns: int) -> Snapshot:
        """A new snapshot towards `target`, no further above the old than a step. Its time moves with it.

        Ratio and time belong together: a step-limited ratio under an unlimited time was Aave's incident of
        2026-03-10. InputError if it is too soon or the target is no ratio.
        """
        if target <= 0 or now_ns < state.taken_ns + self.step_every_ns:
            raise InputError.at(
                "rate cap",
                f"snapshot {target} at {now_ns} ns, the last was taken at {state.taken_ns} ns",
                f"Give a positive ratio, {self.step_every_ns} ns or more after the last one.",
            )
        most = state.ratio + state.ratio * self.max_step_ppb // PPB
        return Snapshot(min(target, most) if self.max_step_ppb and state.ratio else target, now_ns)


def _is_far(reading: Reading, price: int, tolerance_ppb: int) -> bool:
    """Is there a price to compare, and does it lie further off than the tolerance (0 = none) allows?"""
    if not tolerance_ppb or not price or reading.price is None or reading.price <= 0:
        return False
    return abs(reading.price - price) * PPB > tolerance_ppb * price


def implied_growth(cap: int, snapshot: int, elapsed_ns: int) -> Fraction:
    """The yearly growth that leads from a snapshot to a cap. InputError without time or snapshot."""
    if snapshot <= 0 or elapsed_ns <= 0:
        raise InputError.at(
            "implied growth", f"snapshot {snapshot}, elapsed {elapsed_ns} ns", "Give positive ones."
        )
    return Fraction(cap - snapshot, snapshot) * Fraction(YEAR_NS, elapsed_ns)


def share_price(assets: int, shares: int, *, unit: int = WAD) -> int:
    """What one share redeems for, in 1 / unit, rounded down. InputError without shares."""
    if shares <= 0 or assets < 0:
        raise InputError.at("share price", f"{assets} assets, {shares} shares", "Give shares above zero.")
    return assets * unit // shares
