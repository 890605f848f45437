"""What borrowing costs a year by how much of an asset is lent out: the kinked curve of Compound and Aave.

Rates and utilisation ppb. What is owed rounds up, what is earned down. Apart from `ledger.accrual` because a
rulebook holds such curves and is read without compiled kernels.
"""

from __future__ import annotations

import msgspec

from seawall.errors import InputError
from seawall.units import PPB


class KinkedRate(msgspec.Struct, frozen=True, kw_only=True):
    """Borrow rate per year: base + slope * u up to the kink, + steep slope * (u - kink) above it.

    Lenders get it on what is lent out, less `kept_ppb` of it, which stays with the venue.
    """

    base_ppb: int
    slope_ppb: int = 0
    kink_ppb: int = PPB
    steep_slope_ppb: int = 0
    kept_ppb: int = 0

    def borrow_ppb(self, utilisation_ppb: int) -> int:
        """Rate per year at a utilisation of 0 to 1e9, rounded up. InputError outside."""
        if not 0 <= utilisation_ppb <= PPB:
            raise InputError.at(
                "borrow rate", f"utilisation {utilisation_ppb} ppb", "Give borrowed / supplied, 0 to 1e9 ppb."
            )
        flat = min(utilisation_ppb, self.kink_ppb) * self.slope_ppb
        steep = max(utilisation_ppb - self.kink_ppb, 0) * self.steep_slope_ppb
        return self.base_ppb - (-(flat + steep) // PPB)

    def supply_ppb(self, utilisation_ppb: int) -> int:
        """What a lender earns per year: borrow rate * utilisation * (1 - kept), rounded down."""
        paid = self.borrow_ppb(utilisation_ppb) * utilisation_ppb
        return paid * (PPB - self.kept_ppb) // (PPB * PPB)
