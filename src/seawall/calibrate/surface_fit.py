"""From chains of quotes to a surface: SSVI over all expiries, then raw SVI slice by slice.

A slice is taken only free of butterfly arbitrage, not below the nearest slice before it and not above the
nearest after it, among those taken already. Where raw SVI cannot be brought there, the SSVI slice stands in,
flagged; where that is no better, the expiry is refused with the reason, and options between its neighbours
are read by interpolation. Vols per year; errors weighted RMS.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from seawall.calibrate.quotes import Chain
from seawall.calibrate.smile import LEAST_QUOTES, Target, fault_of, make_target
from seawall.calibrate.ssvi_fit import SsviFit, fit_ssvi
from seawall.calibrate.svi_fit import SliceFit, fit_slice
from seawall.errors import InputError
from seawall.pricing.ssvi import to_raw
from seawall.pricing.surface import Smile, Surface, make_surface
from seawall.pricing.svi import RawSvi, butterfly


class ExpiryFit(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one expiry."""

    expiry_ns: int
    years: float
    quotes: int
    rejected: int
    fit: SliceFit
    inside_spread: float  # share of quotes whose fitted vol lies between bid and ask


class SurfaceFit(msgspec.Struct, frozen=True, kw_only=True):
    surface: Surface
    expiries: tuple[ExpiryFit, ...]
    ssvi: SsviFit | None

    @property
    def refused(self) -> tuple[ExpiryFit, ...]:
        return tuple(one for one in self.expiries if not one.fit.accepted)


def fit_surface(chains: Sequence[Chain], *, max_rmse_vol: float = 0.05) -> SurfaceFit:
    """Fit all expiries of one underlying at one moment. InputError if they are of several moments.

    An expiry with too few quotes, or without a slice free of arbitrage within `max_rmse_vol` of its quotes,
    is refused in the result, not raised.
    """
    if len({chain.observed_ns for chain in chains}) > 1:
        raise InputError.at("surface fit", "chains of several moments", "Fit one moment at a time.")
    ordered = sorted(chains, key=lambda chain: chain.expiry_ns)
    enough = [chain for chain in ordered if chain.k.size >= LEAST_QUOTES and chain.years > 0.0]
    targets = {chain.expiry_ns: _target(chain) for chain in enough}
    ssvi = fit_ssvi(list(targets.values())) if targets else None
    places = {expiry: place for place, expiry in enumerate(targets)}
    fits: dict[int, SliceFit] = {}
    # Who is quoted best goes first; who has few quotes knows its wings least and gives way on both sides.
    for chain in sorted(enough, key=lambda chain: (-chain.k.size, chain.expiry_ns)):
        assert ssvi is not None
        stand_in = to_raw(ssvi.slice_at(places[chain.expiry_ns]))
        fits[chain.expiry_ns] = _fit_expiry(chain, _neighbours(fits, chain.expiry_ns), stand_in, max_rmse_vol)
    results = tuple(_expiry(chain, fits.get(chain.expiry_ns) or _too_few(chain)) for chain in ordered)
    smiles = [
        _smile(chain, one.fit, one.fit.svi) for chain, one in zip(ordered, results) if one.fit.svi is not None
    ]
    return SurfaceFit(surface=make_surface(tuple(smiles)), expiries=results, ssvi=ssvi)


def _neighbours(fits: dict[int, SliceFit], expiry_ns: int) -> tuple[RawSvi | None, RawSvi | None]:
    """The accepted slices next to this expiry: the one before and the one after."""
    taken = {expiry: fit.svi for expiry, fit in fits.items() if fit.svi is not None}
    before = max((expiry for expiry in taken if expiry < expiry_ns), default=-1)
    after = min((expiry for expiry in taken if expiry > expiry_ns), default=-1)
    return taken.get(before), taken.get(after)


def _target(chain: Chain, between: tuple[RawSvi | None, RawSvi | None] = (None, None)) -> Target:
    floor, ceiling = between
    return make_target(
        chain.k, chain.mid_vol, chain.years, weights=chain.weights, floor=floor, ceiling=ceiling
    )


def _too_few(chain: Chain) -> SliceFit:
    reason = f"{chain.k.size} usable quotes, {LEAST_QUOTES} are needed ({len(chain.rejected)} rejected)"
    if chain.rejected:
        reason += f"; first: {chain.rejected[0]}"
    return SliceFit(svi=None, how="refused", rmse_vol=0.0, g_min=0.0, plain_rmse_vol=0.0, reason=reason)


def _fit_expiry(
    chain: Chain, between: tuple[RawSvi | None, RawSvi | None], stand_in: RawSvi, max_rmse_vol: float
) -> SliceFit:
    target = _target(chain, between)
    fit = fit_slice(target, max_rmse_vol=max_rmse_vol, start=stand_in)
    rmse = target.rmse(stand_in)
    if fit.accepted or fault_of(stand_in, target) or rmse > max_rmse_vol:
        return fit
    return SliceFit(
        svi=stand_in,
        how="ssvi",
        rmse_vol=rmse,
        g_min=butterfly(stand_in).g_min,
        plain_rmse_vol=fit.plain_rmse_vol,
        reason=fit.reason,
    )


def _smile(chain: Chain, fit: SliceFit, svi: RawSvi) -> Smile:
    return Smile(
        expiry_ns=chain.expiry_ns,
        observed_ns=chain.observed_ns,
        svi=svi,
        low_k=float(np.min(chain.k)),
        high_k=float(np.max(chain.k)),
        quotes=int(chain.k.size),
        rmse_vol=fit.rmse_vol,
        half_spread_vol=float(np.median(chain.half_spread_vol)),
        repair_vol=max(fit.rmse_vol - fit.plain_rmse_vol, 0.0),
    )


def _expiry(chain: Chain, fit: SliceFit) -> ExpiryFit:
    inside = 0.0
    if fit.svi is not None:
        vol = _target(chain).model_vol(fit.svi)
        inside = float(np.mean((vol >= chain.bid_vol) & (vol <= chain.ask_vol)))
    return ExpiryFit(
        expiry_ns=chain.expiry_ns,
        years=chain.years,
        quotes=int(chain.k.size),
        rejected=len(chain.rejected),
        fit=fit,
        inside_spread=inside,
    )
