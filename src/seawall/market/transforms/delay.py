"""Time between a price and its use: the hour-aligned queue, and the gate behind a sequencer that was down.

Prices in the feed's unit, times ns. Sources: makerdao/osm `poke` (cur <- nxt <- source, at most once per
aligned hop; `void` empties and stops); aave-v3-core PriceOracleSentinel with ValidationLogic (liquidation
iff HF < 0.95, or up for more than the grace period; removed in v3.7).
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from seawall.market.transforms.reading import GATED, Last, Reading, given, remember, stands


class Queue(msgspec.Struct, frozen=True, array_like=True, tag="queue"):
    """The price in force, the one that comes next, and the aligned hop of the last poke."""

    current: Last = Last()
    following: Last = Last()
    poked_ns: int = 0
    stopped: bool = False


class DelayQueue(msgspec.Struct, frozen=True, kw_only=True, tag="delay"):
    """A price is in force from the poke after the one that recorded it: one to two hops late.

    At a poke with nothing to record nothing moves, and the next word pokes. Before the second poke, and after
    `void`, there is no price. Flags are those of the newest word: what is in force was taken without any
    that would have kept it out.
    """

    hop_ns: int

    def start(self) -> Queue:
        return Queue()

    def step(
        self, state: Queue, reading: Reading, sources: Mapping[str, Reading], now_ns: int
    ) -> tuple[Queue, Reading]:
        if reading.is_news and self.is_due(state, now_ns):
            aligned_ns = now_ns - now_ns % self.hop_ns
            state = Queue(state.following, remember(reading), aligned_ns)
        if state.current.price and reading.is_news:
            current = state.current
            return state, msgspec.structs.replace(
                reading, price=current.price, observed_ns=current.observed_ns, confidence=current.confidence
            )
        return state, stands(state.current, reading)

    def is_due(self, state: Queue, now_ns: int) -> bool:
        return not state.stopped and now_ns >= state.poked_ns + self.hop_ns

    def void(self, state: Queue) -> Queue:
        """Emptied and stopped: no price until somebody starts it anew."""
        return Queue(poked_ns=state.poked_ns, stopped=True)


UP = 1  # what the status source reports while the chain is up; any other price means that it is down


class Uptime(msgspec.Struct, frozen=True, array_like=True, tag="uptime"):
    """Is the sequencer up, and since when is that so? Not heard of: down."""

    up: bool = False
    since_ns: int = -1


class SequencerGate(msgspec.Struct, frozen=True, kw_only=True, tag="sequencer_gate"):
    """GATED while the sequencer is down and for `grace_ns` after; the price goes through.

    The source reports 1 while it is up. Aave lets deep losses through the gate: `allows`.
    """

    source: str
    grace_ns: int
    health_floor_wad: int = 950_000_000_000_000_000

    def start(self) -> Uptime:
        return Uptime()

    def step(
        self, state: Uptime, reading: Reading, sources: Mapping[str, Reading], now_ns: int
    ) -> tuple[Uptime, Reading]:
        status = sources.get(self.source, Reading())
        if status.price is not None:
            up = status.price == UP
            if up != state.up or state.since_ns < 0:
                state = Uptime(up, status.observed_ns)
        shut = not self.is_open(state, now_ns)
        return state, given(reading, reading.price, conditions=GATED if shut else 0)

    def is_open(self, state: Uptime, now_ns: int) -> bool:
        """Up, and for longer than the grace period: at its very end still shut."""
        return state.up and now_ns - state.since_ns > self.grace_ns

    def allows(self, state: Uptime, health_wad: int, now_ns: int) -> bool:
        """May an account with this health be liquidated? Below the floor always."""
        return health_wad < self.health_floor_wad or self.is_open(state, now_ns)
