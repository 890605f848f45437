"""P6: the terms of a portfolio requirement, as data. Rates and moves ppb, money 1e-9 of a quote unit.

A charge has a name by which levels call it. What each comes to is in `contingencies.py`; a charge whose
amount the account brings along (orders, funding provision) is `Given`.
"""

from __future__ import annotations

from typing import Literal

import msgspec


class WorstLoss(msgspec.Struct, frozen=True, kw_only=True, tag="worst_loss"):
    """The largest loss over the named sets of scenarios; zero where every one gains."""

    name: str
    sets: tuple[str, ...]


class ForwardMove(msgspec.Struct, frozen=True, kw_only=True, tag="forward_move"):
    """Sum over expiries of the loss when only their forward moves up or down, times (add + mult * years).

    Values without the static discount. Source: Derive PM1 and PM2, forward (basis) contingency.
    """

    name: str
    up_ppb: int
    down_ppb: int
    add_ppb: int
    mult_ppb: int


class RollShock(msgspec.Struct, frozen=True, kw_only=True, tag="roll_shock"):
    """Sum over expiries of |delta| * max(minimum, annual * years); perpetuals at the minimum. Deribit."""

    name: str
    minimum_ppb: int
    annual_ppb: int


class DeltaShock(msgspec.Struct, frozen=True, kw_only=True, tag="delta_shock"):
    """|delta| * min(slope * (value of |delta| above the threshold), cap). Deribit; the form is unverified."""

    name: str
    threshold_usd_e9: int
    slope_e18: int  # per quote unit, in 1e-18: 1e-9 per dollar is 1_000_000_000
    cap_ppb: int


class SizeCharge(msgspec.Struct, frozen=True, kw_only=True, tag="size"):
    """rate * sum of |size| * index over contracts of these kinds. Derive (perpetuals), Bybit, Dederi."""

    name: str
    kinds: tuple[Literal["option", "future", "perpetual"], ...]
    rate_ppb: int


class NakedShorts(msgspec.Struct, frozen=True, kw_only=True, tag="naked_shorts"):
    """rate * index * options short and not covered at the same strike and expiry: a short call by a long put,
    and the other way about. Derive, Bybit, Deribit until 2019."""

    name: str
    rate_ppb: int


class Haircut(msgspec.Struct, frozen=True, kw_only=True, tag="haircut"):
    """rate * value of each collateral; an asset not named has no value. Derive PM2."""

    name: str
    rates_ppb: dict[str, int]


class Confidence(msgspec.Struct, frozen=True, kw_only=True, tag="confidence"):
    """(1 - confidence) * factor * notional where the confidence of a price is below the threshold. Derive."""

    name: str
    threshold_ppb: int
    factor_ppb: int
    assets_ppb: dict[str, int] = {}


class MinimumDelta(msgspec.Struct, frozen=True, kw_only=True, tag="minimum_delta"):
    """(unhedged * |net delta| + hedged * (gross - |net|) / 2) * index. Paradex."""

    name: str
    unhedged_ppb: int
    hedged_ppb: int


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """Up to `up_to_usd_e9` (None: without end) the marginal multiplier is `times_ppb`."""

    up_to_usd_e9: int | None
    times_ppb: int


class DeltaCost(msgspec.Struct, frozen=True, kw_only=True, tag="delta_cost"):
    """rate * |delta value|, then each slice of that amount by its multiplier. OKX MR4 (no steps), MR7."""

    name: str
    rate_ppb: int
    steps: tuple[Step, ...] = ()


class Given(msgspec.Struct, frozen=True, kw_only=True, tag="given"):
    """An amount that comes with the account: margin of orders, a funding provision, fees."""

    name: str


Charge = (
    WorstLoss
    | ForwardMove
    | RollShock
    | DeltaShock
    | SizeCharge
    | NakedShorts
    | Haircut
    | Confidence
    | MinimumDelta
    | DeltaCost
    | Given
)
