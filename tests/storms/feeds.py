"""Prices from outside: a random walk per market, seen by sources that stall, go wrong, jump and come back."""

from __future__ import annotations

from random import Random

from seawall.engine import commands as cmd
from seawall.rulebooks.model import Rulebook
from tests.engine.venue import SECOND
from tests.storms.listing import PRICES
from tests.storms.weather import Weather

SILENT_STEPS = (1, 3, 10, 40)


class Feeds:
    """Level of all coins, and of each market against it; which source is at fault until which step."""

    def __init__(self, rng: Random, weather: Weather) -> None:
        self.rng, self.weather = rng, weather
        self.level = 1.0
        self.factors = dict.fromkeys(PRICES, 1.0)
        self.silent: dict[tuple[str, str], int] = {}
        self.wrong: dict[tuple[str, str], tuple[int, float]] = {}

    def report(
        self, rulebook: Rulebook, settled: set[str], now: int, step: int
    ) -> tuple[cmd.SourcePrice, ...]:
        rng, size = self.rng, self.weather.volatility
        self.level = min(max(self.level * (1.0 + rng.gauss(self.weather.drift, size)), 0.02), 50.0)
        if rng.random() < self.weather.feed_faults / 4:
            self.level = min(max(self.level * rng.choice([0.4, 0.7, 1.5, 3.0]), 0.02), 50.0)
        rows = []
        for name, start in PRICES.items():
            if name in settled or rng.random() < 0.04:
                continue
            self.factors[name] = min(max(self.factors[name] * (1.0 + rng.gauss(0, size / 3)), 0.3), 3.0)
            own = self.factors[name] if name.startswith("ETH") else 1.0 + (self.factors[name] - 1.0) / 10
            for source in rulebook.oracles[name].sources:
                factor = self._fault(name, source, step)
                if factor:
                    ticks = max(int(start * self.level * own * factor), 1)
                    age = rng.choice([0, 5, 40]) * SECOND if rng.random() < self.weather.feed_faults else 0
                    wide = rng.choice([0, 0, 0, ticks // 10])
                    rows.append(cmd.SourcePrice(name, source, ticks, now - age, wide))
        return tuple(rows)

    def _fault(self, name: str, source: str, step: int) -> float:
        """What a source makes of a price: 0 says nothing, 1 tells the truth."""
        rng, place, faults = self.rng, (name, source), self.weather.feed_faults
        if rng.random() < faults / 2:
            self.silent[place] = step + rng.choice(SILENT_STEPS)
        if rng.random() < faults / 2:
            self.wrong[place] = step + rng.choice(SILENT_STEPS), rng.choice([0.5, 0.85, 1.15, 3.0])
        if self.silent.get(place, 0) > step:
            return 0.0
        until, factor = self.wrong.get(place, (0, 1.0))
        return factor if until > step else 1.0
