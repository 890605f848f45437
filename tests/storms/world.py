"""A storm: one random world from a seed, played on a Stage, everything checked after each command.

The weather is drawn first (weather.py), then a sound rulebook, then what users, feeds, people and the venue
outside do. Messengers deliver twice, late and out of order; an order goes out only once its event is durable,
and what a crash swallowed is sent again or never. A seed and a commit reproduce a storm exactly.
"""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import msgspec

from seawall.engine import commands as cmd
from seawall.engine import events as ev
from seawall.engine.state import HOUSE_ACCOUNTS, MARKET
from seawall.rulebooks.model import Rulebook
from tests.engine.venue import SECOND, START
from tests.storms.deeds import Deeds
from tests.storms.feeds import Feeds
from tests.storms.rules import random_rulebook
from tests.storms.stage import Act, Stage
from tests.storms.weather import Weather, draw


class World:
    """Builds the rulebook and the stage, then plays. `rng` is the only source of chance."""

    def __init__(self, seed: int, folder: Path | None = None) -> None:
        self.seed = seed
        self.rng = Random(seed)
        self.weather: Weather = draw(self.rng)
        self.rulebook: Rulebook = random_rulebook(self.rng, self.weather)
        self.stage = Stage(self.rulebook, folder if self.weather.on_disk else None)
        self.now = START
        self.feeds = Feeds(self.rng, self.weather)
        self.deeds = Deeds(self)
        self.queue: list[tuple[int, cmd.AnyCommand]] = []  # (step it is due, what a messenger carries)
        self.out: dict[int, list[int]] = {}  # orders the venue outside has: instrument, lots left, limit, pot
        self.recalled: set[int] = set()
        self.done = 0
        self.events: list[ev.AnyEvent] = []  # all that became durable

    # -- running --------------------------------------------------------------------------------------

    def run(self, steps: int = 0) -> None:
        users = range(HOUSE_ACCOUNTS, HOUSE_ACCOUNTS + self.weather.users)
        for account in users:
            self.step(cmd.OpenAccount(time_ns=self.now, account=account))
        self.deeds.prices()
        for account in users:
            self.deeds.deposit(account, first=True)
        self.commit()
        for done in range(min(steps or self.weather.steps, self.weather.steps)):
            self.done = done
            self.now += self.rng.choice(self.weather.clock) * SECOND
            self.deeds.act()
            self._deliver()
            if self.rng.random() < self.weather.commit:
                self.commit()
            self._answer()
            self._break()
        self.commit()
        self.stage.finish()

    def give(self, kind: type, **fields: Any) -> None:
        self.send(kind(time_ns=self.now, **fields))

    def send(self, command: cmd.AnyCommand) -> None:
        """Hand a command to a messenger: it may arrive twice, or later, or both."""
        rng, weather = self.rng, self.weather
        if rng.random() < weather.late:
            self.queue.append((self.done + rng.choice([1, 2, 5, 30]), command))
            return
        self.step(command)
        if rng.random() < weather.twice:
            if rng.random() < 0.5:
                self.step(command)
            else:
                self.queue.append((self.done + rng.choice([1, 3, 20]), command))

    def step(self, command: cmd.AnyCommand) -> None:
        self.stage.play(Act("step", command))

    def commit(self) -> None:
        """What is durable is acted on: orders go out to the venue, recalls too."""
        for _seq, _command, events in self.stage.play(Act("commit")):
            self._learn(events)

    def _learn(self, events: tuple[ev.AnyEvent, ...]) -> None:
        self.events += events
        for event in events:
            if isinstance(event, ev.LiquidationOrderSent):
                self.out[event.order] = [event.instrument, event.size_lots, event.limit_ticks, event.pot]
            elif isinstance(event, ev.LiquidationOrderRecalled):
                self.recalled.add(event.order)
            elif isinstance(event, ev.LiquidationOrderDone):
                self.out.pop(event.order, None)

    def _deliver(self) -> None:
        """What is due arrives, in any order, with its old time stamp or a new one."""
        due = [command for when, command in self.queue if when <= self.done]
        self.queue = [entry for entry in self.queue if entry[0] > self.done]
        self.rng.shuffle(due)
        for command in due:
            stamp = command.time_ns if self.rng.random() < 0.1 else self.now
            self.step(msgspec.structs.replace(command, time_ns=stamp))

    def _break(self) -> None:
        """Crash, save a snapshot, or go on from a restored one."""
        rng, weather, stage = self.rng, self.weather, self.stage
        if rng.random() < weather.restore:
            if rng.random() < 0.5:
                self.commit()
                stage.play(Act("snapshot"))
            else:
                stage.play(Act("restore"))
        if rng.random() >= weather.crash:
            return
        durable = len(stage.durable)
        lost = [command for _seq, command, _events in stage.pending]
        stage.play(Act("crash", salt=rng.getrandbits(32)))
        for _seq, _command, events in stage.durable[durable:]:
            self._learn(events)  # arrived whole though never acknowledged
        for command in lost:
            if rng.random() < 0.7:  # its sender never heard back and sends it again, now or later
                self.queue.append((self.done + rng.choice([0, 1, 10]), command))

    # -- the venue outside ----------------------------------------------------------------------------

    def _answer(self) -> None:
        """Every order that is out may be filled, filled in part, given up, or left hanging."""
        answers = self.weather.answers
        for number in sorted(self.out):
            mood = self.rng.random()
            if number not in self.out or (answers == "stalled" and mood < 0.9):
                continue
            if answers == "mixed" and mood < 0.5:
                continue
            if number not in self.recalled or self.rng.random() < 0.3:
                self._fill(number)
            if number in self.out and self.rng.random() < 0.7:
                self.give(cmd.ReportOrderDone, order=number)
                self.out.pop(number, None)

    def _fill(self, number: int) -> None:
        rng, ledger = self.rng, self.stage.ledger
        instrument, left, limit, pot = self.out[number]
        name, buys = ledger.names[instrument], left > 0
        if not left or name in ledger.settled:
            return
        slip = rng.choice([0.0, 0.002, 0.02, 0.1])
        ticks = max(int(self.deeds.mark(name) * (1 + slip if buys else 1 - slip)), 1)
        if limit and (ticks > limit if buys else ticks < limit):
            return
        size = abs(left) if rng.random() < 0.6 else rng.randint(1, abs(left))
        self.out[number][1] -= size if buys else -size
        account = ledger.owner[pot]
        report = cmd.ReportFill(
            time_ns=self.now,
            instrument=name,
            size_lots=size,
            price_ticks=ticks,
            buyer=account if buys else MARKET,
            seller=MARKET if buys else account,
            taker_is_buyer=buys,
            buyer_order=number if buys else 0,
            seller_order=0 if buys else number,
        )
        if number not in ledger.orders and rng.random() < 0.5:  # forgotten by now, and yet it did happen
            report = msgspec.structs.replace(report, buyer_order=0, seller_order=0)
        self.send(report)
