"""How much likelier a fat tail makes a move of many deviations: Student's t against the normal, equal
variance.

Pure numbers: sizes in standard deviations, probabilities of a fall beyond them. A Student variable with nu
> 2 degrees of freedom has variance nu / (nu - 2); it is scaled to 1, so both know the same volatility.
"""

from __future__ import annotations

import msgspec
import numpy as np

from seawall.errors import InputError
from seawall.kernels.normal import normal_cdf
from seawall.kernels.student import student_tail


class TailRatio(msgspec.Struct, frozen=True, kw_only=True):
    """P(move <= -deviations) under either, and the first over the second."""

    student: float
    normal: float
    ratio: float


def tail_ratio(*, nu: float, deviations: float) -> TailRatio:
    """InputError unless 2 < nu < 1e6 and 0 <= deviations <= 37 (further out the normal has no tail left)."""
    if not 2.0 < nu < 1e6:
        raise InputError.at("tail ratio", f"nu {nu}", "Give 2 < nu < 1e6: below, there is no variance.")
    if not 0.0 <= deviations <= 37.0:
        raise InputError.at("tail ratio", f"{deviations} deviations", "Give a number from 0 to 37.")
    student = float(student_tail(nu, deviations * float(np.sqrt(nu / (nu - 2.0)))))
    normal = float(normal_cdf(-deviations))
    return TailRatio(student=student, normal=normal, ratio=student / normal)
