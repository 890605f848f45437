"""A small crash under the reference rulebook: the most leveraged accounts are liquidated."""

from __future__ import annotations

from collections.abc import Iterator

from seawall.engine import commands as cm
from seawall.rulebooks.load import load_rulebook
from seawall.rulebooks.model import Rulebook

START_NS = 1_770_000_000_000_000_000
SECOND_NS = 10**9
PRICES = {
    "BTC-PERP": 600_000,
    "ETH-PERP": 300_000,
    "SOL-PERP": 150_000,
    "AVAX-PERP": 30_000,
    "BTCUSD-PERP": 120_000,
    "BTC-25DEC26": 600_000,
    "BTCUSD-25DEC26": 120_000,
    "BTC-SPOT": 600_000,
    "ETH-SPOT": 300_000,
}


def harbor() -> Rulebook:
    return load_rulebook("harbor")


def prices(time_ns: int, move_percent: int) -> cm.ReportPrices:
    """All instruments from all sources, moved alike."""
    seen = tuple(
        cm.SourcePrice(
            instrument=name,
            source=source,
            price_ticks=ticks * (100 + move_percent) // 100,
            observed_ns=time_ns,
        )
        for name, ticks in PRICES.items()
        for source in ("alpha", "beta", "gamma")
    )
    return cm.ReportPrices(time_ns=time_ns, prices=seen)


def crash_commands(rounds: int = 12) -> Iterator[cm.Command]:
    """Four accounts trade BTC and SOL; then all prices fall by 1 % a round; one withdrawal is refused."""
    now = START_NS
    yield prices(now, 0)
    for account, usdc in ((7, 3_000), (8, 500_000), (9, 40_000), (10, 1_000_000)):
        yield cm.OpenAccount(time_ns=now, account=account)
        yield cm.Deposit(time_ns=now, account=account, asset="USDC", amount_atoms=usdc * 10**6)
    for name, size_lots, buyer, seller in (("BTC-PERP", 1_000, 7, 8), ("SOL-PERP", 20_000, 9, 10)):
        yield cm.ReportFill(time_ns=now, instrument=name, size_lots=size_lots, price_ticks=PRICES[name],
                            buyer=buyer, seller=seller, taker_is_buyer=buyer == 7)  # fmt: skip
    yield cm.Withdraw(time_ns=now, account=7, asset="USDC", amount_atoms=2_999 * 10**6)
    for fall in range(1, rounds + 1):
        now += 20 * SECOND_NS
        yield prices(now, -fall)
        yield cm.Tick(time_ns=now + 11 * SECOND_NS)
