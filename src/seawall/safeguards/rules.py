"""P13 as data: predicates that close gates, the roles that may override, the governed delay.

A gate forbids actions on one instrument or everywhere until a time. Moves are ppb of price,
times ns. Tightening is immediate; loosening waits for approvals and the timelock.
Sources: dYdX v4 withdrawal gate, Drift TWAP guard (rules/onchain-derivatives 1.1, 1.3).
"""

from __future__ import annotations

from typing import Literal

import msgspec

Forbidden = Literal["open", "withdraw", "liquidate", "adl"]


class Breaker(msgspec.Struct, frozen=True, kw_only=True):
    """Close a gate when the predicate holds.

    mark_move      |mark - mark `window_ns` ago| / that > threshold_ppb on one instrument
    divergence     |mark - index| / index > threshold_ppb on one instrument
    negative_equity  any account below zero equity is seen (venue-wide)
    fund_below     insurance fund below threshold_atoms (venue-wide)
    """

    name: str
    when: Literal["mark_move", "divergence", "negative_equity", "fund_below"]
    threshold_ppb: int = 0
    threshold_atoms: int = 0
    window_ns: int = 0
    forbids: tuple[Forbidden, ...]
    for_ns: int


class Governance(msgspec.Struct, frozen=True, kw_only=True):
    """Who may change parameters and how slowly. Proposer never counts as an approver."""

    approvals: int = 2
    timelock_ns: int = 0


class SafeguardRules(msgspec.Struct, frozen=True, kw_only=True):
    breakers: tuple[Breaker, ...] = ()
    governance: Governance = Governance()
