"""P1: a time-weighted exponential average that weighs every sample by how long it stood.

num <- num * exp(-t / tau) + sample * t and den <- den * exp(-t / tau) + t, average = num / den: no
first sample is privileged, and a gap weighs as much as the time it lasted. Samples in any unit, times in
seconds. Floats, with `kernels.elementary.exp` (the same bits on every CPU); whoever decides on the average
rounds it to ticks first. Source: Hyperliquid docs, robust price indices (tau = 150 s).
"""

from __future__ import annotations

import msgspec

from seawall.errors import InputError
from seawall.kernels.elementary import exp


class TimedAverage(msgspec.Struct, frozen=True, kw_only=True):
    """The state of the average: two sums. Start from `TimedAverage()`."""

    num: float = 0.0
    den: float = 0.0

    @property
    def value(self) -> float:
        """The average so far. InputError before the first sample."""
        if self.den <= 0.0:
            raise InputError.at("average", "no sample yet", "Add a sample that stood for some time.")
        return self.num / self.den

    def add(self, sample: float, *, elapsed_seconds: float, tau_seconds: float) -> TimedAverage:
        """The average after `sample` stood for `elapsed_seconds`. InputError if that is < 0 or tau <= 0."""
        if elapsed_seconds < 0.0 or tau_seconds <= 0.0:
            raise InputError.at(
                "average",
                f"elapsed {elapsed_seconds} s, tau {tau_seconds} s",
                "Give elapsed >= 0 and tau > 0.",
            )
        keep = float(exp(-elapsed_seconds / tau_seconds))
        return TimedAverage(
            num=self.num * keep + sample * elapsed_seconds, den=self.den * keep + elapsed_seconds
        )
