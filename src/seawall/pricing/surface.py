"""A volatility surface as a market input: smiles by expiry, and a verdict per action, as a price has.

Between two expiries total variance is linear in time at equal k = ln(K / F), which keeps it from falling;
before the first it shrinks to 0 with time, after the last vol stays flat, and both are said. Times ns, vols
and variances plain floats per year of 365 days; whoever decides on them rounds against the account.
Conditions are bits; an action may use a good reading, lives degraded with those its policy tolerates, and
is refused otherwise. An option without a surface is refused, never given an invented vol. now_ns comes in.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag
from itertools import pairwise

import msgspec
import numpy as np
from numpy.typing import NDArray

from seawall.errors import InputError
from seawall.kernels.elementary import log_array
from seawall.pricing.svi import (
    G_FLOOR,
    Floats,
    RawSvi,
    butterfly,
    check_raw,
    derivatives,
    durrleman,
    scan_points,
    total_variance,
)

YEAR_NS = 365 * 86_400 * 1_000_000_000
ACTIONS = 5  # as many as there are in market.policy.Action: value, liquidate, open, withdraw, settle
CALENDAR_FLOOR = -1e-10
REFIT = "Fit it again, or leave this expiry out"


class SurfaceCondition(IntFlag):
    """What is wrong with a reading. 0 is a good one. Bits 1, 2, 8 and 16 mean what they mean for a price."""

    GOOD = 0
    MISSING = 1  # no surface, or no accepted slice
    STALE = 2  # quotes older than max_age
    THIN = 4  # too few agree: a slice with fewer quotes than min_quotes
    DIVERGENT = 8  # a jump of vol that has not yet persisted: the smile before it stands
    WIDE = 16  # median half-spread wider than max_half_spread
    POOR_FIT = 32  # fit further from the quotes than max_rmse
    REPAIRED = 64  # the best fit had arbitrage; the nearest without is further off by more than max_repair
    BUTTERFLY = 128  # the density is negative here
    CALENDAR = 256  # total variance falls between two slices around here
    EXTRAPOLATED = 512  # before the first or after the last expiry, or beyond the quoted strikes
    EXPIRED = 1024


class SurfaceVerdict(IntEnum):
    USE = 0
    DEGRADE = 1
    REFUSE = 2


class SurfacePolicy(msgspec.Struct, frozen=True, kw_only=True):
    """When a surface is good enough. `tolerated[action]`: conditions the action lives with, degraded."""

    max_age_ns: int
    min_quotes: int = 8  # five numbers through five quotes fit anything
    max_rmse_vol: float = 0.02
    max_repair_vol: float = 0.002
    max_step_vol: float = 0.0  # vol at the money may not move more between two surfaces; 0 = off
    step_window_ns: int = 0  # unless it persists this long
    max_half_spread_vol: float = 0.05
    degrade_vol: float = 0.05  # what a degraded reading may be off by; the user adds it against the account
    tolerated: tuple[int, int, int, int, int] = (0, 0, 0, 0, 0)

    def verdict(self, action: int, conditions: int) -> SurfaceVerdict:
        """Use, degrade or refuse. `action` is a market.policy.Action."""
        if not 0 <= action < ACTIONS:
            raise InputError.at("surface", f"action {action} is unknown", "Use a market.policy.Action.")
        if conditions == 0:
            return SurfaceVerdict.USE
        known = conditions & ~self.tolerated[action] == 0
        # A reading that does not exist cannot be lived with, whatever a policy says.
        missing = conditions & (SurfaceCondition.MISSING | SurfaceCondition.EXPIRED)
        return SurfaceVerdict.DEGRADE if known and not missing else SurfaceVerdict.REFUSE


class Smile(msgspec.Struct, frozen=True, kw_only=True):
    """One accepted slice with what it was made from."""

    expiry_ns: int
    observed_ns: int
    svi: RawSvi
    low_k: float  # quoted strikes reach from here...
    high_k: float  # ...to here
    quotes: int
    rmse_vol: float
    half_spread_vol: float
    doubted_since_ns: int = -1  # since when a jump away from this smile waits to be believed
    repair_vol: float = 0.0  # by how much the RMSE grew so that there is no arbitrage


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """The surface's word on one option. `vol` is 0 where it has none: look at the verdict first."""

    vol: float
    uncertainty_vol: float
    conditions: int
    verdict: SurfaceVerdict
    reason: str


class Surface(msgspec.Struct, frozen=True, kw_only=True):
    """Smiles of one underlying in order of expiry. Build it with `make_surface`, which checks."""

    smiles: tuple[Smile, ...]


def make_surface(smiles: tuple[Smile, ...]) -> Surface:
    """Check each smile. InputError for what is no surface.

    Arbitrage does not stop a surface: readings where it is carry the condition, `static_faults` lists it.
    """
    expiries = [smile.expiry_ns for smile in smiles]
    if any(later <= earlier for earlier, later in pairwise(expiries)):
        raise InputError.at("surface", "expiries do not rise", "Give one smile per expiry, earliest first.")
    for place, smile in enumerate(smiles):
        check_raw(smile.svi, f"smile {place}")
        if smile.observed_ns >= smile.expiry_ns:
            raise InputError.at(f"smile {place}", "observed at or after its expiry", "Leave it out.")
    return Surface(smiles=smiles)


def calendar_gap(earlier: RawSvi, later: RawSvi, *, reach: float = 10.0) -> tuple[float, float]:
    """(smallest w_later - w_earlier, k where) over [-reach, reach] and far out, where the wings decide."""
    k = np.unique(np.concatenate([scan_points(earlier, -reach, reach), scan_points(later, -reach, reach)]))
    gap = total_variance(later, k) - total_variance(earlier, k)
    at = int(np.argmin(gap))
    low, where = float(gap[at]), float(k[at])
    sides = zip((-1.0, 1.0), earlier.wing_slopes, later.wing_slopes)
    for side, before, after in sides:
        if after < before - 1e-12:  # rounding of equal wings is no crossing
            return min(low, after - before), side * float("inf") if low >= CALENDAR_FLOOR else where
    return low, where


def read(
    surface: Surface | None,
    policy: SurfacePolicy,
    *,
    forward: float,
    strike: float,
    expiry_ns: int,
    now_ns: int,
    action: int,
) -> Reading:
    """The vol of one option for one action. InputError for a forward or strike that is not positive."""
    vols, conditions = read_strip(
        surface,
        policy,
        forward=forward,
        strikes=np.array([strike]),
        expiry_ns=expiry_ns,
        now_ns=now_ns,
    )
    return _reading(policy, action, float(vols[0]), int(conditions[0]))


def read_strip(
    surface: Surface | None,
    policy: SurfacePolicy,
    *,
    forward: float,
    strikes: Floats,
    expiry_ns: int,
    now_ns: int,
) -> tuple[Floats, NDArray[np.int64]]:
    """(vols, conditions) of strikes of one expiry, vol 0 where there is none; `policy.verdict` judges."""
    every = np.append(strikes, forward)
    if not (np.all(every > 0.0) and np.all(np.isfinite(every))):
        low = float(np.min(strikes, initial=np.inf))
        raise InputError.at(
            "surface", f"forward {forward:g}, lowest strike {low:g}", "All must be positive and finite."
        )
    nothing = np.zeros(strikes.size)
    if expiry_ns <= now_ns and surface is not None and surface.smiles:
        return nothing, np.full(strikes.size, int(SurfaceCondition.EXPIRED))
    live = [smile for smile in surface.smiles if smile.expiry_ns > now_ns] if surface else []
    if not live:
        return nothing, np.full(strikes.size, int(SurfaceCondition.MISSING))
    k = log_array(strikes / forward)
    variances, conditions = _at(live, policy, k, expiry_ns, now_ns)
    return np.sqrt(variances * YEAR_NS / (expiry_ns - now_ns)), conditions


def _at(
    live: list[Smile], policy: SurfacePolicy, k: Floats, expiry_ns: int, now_ns: int
) -> tuple[Floats, NDArray[np.int64]]:
    """Total variances, and the conditions of the smiles they rest on."""
    after = next((smile for smile in live if smile.expiry_ns >= expiry_ns), None)
    before = next((smile for smile in reversed(live) if smile.expiry_ns <= expiry_ns), None)
    outside = after is None or before is None
    upper = after or live[-1]
    lower = upper if before is None or after is None else before
    ends = [_smile_at(smile, k, now_ns) for smile in (lower, upper)]
    weights = _weights(lower, upper, expiry_ns, now_ns)
    w, first, second = (weights[0] * low + weights[1] * high for low, high in zip(*ends))
    conditions = np.full(k.size, int(SurfaceCondition.EXTRAPOLATED) if outside else 0)
    for smile in (lower, upper):
        conditions |= int(_quality(smile, policy, now_ns))
        quoted = (k >= smile.low_k) & (k <= smile.high_k)
        conditions |= np.where(quoted, 0, int(SurfaceCondition.EXTRAPOLATED))
    bent = ~(durrleman(k, w, first, second) >= G_FLOOR)
    conditions |= np.where(bent, int(SurfaceCondition.BUTTERFLY), 0)
    falling = ends[1][0] < ends[0][0] + CALENDAR_FLOOR
    conditions |= np.where(falling, int(SurfaceCondition.CALENDAR), 0)
    return w, conditions


def _smile_at(smile: Smile, k: Floats, now_ns: int) -> tuple[Floats, Floats, Floats]:
    """w and two derivatives now: since the quotes, vol stayed and the time left became less."""
    left = (smile.expiry_ns - now_ns) / (smile.expiry_ns - smile.observed_ns)
    w, first, second, _ = derivatives(smile.svi, k)
    return w * left, first * left, second * left


def _weights(lower: Smile, upper: Smile, expiry_ns: int, now_ns: int) -> tuple[float, float]:
    """Shares of the two smiles' total variances."""
    if lower is upper:
        return 0.0, (expiry_ns - now_ns) / (upper.expiry_ns - now_ns)
    share = (expiry_ns - lower.expiry_ns) / (upper.expiry_ns - lower.expiry_ns)
    return 1.0 - share, share


def _quality(smile: Smile, policy: SurfacePolicy, now_ns: int) -> SurfaceCondition:
    """What is wrong with the whole smile."""
    found = SurfaceCondition.GOOD
    # A quote from the future is as little a quote of now as one too old.
    if not 0 <= now_ns - smile.observed_ns <= policy.max_age_ns:
        found |= SurfaceCondition.STALE
    if smile.quotes < policy.min_quotes:
        found |= SurfaceCondition.THIN
    if smile.half_spread_vol > policy.max_half_spread_vol:
        found |= SurfaceCondition.WIDE
    if smile.doubted_since_ns >= 0:
        found |= SurfaceCondition.DIVERGENT
    if smile.rmse_vol > policy.max_rmse_vol:
        found |= SurfaceCondition.POOR_FIT
    if smile.repair_vol > policy.max_repair_vol:
        found |= SurfaceCondition.REPAIRED
    return found


def _reading(policy: SurfacePolicy, action: int, vol: float, conditions: int) -> Reading:
    verdict = policy.verdict(action, conditions)
    names = [item.name or "" for item in SurfaceCondition if item and conditions & item]
    return Reading(
        vol=vol,
        uncertainty_vol=policy.degrade_vol if verdict == SurfaceVerdict.DEGRADE else 0.0,
        conditions=conditions,
        verdict=verdict,
        reason=", ".join(name.lower().replace("_", " ") for name in names) or "good",
    )


def static_faults(surface: Surface) -> tuple[str, ...]:
    """Every arbitrage of the surface in words; empty if there is none."""
    found = []
    for place, smile in enumerate(surface.smiles):
        report = butterfly(smile.svi)
        if not report.holds:
            found.append(f"smile {place}: {report.explain()}. {REFIT}")
        if place:
            gap, k = calendar_gap(surface.smiles[place - 1].svi, smile.svi)
            if gap < CALENDAR_FLOOR:
                found.append(f"smile {place}: total variance falls by {-gap:.3g} at k = {k:.4f}. {REFIT}")
    return tuple(found)
