"""P1 as data: how an instrument's sources become an index, a mark and a verdict per action.

Prices are ticks, rates ppb, ages ns. A verdict is a set of conditions (bits); an action is
allowed when every condition that holds is one the action tolerates. Sources: house rule P1;
Drift's oracle table (which action tolerates which state) in rules/onchain-derivatives 1.3.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag
from typing import Literal

import msgspec


class Condition(IntFlag):
    """What is wrong with a price. 0 is a good price."""

    GOOD = 0
    MISSING = 1  # never seen, or no source left after rejection
    STALE = 2  # the newest accepted price is older than max_age
    NO_QUORUM = 4  # fewer fresh, agreeing sources than the quorum
    DIVERGENT = 8  # the median jumped by more than max_step since the last accepted price
    WIDE = 16  # confidence interval wider than max_confidence
    CLAMPED = 32  # a bound stands where the market's price should: clamp, limiter or cap
    BROKEN = 64  # a circuit breaker tripped and was not reset
    GATED = 128  # the chain or feed this price comes over is down, or only just back
    LATE = 256  # not stale yet, but older than whoever trades on it at once should take


class Action(IntEnum):
    """What a price is about to be used for."""

    VALUE = 0  # margin and equity; if refused the account is unknown
    LIQUIDATE = 1
    OPEN = 2  # orders that add risk
    WITHDRAW = 3
    SETTLE = 4  # funding and expiry


MarkRule = Literal["index", "source", "basis_ema", "median3"]


class OraclePolicy(msgspec.Struct, frozen=True, kw_only=True):
    """One instrument's pipeline. `tolerated[action]` is the set of conditions that action may live with."""

    sources: tuple[str, ...]
    quorum: int = 1
    max_age_ns: int
    outlier_ppb: int  # a source further than this from the median is rejected
    max_step_ppb: int  # the median may not move more than this in one report...
    step_window_ns: int  # ...unless it persists for this long (then it is accepted)
    max_confidence_ppb: int
    mark: MarkRule = "index"
    mark_source: str = ""  # for mark = "source", and the traded price of basis_ema and median3
    ema_tau_ns: int = 0  # basis EMA time constant
    mark_clamp_ppb: int = 0  # mark stays within index +- this; 0 = no clamp
    stable_tau_ns: int = 0  # time constant of the slow price used by level price = "strict"; 0 = off
    tolerated: tuple[int, int, int, int, int] = (0, 0, 0, 0, 0)

    def allows(self, action: Action, conditions: int) -> bool:
        return conditions & ~self.tolerated[action] == 0
