"""Who would have been hit: one crash, one book, every published way to rank winners for auto-deleveraging.

Run it with `python examples/adl_rankers.py`. The rulebook is Harbor without its funds and its backstop, so
that every bankruptcy goes to the winners at once. What they give up is close to the same for every ranker;
who gives it up is not. Amounts in USDC.
"""

import msgspec
import numpy as np

import seawall as sw
from seawall.liquidation.tiers import AdlTier, SocialiseTier

RANKERS = ("bitmex", "binance", "hyperliquid", "pnl", "leverage", "pro_rata")


def with_ranker(rulebook, ranker: str):
    """Harbor with nothing between a bankruptcy and its winners."""
    steps = tuple(step for step in rulebook.liquidation.steps if step.action != "takeover")
    return msgspec.structs.replace(
        rulebook,
        name=f"harbor-{ranker}",
        liquidation=msgspec.structs.replace(rulebook.liquidation, steps=steps),
        waterfall=(AdlTier(ranker=ranker), SocialiseTier(method="positive_equity")),
    )


def main(accounts: int = 400) -> None:
    harbor = sw.load_rulebook("harbor")
    print(f"{'ranker':<12} {'winners hit':>11} {'gave up':>12} {'largest':>12} {'half of it by':>14}")
    for ranker in RANKERS:
        run = sw.simulate(
            with_ranker(harbor, ranker),
            accounts=accounts,
            start="2025-10-10T21:10:00Z",
            end="2025-10-10T21:30:00Z",
        )
        table = run.tables["accounts"]
        given = np.sort(table.filter((table["run"] == "with") & (table["adl"] > 0))["adl"].to_numpy())[::-1]
        half = int(np.searchsorted(np.cumsum(given), given.sum() / 2) + 1) if given.size else 0
        largest = float(given[0]) if given.size else 0.0
        print(f"{ranker:<12} {given.size:>11,} {given.sum():>12,.0f} {largest:>12,.0f} {half:>14,}")


if __name__ == "__main__":
    main()
