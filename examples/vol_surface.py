"""From quotes to a verdict: a chain is fitted and asked for vols, a short book held against two models.

Run it with `python examples/vol_surface.py`. The quotes are made up here (Merton jumps, a spread of 3 % of
the price); one is crossed on purpose and named. Then the surface goes stale. Prices in USD, vols per year.
"""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl

from seawall.calibrate.book_margin import Book, OptionLine, model_error_reserve
from seawall.calibrate.models.levy import Black, Merton
from seawall.calibrate.models.price import model_prices
from seawall.calibrate.quotes import make_chains
from seawall.calibrate.surface_fit import fit_surface
from seawall.market.policy import Action
from seawall.pricing.surface import SurfaceCondition, SurfacePolicy, SurfaceVerdict, read

FORWARD = 60_000.0
NOW = datetime(2026, 1, 5, 8, tzinfo=UTC)
TRUTH = Merton(vol=0.45, intensity=4.0, jump_mean=-0.08, jump_vol=0.1)
HOUR_NS = 3_600_000_000_000


def quotes() -> pl.DataFrame:
    """Two expiries of out-of-the-money quotes, one of them crossed."""
    rows = []
    for days in (7, 30):
        reach = 0.9 * np.sqrt(days / 30)
        for strike in FORWARD * np.exp(np.linspace(-0.4, 0.35, 14) * reach):
            is_call = bool(strike >= FORWARD)
            price = float(model_prices(TRUTH, FORWARD, strike, days / 365, is_call)[0])
            row = {"name": f"{days}d-{strike:.0f}", "strike": strike, "type": "call" if is_call else "put"}
            row |= {"expiry": NOW + timedelta(days=days), "observed": NOW, "forward": FORWARD}
            rows.append(row | {"bid": 0.985 * price, "ask": 1.015 * price})
    rows[3]["bid"] = 2.0 * rows[3]["ask"]
    return pl.DataFrame(rows)


def main() -> None:
    chains = make_chains(quotes(), coin=False)
    for chain in chains:
        for rejected in chain.rejected:
            print(f"left out  {rejected}")
    fit = fit_surface(chains)
    for one in fit.expiries:
        print(
            f"{one.years * 365:4.0f} days  {one.quotes} quotes  {one.fit.how}, "
            f"rmse {100 * one.fit.rmse_vol:.2f} vol points, g_min {one.fit.g_min:.3f}, "
            f"{one.inside_spread:.0%} inside the spread"
        )

    degraded = int(SurfaceCondition.STALE)
    policy = SurfacePolicy(max_age_ns=HOUR_NS, tolerated=(degraded, 0, 0, 0, 0))
    start_ns = chains[0].observed_ns
    for label, age, action in (
        ("fresh, to value", 0, Action.VALUE),
        ("2 hours old, to value", 2, Action.VALUE),
        ("2 hours old, to liquidate", 2, Action.LIQUIDATE),
    ):
        reading = read(
            fit.surface,
            policy,
            forward=FORWARD,
            strike=54_000.0,
            expiry_ns=start_ns + 14 * 24 * HOUR_NS,
            now_ns=start_ns + age * HOUR_NS,
            action=action,
        )
        verdict = SurfaceVerdict(reading.verdict).name.lower()
        vol = f"{reading.vol:.4f} +- {reading.uncertainty_vol:.2f}"
        print(f"{label:<26} vol {vol}  {verdict}: {reading.reason}")

    lines = tuple(
        OptionLine(quantity=-1.0, strike=strike, years=30 / 365, is_call=strike > FORWARD)
        for strike in (50_000.0, 70_000.0)
    )
    found = model_error_reserve(
        Book(forward=FORWARD, lines=lines), Black(vol=TRUTH.matched_vol), [TRUTH], horizon_years=1 / 365
    )
    for margin in (found.base, *found.others):
        print(f"short strangle under {margin.name:<7} 1-day 99 % shortfall {margin.es_usd:9,.0f} USD")
    print(f"reserve for model error {found.reserve_usd:,.0f} USD, set by {found.worst}")


if __name__ == "__main__":
    main()
