"""Swarm testing: each storm draws which features are on and how often, so that no two are alike.

A storm in which everything happens a little hides what only much of one thing shows. Rates are chances per
step, times seconds. All of it comes from the seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

ACTIONS = {
    "trade": 24,
    "order": 8,
    "cancel": 4,
    "deposit": 4,
    "withdraw": 5,
    "transfer": 4,
    "tick": 6,
    "funding": 3,
    "person": 2,
    "settle": 0.2,
    "spot": 3,
    "leverage": 2,
    "govern": 2,
    "edge": 4,
    "hostile": 3,
}
ALWAYS = {"prices": 34.0}
CALM, CRASH = 0.004, 0.05


@dataclass(frozen=True)
class Weather:
    steps: int
    users: int
    heat: tuple[float, ...]  # how active each account is: a few hot, the others cold
    actions: dict[str, float]
    scope: str
    rich: bool
    markets: tuple[str, ...]
    volatility: float
    drift: float
    funds_dollars: int
    vault_dollars: int
    three_sources: bool
    feed_faults: float  # a source falls silent, goes wrong or jumps
    isolated: float
    other_assets: float  # share of deposits that are not USDC
    extreme: float  # dust, and sizes near 2**61 atoms
    clock: tuple[int, ...]
    answers: str  # how the venue outside answers liquidation orders: prompt, mixed or stalled
    twice: float
    late: float
    commit: float  # below 1, steps gather unacknowledged, and a crash loses them
    crash: float
    restore: float
    on_disk: bool

    def __str__(self) -> str:
        on = [name for name, weight in self.actions.items() if weight]
        shown = {name: value for name, value in vars(self).items() if name not in ("actions", "heat")}
        return f"{', '.join(f'{name}={value}' for name, value in shown.items())}; does {', '.join(on)}"


def draw(rng: Random) -> Weather:
    users = rng.choice([3, 4, 5, 6, 8, 10])
    scope = rng.choice(["account", "account", "account", "settlement"])
    markets = ("BTC-PERP", "ETH-PERP", "BTCUSD", "ETHUSD", "BTC-DEC")
    volatility = rng.choice([CALM, 0.02, 0.03, 0.04, CRASH])
    return Weather(
        steps=rng.choice([40, 80, 80, 120, 200]),
        users=users,
        heat=tuple(rng.choice([0.1, 1.0, 1.0, 8.0]) for _ in range(users)),
        actions=ALWAYS | {name: weight * _dose(rng) for name, weight in ACTIONS.items()},
        scope=scope,
        rich=rng.random() < 0.5,
        markets=tuple(rng.sample(markets, rng.choice([1, 2, 3, 5]))),
        volatility=volatility,
        drift=rng.choice([0.0, 0.0, -0.3, 0.3]) * volatility,
        funds_dollars=rng.choice([0, 500, 20_000, 200_000]),
        vault_dollars=rng.choice([0, 1_000, 100_000, 10**6, 10**7]),
        three_sources=rng.random() < 0.4,
        feed_faults=rng.choice([0.0, 0.0, 0.02, 0.1, 0.3]),
        isolated=rng.choice([0.0, 0.05, 0.6]),
        other_assets=rng.choice([0.0, 0.3, 0.8]),
        extreme=rng.choice([0.0, 0.0, 0.0, 0.05, 0.3]),
        clock=rng.choice([(0, 1, 1, 2, 10), (0,), (0, 0, 0, 120), (1,), (5, 30, 70)]),
        answers=rng.choice(["prompt", "mixed", "mixed", "stalled"]),
        twice=rng.choice([0.0, 0.0, 0.05, 0.3]),
        late=rng.choice([0.0, 0.0, 0.05, 0.3]),
        commit=rng.choice([1.0, 1.0, 0.5, 0.1]),
        crash=rng.choice([0.0, 0.02, 0.05, 0.1]),
        restore=rng.choice([0.0, 0.02, 0.1]),
        on_disk=rng.random() < 0.1,
    )


def _dose(rng: Random) -> float:
    """Off in a quarter of the storms, else rare, usual or frequent."""
    return rng.choice([0.0, 0.3, 1.0, 4.0])
