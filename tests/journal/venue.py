"""A venue small enough to check by hand: a tiny rulebook, an engine of forty lines, and a stream of
commands.

The engine keeps balances and the last price; it is deterministic and complete in the sense that the journal
needs: `step` decides, `apply_events` follows, `to_bytes` carries the state exactly.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from seawall.engine import commands as cm
from seawall.engine import events as ev
from seawall.instruments.model import Asset, InstrumentKind, make_instrument
from seawall.liquidation.rules import LiquidationRules
from seawall.liquidation.tiers import InsuranceTier
from seawall.margin.rules import InstrumentMargin, Level, MarginRules, Schedule, Tier
from seawall.market.oracle import Seen
from seawall.market.policy import OraclePolicy
from seawall.rulebooks.model import HouseFunds, Rulebook
from seawall.safeguards.rules import SafeguardRules

USDC = Asset(name="USDC", decimals=6)
BTC = Asset(name="BTC", decimals=8)
START_NS = 1_700_000_000_000_000_000


def small_rulebook(name: str = "harbor", maintenance_ppb: int = 10_000_000) -> Rulebook:
    perpetual = make_instrument(
        name="BTC-PERP",
        kind=InstrumentKind.LINEAR_PERPETUAL,
        base="BTC",
        quote="USDC",
        lot="0.001",
        tick="0.1",
        settle=USDC,
    )
    schedule = Schedule(tiers=(Tier(floor_atoms=0, rate_ppb=maintenance_ppb),))
    return Rulebook(
        name=name,
        title="Harbor",
        effective="2025-01-01",
        sources=(),
        unsupported=(),
        assets=(USDC, BTC),
        instruments=(perpetual,),
        oracles={
            "BTC-PERP": OraclePolicy(
                sources=("a", "b"),
                max_age_ns=60 * 10**9,
                outlier_ppb=10**8,
                max_step_ppb=10**9,
                step_window_ns=0,
                max_confidence_ppb=10**9,
            )
        },
        margin=MarginRules(
            scope="account",
            numeraire="USDC",
            collateral={"USDC": ""},
            weights={"default": {}},
            instruments={"BTC-PERP": InstrumentMargin(schedules={"maintenance": schedule})},
            levels=(Level(name="maintenance", schedule="maintenance"),),
        ),
        liquidation=LiquidationRules(trigger="maintenance", exit="maintenance", steps=()),
        waterfall=(InsuranceTier(fund="insurance"),),
        safeguards=SafeguardRules(),
        funding={},
        funds=HouseFunds(insurance_atoms={}, backstop_atoms={}),
        provenance={},
    )


class SmallState:
    """Balances in atoms by pot and asset name; the last price in ticks."""

    def __init__(self) -> None:
        self.seq = 0
        self.balances: dict[int, dict[str, int]] = {}
        self.price_ticks = 0

    def to_bytes(self) -> bytes:
        return msgspec.msgpack.encode(
            [self.seq, sorted((p, sorted(b.items())) for p, b in self.balances.items()), self.price_ticks]
        )

    def digest(self) -> bytes:
        return hashlib.sha256(self.to_bytes()).digest()

    def describe_pot(self, pot: int) -> dict[str, Any]:
        return dict(self.balances[pot])


class SmallEngine:
    """Opens accounts, moves money in and out (refusing an overdraft), notes prices."""

    fee_atoms = 0

    def __init__(self, rulebook: Rulebook) -> None:
        self.rulebook = rulebook
        self.state = SmallState()

    @classmethod
    def from_bytes(cls, rulebook: Rulebook, data: bytes) -> SmallEngine:
        engine = cls(rulebook)
        engine.state.seq, balances, engine.state.price_ticks = msgspec.msgpack.decode(data)
        engine.state.balances = {pot: dict(held) for pot, held in balances}
        return engine

    def step(self, command: cm.Command) -> tuple[ev.Event, ...]:
        self.state.seq += 1
        events = []
        for kind, fields in self._decide(command):
            event = kind(seq=self.state.seq + 1, cause_seq=self.state.seq, time_ns=command.time_ns, **fields)
            self._apply(event)
            events.append(event)
        return tuple(events)

    def step_many(self, commands: Iterable[cm.Command]) -> list[tuple[ev.Event, ...]]:
        return [self.step(command) for command in commands]

    def apply_events(self, command_seq: int, events: Sequence[ev.Event]) -> None:
        self.state.seq = command_seq
        for event in events:
            self._apply(event)

    def _decide(self, command: cm.Command) -> Iterator[tuple[Any, dict[str, Any]]]:
        if isinstance(command, cm.OpenAccount):
            yield (
                ev.AccountOpened,
                dict(account=command.account, owner=command.owner, pot=command.account, unit=0, role=0),
            )
        elif isinstance(command, cm.Deposit | cm.Withdraw):
            held = self.state.balances[command.account].get(command.asset, 0)
            if isinstance(command, cm.Withdraw) and held < command.amount_atoms:
                yield (
                    ev.Refused,
                    dict(
                        command="Withdraw",
                        reason="balance",
                        account=command.account,
                        numbers={"has_atoms": held, "needs_atoms": command.amount_atoms},
                    ),
                )
                return
            sign = 1 if isinstance(command, cm.Deposit) else -1
            asset = ["USDC", "BTC"].index(command.asset)
            amount = sign * command.amount_atoms - self.fee_atoms
            yield (
                ev.Transferred,
                dict(
                    kind="deposit" if sign > 0 else "withdrawal",
                    rule=self.rulebook.tag,
                    entries=(
                        ev.Entry(pot=command.account, asset=asset, amount_atoms=amount),
                        ev.Entry(pot=0, asset=asset, amount_atoms=-amount),
                    ),
                ),
            )
        elif isinstance(command, cm.ReportPrices):
            rows = tuple(Seen(p.price_ticks, p.observed_ns, 0, 0, 0) for p in command.prices)
            yield ev.SourcesSeen, dict(rows=rows)
            ticks = command.prices[-1].price_ticks
            yield (
                ev.MarkSet,
                dict(
                    instrument=0,
                    index_ticks=ticks,
                    mark_ticks=ticks,
                    stable_ticks=0,
                    confidence_ticks=0,
                    basis_nano=0,
                    conditions=0,
                    used=1,
                    rejected=0,
                    step_since_ns=0,
                    rule=self.rulebook.tag,
                ),
            )

    def _apply(self, event: ev.Event) -> None:
        if isinstance(event, ev.AccountOpened):
            self.state.balances[event.pot] = {}
        elif isinstance(event, ev.Transferred):
            for entry in event.entries:
                held = self.state.balances.setdefault(entry.pot, {})
                name = ["USDC", "BTC"][entry.asset]
                held[name] = held.get(name, 0) + entry.amount_atoms
        elif isinstance(event, ev.MarkSet):
            self.state.price_ticks = event.mark_ticks
        self.state.seq = event.seq


def commands(count: int, first: int = 0) -> Iterator[cm.Command]:
    """A fixed stream: accounts 7 to 16 open, then prices, deposits, withdrawals (some refused), ticks."""
    for index in range(first, first + count):
        time_ns = START_NS + index * 10**9
        account = 7 + index % 10
        if index < 10:
            yield cm.OpenAccount(time_ns=time_ns, account=account, owner=f"owner {index}")
        elif index % 5 == 0:
            price = cm.SourcePrice(
                instrument="BTC-PERP", source="a", price_ticks=500_000 + index * 37 % 911, observed_ns=time_ns
            )
            yield cm.ReportPrices(time_ns=time_ns, prices=(price,))
        elif index % 5 == 1:
            yield cm.Tick(time_ns=time_ns)
        elif index % 5 == 2:
            yield cm.Withdraw(time_ns=time_ns, account=account, asset="USDC", amount_atoms=1_000_000 + index)
        else:
            yield cm.Deposit(time_ns=time_ns, account=account, asset="USDC", amount_atoms=2_500_000 + index)
