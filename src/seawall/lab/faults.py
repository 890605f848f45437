"""What goes wrong on purpose: sources late or out, the oracle delayed, the liquidator stalled.

Times are seconds from the start of the run. A fault is data; the simulated venue and the price
feed ask it what they may do at a given moment. No randomness here.
"""

from __future__ import annotations

from typing import Literal, cast

import msgspec

from seawall.errors import InputError
from seawall.units import SECOND_NS, parse_duration_ns

FaultKind = Literal["source_late", "source_out", "oracle_delayed", "liquidator_stalled", "latency"]


class LabFault(msgspec.Struct, frozen=True, kw_only=True):
    """One fault. `target` is a source for source_*, "" for all; `delay_ns` for late, delayed, latency."""

    kind: FaultKind
    start_ns: int
    end_ns: int
    target: str = ""
    delay_ns: int = 0

    def active(self, now_ns: int) -> bool:
        return self.start_ns <= now_ns < self.end_ns


class Faults(msgspec.Struct, frozen=True):
    """All faults of a run; times relative to its start."""

    rows: tuple[LabFault, ...] = ()

    def source_delay_ns(self, source: str, now_ns: int) -> int | None:
        """How old this source's word is now; None when it says nothing."""
        delay = 0
        for fault in self.rows:
            if not fault.active(now_ns):
                continue
            if fault.kind == "source_out" and fault.target in ("", source):
                return None
            if fault.kind == "oracle_delayed" or (
                fault.kind == "source_late" and fault.target in ("", source)
            ):
                delay = max(delay, fault.delay_ns)
        return delay

    def stalled(self, now_ns: int) -> bool:
        return any(fault.kind == "liquidator_stalled" and fault.active(now_ns) for fault in self.rows)

    def latency_ns(self, now_ns: int) -> int:
        return max((f.delay_ns for f in self.rows if f.kind == "latency" and f.active(now_ns)), default=0)


def parse_fault(text: str) -> LabFault:
    """Read `kind[:target],from=21 h,for=10 min[,delay=90 s]`. Raises InputError naming the part."""
    head, *rest = [part.strip() for part in text.split(",")]
    kind, _, target = head.partition(":")
    kinds = ("source_late", "source_out", "oracle_delayed", "liquidator_stalled", "latency")
    if kind not in kinds:
        raise InputError.at(f"fault {text!r}", f"unknown kind {kind!r}", f"Use one of {', '.join(kinds)}.")
    given: dict[str, int] = {}
    for part in rest:
        key, _, value = part.partition("=")
        if key not in ("from", "for", "delay"):
            raise InputError.at(
                f"fault {text!r}", f"unknown part {key!r}", "Use from=, for= and delay=, as in 'from=21 h'."
            )
        given[key] = parse_duration_ns(value, where=f"fault {text!r}: {key}")
    if kind in ("source_late", "oracle_delayed", "latency") and not given.get("delay"):
        raise InputError.at(f"fault {text!r}", "no delay given", "Add delay=90 s.")
    start = given.get("from", 0)
    end = start + given.get("for", 400 * 86_400 * SECOND_NS)
    delay = given.get("delay", 0)
    known = cast(FaultKind, kind)
    return LabFault(kind=known, start_ns=start, end_ns=end, target=target, delay_ns=delay)
