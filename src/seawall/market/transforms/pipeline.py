"""The transforms of a rulebook, left to right: what one gives the next one takes.

`run` takes one word with the words of all named sources, and gives the states to keep and the last reading.
Pure. States are as many as transforms and belong to them by place; `start` makes them. Units are those of
the transforms. An empty pipeline gives back what came in.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from seawall.errors import InputError
from seawall.market.transforms.aggregate import Aggregate
from seawall.market.transforms.anchor import Anchor, Breaker, Fuse
from seawall.market.transforms.average import Averaged, HalfLife, Stood, Twap
from seawall.market.transforms.confidence import Confidence
from seawall.market.transforms.delay import DelayQueue, Queue, SequencerGate, Uptime
from seawall.market.transforms.fallback import Fallback, Trust
from seawall.market.transforms.latency import LatencyFee, Rounds
from seawall.market.transforms.publish import Clamp, DeviationHeartbeat, Limiter, Published
from seawall.market.transforms.ratio import Peg, RateCap, Ratio, Snapshot
from seawall.market.transforms.reading import Last, NoState, Reading
from seawall.market.transforms.stable import Slow, StablePrice
from seawall.market.transforms.validity import Validity

Transform = (
    Aggregate
    | Anchor
    | Breaker
    | Clamp
    | Confidence
    | DelayQueue
    | DeviationHeartbeat
    | Fallback
    | HalfLife
    | LatencyFee
    | Limiter
    | Peg
    | RateCap
    | Ratio
    | SequencerGate
    | StablePrice
    | Twap
    | Validity
)
Memory = (
    Averaged | Fuse | Last | NoState | Published | Queue | Rounds | Slow | Snapshot | Stood | Trust | Uptime
)
States = tuple[Memory, ...]
Pipeline = tuple[Transform, ...]


def start(pipeline: Sequence[Transform]) -> States:
    """The states before the first word."""
    return tuple(transform.start() for transform in pipeline)


def run(
    pipeline: Sequence[Transform],
    states: States,
    reading: Reading,
    sources: Mapping[str, Reading],
    *,
    now_ns: int,
) -> tuple[States, Reading]:
    """One word through all of them. InputError if the states are not those of this pipeline."""
    if len(states) != len(pipeline):
        raise InputError.at(
            "transforms", f"{len(states)} states for {len(pipeline)} transforms", "Start the pipeline anew."
        )
    kept: list[Memory] = []
    for transform, state in zip(pipeline, states):
        # The union's members take their own state only; `start` made it, and places do not change.
        stepper: Any = transform
        after, reading = stepper.step(state, reading, sources, now_ns)
        kept.append(after)
    return tuple(kept), reading


def aside(pipeline: Sequence[Transform]) -> tuple[str, ...]:
    """The sources that are no price of the instrument itself, but asked by name: they form no index."""
    named: dict[str, None] = {}
    for transform in pipeline:
        if isinstance(transform, Anchor | Ratio | SequencerGate):
            named[transform.source] = None
        elif isinstance(transform, Fallback):
            named[transform.secondary] = None
        elif isinstance(transform, Validity):
            named[transform.twap] = None
    return tuple(named)


def states_to_bytes(states: States) -> bytes:
    """Canonical: the same states give the same bytes everywhere.

    JSON of the standard library, because sums of price and time pass the 64 bits that msgspec writes.
    """
    return json.dumps(msgspec.to_builtins(states), separators=(",", ":")).encode()


def states_from_bytes(data: bytes) -> States:
    """What `states_to_bytes` wrote. ValueError for anything else."""
    return msgspec.convert(json.loads(data), States)
