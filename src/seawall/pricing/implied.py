"""Implied vol of Black's formula: one price with errors that say why not, or arrays with a status per
element.

price undiscounted, in the unit of forward and strike; years; vol per year (0.5 = 50 %). Accuracy in
kernels/implied.py: about 3e-15 relative, more only where the price itself hardly depends on the vol. A
price equal to the intrinsic value has vol 0. Nothing else gets a vol that has none.
"""

from __future__ import annotations

from enum import IntEnum

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from seawall.errors import AboveMaximum, BelowIntrinsic, InputError
from seawall.kernels import implied as kernel
from seawall.kernels.black import BLOCK
from seawall.pricing.inputs import Flags, Floats, columns


class VolStatus(IntEnum):
    """What became of a price. NO_TIME: it has expired. TOO_SMALL: below 1e-300 of forward or strike.
    UNDEFINED: something is not finite, or there is no forward or strike."""

    OK = kernel.OK
    BELOW_INTRINSIC = kernel.BELOW_INTRINSIC
    ABOVE_MAXIMUM = kernel.ABOVE_MAXIMUM
    NO_TIME = kernel.NO_TIME
    TOO_SMALL = kernel.TOO_SMALL
    UNDEFINED = kernel.UNDEFINED


class ImpliedVols(msgspec.Struct, frozen=True, kw_only=True):
    """Arrays of one shape: vol, 0 where status (a VolStatus) is not OK."""

    vol: Floats
    status: NDArray[np.int8]

    @property
    def ok(self) -> Flags:
        return self.status == VolStatus.OK


def implied_vols(
    price: ArrayLike, forward: ArrayLike, strike: ArrayLike, years: ArrayLike, is_call: ArrayLike
) -> ImpliedVols:
    """Vol and status of every price. Raises only for what is no number or does not broadcast."""
    shape, calls, given = columns(
        "implied vol", is_call, price=price, forward=forward, strike=strike, years=years
    )
    vol, status, room = np.empty(calls.size), np.empty(calls.size, np.int8), np.empty((6, BLOCK))
    kernel.implied_vol_array(*given, calls, vol, status, room)
    return ImpliedVols(vol=vol.reshape(shape), status=status.reshape(shape))


def implied_vol(price: float, forward: float, strike: float, years: float, is_call: bool) -> float:
    """The vol of one price.

    BelowIntrinsic under max(F - K, 0) (put: max(K - F, 0)); AboveMaximum from F (put: K) on; else InputError.
    """
    found = implied_vols(price, forward, strike, years, is_call)
    status = VolStatus(int(found.status))
    if status is VolStatus.OK:
        return float(found.vol)
    kind = "call" if is_call else "put"
    what = f"{kind} at {price}, forward {forward}, strike {strike}, {years} years"
    if status is VolStatus.BELOW_INTRINSIC:
        raise BelowIntrinsic.at("implied vol", f"{what}: less than the intrinsic value", "Check the price.")
    if status is VolStatus.ABOVE_MAXIMUM:
        raise AboveMaximum.at("implied vol", f"{what}: no option is worth that much", "Check the price.")
    fixes = {
        VolStatus.NO_TIME: ("expired, so it has no vol", "Give a time above zero."),
        VolStatus.TOO_SMALL: ("too small a price to invert", "Leave the option out."),
        VolStatus.UNDEFINED: ("not finite, or nothing to price on", "Give finite numbers above zero."),
    }
    raise InputError.at("implied vol", f"{what}: {fixes[status][0]}", fixes[status][1])
