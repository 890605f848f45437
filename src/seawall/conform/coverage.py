"""Which adapter answers which vector, and why the others have none. Plain tuples, looked through in order."""

from __future__ import annotations

from seawall.conform import (
    amm,
    backtests,
    binance,
    bitmex,
    bybit,
    bybit_options,
    calibration,
    cboe,
    cdp,
    contagion,
    deleveraging,
    deribit,
    deribit_portfolio,
    derive,
    derive_portfolio,
    drift,
    dydx,
    greeks,
    hyperliquid,
    hyperliquid_adl,
    hyperliquid_portfolio,
    incidents,
    kraken,
    lending,
    llamma,
    mango,
    margins,
    market_models,
    models,
    okx,
    options,
    oracle_programs,
    oracles,
    paradex,
    pool_perps,
    quant,
    simm,
    span,
    surfaces,
    tails,
    venue_portfolios,
    warnings,
)
from seawall.conform.model import Vector
from seawall.conform.reading import Adapter, Asked, Refused, Shape

ENTRIES: tuple[Adapter | Asked | Refused | Shape, ...] = (
    *binance.ADAPTERS,
    *bitmex.ADAPTERS,
    *bybit_options.ADAPTERS,
    *bybit.ADAPTERS,
    *cboe.ADAPTERS,
    *deribit.ADAPTERS,
    *derive.ADAPTERS,
    *drift.ADAPTERS,
    *dydx.ADAPTERS,
    *kraken.ADAPTERS,
    *pool_perps.ADAPTERS,
    *mango.ADAPTERS,
    *okx.ADAPTERS,
    *paradex.ADAPTERS,
    *hyperliquid_adl.ADAPTERS,
    *hyperliquid_portfolio.ADAPTERS,
    *hyperliquid.ADAPTERS,
    *quant.ADAPTERS,
    *span.ADAPTERS,
    *greeks.ADAPTERS,
    *deribit_portfolio.ADAPTERS,
    *derive_portfolio.ADAPTERS,
    *venue_portfolios.ADAPTERS,
    *options.ADAPTERS,
    *surfaces.ADAPTERS,
    *models.ADAPTERS,
    *tails.ADAPTERS,
    *margins.ADAPTERS,
    *simm.ADAPTERS,
    *backtests.ADAPTERS,
    *amm.ADAPTERS,
    *llamma.ADAPTERS,
    *cdp.ADAPTERS,
    *lending.ADAPTERS,
    *oracles.ADAPTERS,
    *oracle_programs.ADAPTERS,
    *contagion.ADAPTERS,
    *deleveraging.ADAPTERS,
    *market_models.ADAPTERS,
    *calibration.ADAPTERS,
    *warnings.ADAPTERS,
    *incidents.ADAPTERS,
)

OPTIONS = "scenario margin (portfolio margin): not in this engine yet"

# By file name: why a vector that no adapter takes is not run.
REASONS = {
    "cboe_docs": "no adapter for inputs like these",
    "cme_docs": "SPAN: not in this engine yet",
    "dederi_docs": OPTIONS,
    "deribit_docs": OPTIONS,
    "derive_docs": OPTIONS,
    "okx_docs": "OKX portfolio margin and its tiers: no rulebook and no adapter yet",
    "paradex_docs": "Paradex scenario margin and haircuts: no rulebook and no adapter yet",
    "drift": "no adapter for inputs like these",
    "dydx": "no adapter for inputs like these",
    "gmx": "no adapter for inputs like these",
    "mango": "no adapter for inputs like these",
    "synthetix": "no adapter for inputs like these",
    "aave_v3": "no adapter for inputs like these",
    "compound_v3": "no adapter for inputs like these",
    "liquity": "no adapter for inputs like these",
    "llamma": "no adapter for inputs like these",
    "maker_auction": "no adapter for inputs like these",
    "morpho_euler": "no adapter for inputs like these",
    "uniswap_v2": "no adapter for inputs like these",
    "uniswap_v3": "no adapter for inputs like these",
    "hybrid_liquidity": "no adapter for inputs like these",
    "deleveraging_calibration": "no adapter for inputs like these",
    "eisenberg_noe": "no adapter for inputs like these",
    "fire_sales": "no adapter for inputs like these",
    "incidents": "no adapter for inputs like these",
    "oracles": "no adapter for inputs like these",
    "calibration": "no adapter for inputs like these",
    "early_warning": "no adapter for inputs like these",
    "forensics": "no adapter for inputs like these",
    "margin": "scenario and SPAN margin models: not in this engine yet",
    "market": "no adapter for inputs like these",
    "options": "challenger models and vol surfaces: not in this engine yet",
}


def lookup(vector: Vector) -> Adapter | Asked | Shape | str:
    """The adapter that takes the vector, by the start of its id and its inputs' keys, or why none does."""
    named = [entry for entry in ENTRIES if vector.id.startswith(entry.prefix)]
    for entry in named:
        if isinstance(entry, Refused):
            return entry.reason
        if entry.fits(vector):
            return entry
    keys = ", ".join(sorted(vector.inputs)) or "none"
    # An adapter for a whole family ("margin.") says nothing about the shape that this id would need.
    near = [entry for entry in named if isinstance(entry, Adapter) and not entry.prefix.endswith(".")]
    if near:
        shapes = sorted({" + ".join(entry.keys) for entry in near} - {""})
        return f"inputs of an unknown shape ({keys}); known for this id: {'; '.join(shapes)}"
    reason = REASONS.get(vector.file.rsplit("/", 1)[-1])
    return reason or f"no adapter for ids like this one, with inputs {keys}"
