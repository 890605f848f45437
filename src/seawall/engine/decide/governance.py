"""Overrides and governed parameters: tightening at once, loosening by several people and slowly.

Times ns. A guardian may close a gate; opening one by hand needs the governor role. A rulebook
change is proposed, approved by others than its proposer, waits out the timelock, and is put into
force by a command; the event lists who becomes liquidatable by it.
"""

from __future__ import annotations

import msgspec
import numpy as np

from seawall.engine import commands as cmd
from seawall.engine import events as ev
from seawall.engine.decide.refuse import Refusal, known_instrument
from seawall.engine.decide.sweep import sweep_all
from seawall.engine.state import HOUSE_ACCOUNTS, State
from seawall.engine.writer import Writer
from seawall.errors import SeawallError
from seawall.ledger.columns import NONE
from seawall.margin.compiled import compile_margin
from seawall.margin.rules import MarginRules, Schedule
from seawall.margin.statement import book_health
from seawall.rulebooks.check import check_rulebook
from seawall.rulebooks.model import Rulebook
from seawall.units import INT64_MAX

_DESCRIPTIVE = ("name", "title", "effective", "sources", "unsupported", "provenance")
ACTIONS = ("open", "withdraw", "liquidate", "adl")
CLOSERS, OPENERS = ("guardian", "governor"), ("governor",)


def override(writer: Writer, command: cmd.Override) -> None:
    state = writer.state
    if command.action not in ACTIONS:
        raise Refusal(f"unknown action {command.action!r}: one of {', '.join(ACTIONS)}")
    allowed = CLOSERS if command.close else OPENERS
    if command.role not in allowed:
        raise Refusal(f"role {command.role!r} may not do this: {' or '.join(allowed)} may")
    instrument = known_instrument(state, command.instrument) if command.instrument else NONE
    reason = f"{command.by}: {command.reason}"
    if command.close:
        if not command.time_ns < command.until_ns <= INT64_MAX:
            raise Refusal("a gate must close until some time ahead", until_ns=command.until_ns)
        already = state.gates.get((command.action, instrument), 0)
        if already > command.until_ns and command.role not in OPENERS:
            raise Refusal("the gate is closed for longer already", until_ns=already)
        writer.emit(
            ev.GateClosed,
            action=command.action,
            instrument=instrument,
            until_ns=command.until_ns,
            reason=reason,
        )
    elif (command.action, instrument) in state.gates:
        writer.emit(ev.GateOpened, action=command.action, instrument=instrument, reason=reason)
        sweep_all(writer)
    else:
        raise Refusal("this gate is not closed")


def propose(writer: Writer, command: cmd.Propose) -> None:
    state = writer.state
    if command.proposal in state.proposals or not 0 <= command.proposal <= INT64_MAX:
        raise Refusal("this proposal number is in use, or not a number of 64 bits")
    if not command.by:
        raise Refusal("a proposal needs a name")
    rulebook = _decoded(command.rulebook)
    _same_shape(state.rulebook, rulebook)
    loosens = loosened(state.rulebook, rulebook)
    wait = state.rulebook.safeguards.governance.timelock_ns if loosens else 0
    writer.emit(
        ev.Proposed,
        by=command.by,
        proposal=command.proposal,
        rulebook=command.rulebook,
        not_before_ns=command.time_ns + wait,
        loosens=loosens,
    )


def approve(writer: Writer, command: cmd.Approve) -> None:
    proposal = writer.state.proposals.get(command.proposal)
    if proposal is None:
        raise Refusal("no such proposal")
    if not command.by or command.by == proposal.by or command.by in proposal.approvals:
        raise Refusal("the proposer does not count, and nobody counts twice")
    writer.emit(ev.Approved, by=command.by, proposal=command.proposal)


def enact(writer: Writer, command: cmd.Enact) -> None:
    state = writer.state
    proposal = state.proposals.get(command.proposal)
    if proposal is None:
        raise Refusal("no such proposal")
    rulebook = _decoded(proposal.rulebook)
    governance = state.rulebook.safeguards.governance
    not_before = proposal.not_before_ns
    if loosened(state.rulebook, rulebook):
        # Judged against the rules in force now: what was no loosening when proposed may be one today.
        not_before = max(not_before, proposal.proposed_ns + governance.timelock_ns)
    if len(proposal.approvals) < governance.approvals or command.time_ns < not_before:
        raise Refusal(
            "not approved by enough people, or the timelock has not passed",
            approvals=len(proposal.approvals),
            needed=governance.approvals,
            not_before_ns=not_before,
        )
    writer.emit(
        ev.RulebookChanged,
        proposal=command.proposal,
        old_sha256=state.sha256,
        new_sha256=rulebook.sha256,
        newly_liquidatable=newly_liquidatable(state, rulebook),
    )
    sweep_all(writer)


def newly_liquidatable(state: State, rulebook: Rulebook) -> tuple[int, ...]:
    """Pots above the trigger level under the rules in force and below it under the new ones."""
    pots = np.arange(HOUSE_ACCOUNTS, state.book.n_pots, dtype=np.int64)
    after = compile_margin(rulebook.assets, rulebook.instruments, rulebook.margin)
    failing = []
    for margin, trigger in (
        (state.margin, state.rulebook.liquidation.trigger),
        (after, rulebook.liquidation.trigger),
    ):
        equity, requirement, unknown = book_health(state.book, margin, state.market, pots, trigger)
        failing.append((equity[0] < requirement[0]) & (unknown[0] < 0))
    return tuple(int(pot) for pot in pots[failing[1] & ~failing[0]])


def loosened(old: Rulebook, new: Rulebook) -> tuple[str, ...]:
    """What asks for less or waits longer than before. What is not plainly tighter counts as looser."""
    found = []
    for name, margin in sorted(old.margin.instruments.items()):  # files and journals order keys differently
        listed = new.margin.instruments.get(name)
        for key, before in sorted(margin.schedules.items()):
            after = listed.schedules.get(key) if listed is not None else None
            if after is None or (after != before and not _tighter(before, after)):
                found.append(f"margin.instruments.{name}.{key}")
    for part in Rulebook.__struct_fields__:
        if part not in ("margin", *_DESCRIPTIVE) and getattr(old, part) != getattr(new, part):
            found.append(part)
    for part in MarginRules.__struct_fields__:
        if part != "instruments" and getattr(old.margin, part) != getattr(new.margin, part):
            found.append(f"margin.{part}")
    return tuple(found)


def _tighter(before: Schedule, after: Schedule) -> bool:
    """The same schedule with the same floors, no rate lower and no deduction that could offset one higher.

    Deductions follow from the rates: with every rate at least as high at every size, so is the requirement.
    """
    alike = msgspec.structs.replace(after, tiers=before.tiers) == before
    if not alike or len(before.tiers) != len(after.tiers):
        return False
    return all(
        a.floor_atoms == b.floor_atoms and a.rate_ppb >= b.rate_ppb
        for b, a in zip(before.tiers, after.tiers, strict=True)
    )


def _decoded(data: bytes) -> Rulebook:
    """The proposed rulebook, read and checked like one from a file."""
    try:
        rulebook = msgspec.json.decode(data, type=Rulebook)
        check_rulebook(rulebook)
    except (msgspec.MsgspecError, SeawallError, ValueError) as error:
        raise Refusal(f"the proposed rulebook cannot be used: {error}") from None
    return rulebook


def _same_shape(old: Rulebook, new: Rulebook) -> None:
    """Columns are laid out by assets and instruments: those may not change in place."""
    if (
        old.assets != new.assets
        or old.instruments != new.instruments
        or old.margin.scope != new.margin.scope
        or old.margin.numeraire != new.margin.numeraire
    ):
        raise Refusal("a proposal may change parameters, not assets, instruments, the scope or the numeraire")
    if any(old.oracles[i.name].sources != new.oracles[i.name].sources for i in old.instruments):
        raise Refusal("a proposal may not change the list of price sources")
