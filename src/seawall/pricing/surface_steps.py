"""From one surface to the next: a jump of vol is doubted until it has persisted, as a price's jump is.

Per expiry: while vol at the money is further than `max_step_vol` from the smile that stands, that smile goes
on standing, flagged DIVERGENT; once the jump has waited for `step_window_ns` the new one is taken. An expiry
that the new surface lacks keeps its smile, which then grows stale. Vols per year, times ns; no clock.
"""

from __future__ import annotations

import msgspec
import numpy as np

from seawall.pricing.surface import YEAR_NS, Smile, Surface, SurfacePolicy, make_surface
from seawall.pricing.svi import total_variance


def follow(before: Surface | None, fresh: Surface, policy: SurfacePolicy, *, now_ns: int) -> Surface:
    """The surface that stands at `now_ns`: smile by smile the fresh one, or the last one believed."""
    old = {smile.expiry_ns: smile for smile in before.smiles} if before else {}
    new = {smile.expiry_ns: smile for smile in fresh.smiles}
    standing = []
    for expiry_ns in sorted(dict.fromkeys([*old, *new])):
        if expiry_ns <= now_ns:
            continue
        was, is_now = old.get(expiry_ns), new.get(expiry_ns)
        if was is not None and is_now is not None:
            standing.append(_step(was, is_now, policy, now_ns))
        elif is_now is not None:
            standing.append(is_now)
        elif was is not None:
            # Nobody to confirm the jump: it starts to wait anew.
            standing.append(msgspec.structs.replace(was, doubted_since_ns=-1))
    return make_surface(tuple(standing))


def vol_at_the_money(smile: Smile) -> float:
    """Vol at k = 0 over the smile's life from its quotes on."""
    w = float(total_variance(smile.svi, np.zeros(1))[0])
    return float(np.sqrt(w * YEAR_NS / (smile.expiry_ns - smile.observed_ns)))


def _step(was: Smile, is_now: Smile, policy: SurfacePolicy, now_ns: int) -> Smile:
    moved = abs(vol_at_the_money(is_now) - vol_at_the_money(was))
    if not policy.max_step_vol or moved <= policy.max_step_vol:
        return is_now
    if was.doubted_since_ns < 0:
        return msgspec.structs.replace(was, doubted_since_ns=now_ns)
    if now_ns - was.doubted_since_ns >= policy.step_window_ns:
        return is_now
    return was
