"""Replay decides again and must agree; recovery follows and must end in the same state."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import msgspec
import pytest

from seawall.engine import commands as cm
from seawall.engine.engine import Engine
from seawall.errors import JournalError
from seawall.journal import Journal, JournalReader, Recorder, check_journal, explain, recover, replay
from seawall.journal.batches import batches
from seawall.journal.codec import encode_rulebook
from seawall.journal.layout import INSERT_GROUP, pack_group, snapshot_hash
from seawall.journal.replay import open_snapshot
from tests.journal.crash import SECOND_NS, START_NS, crash_commands, harbor
from tests.journal.venue import SmallEngine, commands, small_rulebook


class WithFee(SmallEngine):
    """The same engine after somebody changed a rule: every transfer loses an atom."""

    fee_atoms = 1


class Forgetful(SmallEngine):
    """Decides alike, and forgets to apply deposits to pot 10."""

    def _apply(self, event) -> None:
        super()._apply(event)
        if getattr(event, "kind", "") == "deposit" and event.entries[0].pot == 10:
            self.state.balances[10]["USDC"] -= 1


class Stubborn(SmallEngine):
    """Refuses to go on after record 30."""

    def step(self, command):
        if self.state.seq > 30:
            raise JournalError("no more")
        return super().step(command)


def test_a_replay_of_an_untouched_journal_is_equal_and_says_what_it_covered(write) -> None:
    path = write(40)
    report = replay(path, engine_factory=SmallEngine)
    assert report.equal and report.commands == 40 and report.digests >= 3
    assert "equal; state sha256" in str(report)
    assert report.state_sha256 == recover(path, engine_factory=SmallEngine).state.digest().hex()


def test_a_replay_stops_where_it_is_told(write) -> None:
    path = write(40)
    report = replay(path, engine_factory=SmallEngine, upto=20)
    engine = SmallEngine(small_rulebook())
    for command in commands(10):
        engine.step(command)
    assert (report.commands, report.last_seq) == (10, 20)
    assert report.state_sha256 == engine.state.digest().hex()


def test_a_replay_from_any_snapshot_ends_in_the_state_of_a_full_one(write) -> None:
    path = write(100, per_commit=5, snapshot_every=60)
    with JournalReader(path) as reader:
        snapshots = [row.seq for row in reader.snapshots()]
    assert len(snapshots) == 2
    whole = replay(path, engine_factory=SmallEngine)
    for upto in (None, snapshots[0] - 1):
        part = replay(path, engine_factory=SmallEngine, upto=upto, from_snapshot=True)
        assert part.equal and part.first_seq - 1 in snapshots
    assert replay(path, engine_factory=SmallEngine, from_snapshot=True).state_sha256 == whole.state_sha256
    early = replay(path, engine_factory=SmallEngine, upto=5, from_snapshot=True)
    assert early.equal and early.first_seq == 1


def test_a_changed_rule_is_found_at_its_first_event_with_both_events_and_both_states(write) -> None:
    path = write(40)
    report = replay(path, engine_factory=WithFee)
    assert not report.equal
    difference = report.difference
    with JournalReader(path) as reader:
        first = next(e for step in reader.steps() for e in step.events if type(e).__name__ == "Transferred")
    assert difference.seq == first.seq == report.last_seq
    amount = first.entries[0].amount_atoms
    assert (
        f"amount_atoms={amount})" in difference.recorded
        and f"amount_atoms={amount - 1})" in difference.replayed
    )
    pot = first.entries[0].pot
    assert f"  pot {pot} USDC: recorded {amount}, replayed {amount - 1}" in difference.states
    assert f"record {first.seq}: another event follows from Deposit {first.cause_seq}" in str(report)
    deep = check_journal(path, deep=True, engine_factory=WithFee)
    assert [problem.seq for problem in deep.problems] == [first.seq]


def test_a_state_that_drifts_under_equal_events_is_found_at_the_next_digest(tmp_path: Path) -> None:
    path = tmp_path / "run"
    with Recorder.create(path, small_rulebook(), engine_factory=SmallEngine, digest_every=1) as run:
        for command in commands(40):
            run.step(command)
            run.commit()
    with JournalReader(path) as reader:
        deposit = next(e for s in reader.steps() for e in s.events
                       if type(e).__name__ == "Transferred" and e.entries[0].pot == 10)  # fmt: skip
    report = replay(path, engine_factory=Forgetful)
    assert report.difference.seq == deposit.seq
    assert "the same events, another state digest" in report.difference.what
    assert report.difference.states == ("  both states are equal",), "both are made by the engine of today"
    (tmp_path / "copy").write_bytes(path.read_bytes())
    journal = Journal.open(tmp_path / "copy")
    journal._database.execute("DELETE FROM snapshots")
    journal.close()
    with pytest.raises(
        JournalError, match=f"record {deposit.seq}: the recorded events do not lead to the state"
    ):
        recover(tmp_path / "copy", engine_factory=Forgetful)


def test_an_engine_that_now_fails_is_a_difference_and_not_a_crash(write) -> None:
    path = write(40)
    report = replay(path, engine_factory=Stubborn)
    assert "was carried out, now it fails" in report.difference.what
    assert "JournalError: no more" in report.difference.replayed


class OnlyTogether(SmallEngine):
    """Decides alike one by one; many at a time it sees the first of them twice."""

    def step_many(self, commands):
        commands = list(commands)
        return [self.step(command) for command in [commands[0], *commands[1:-1], commands[0]]]


def test_an_engine_whose_batches_decide_otherwise_is_told_from_one_that_decides_otherwise(write) -> None:
    report = replay(write(40), engine_factory=OnlyTogether)
    assert not report.equal
    assert "other events follow, but not when decided one by one" in report.difference.what
    assert report.difference.seq == 1


@pytest.mark.parametrize("per_commit", [1, 7, 40])
@pytest.mark.parametrize("records", [1, 5, 10**6])
def test_batches_of_any_size_hold_the_steps_and_end_where_asked(
    write, monkeypatch, per_commit: int, records: int
) -> None:
    monkeypatch.setattr("seawall.journal.batches.BATCH_RECORDS", records)
    path = write(40, per_commit=per_commit)
    with JournalReader(path) as reader:
        last = reader.head()[0]
        payloads = [p for group in reader.groups() for p in group.payloads]
        for upto in [None, *range(last + 2)]:
            steps = list(reader.steps(upto=upto))
            found = list(batches(reader, 0, reader.genesis_hash, upto))
            assert [c for batch in found for c in batch.commands] == [step.command for step in steps]
            end = steps[-1].last if steps else 0
            assert [p for batch in found for p in batch.payloads] == payloads[1 : end + 1]
            digests = [(step.last, step.state) for step in steps if step.state]
            assert [(batch.last, batch.state) for batch in found if batch.state] == digests
            assert [batch.seq for batch in found[1:]] == [batch.last + 1 for batch in found[:-1]]
        assert replay(path, engine_factory=SmallEngine, upto=9).last_seq == 10


def rewritten(path: Path, change) -> Path:
    """A copy of a journal, chained anew, whose first groups of payloads were changed."""
    with JournalReader(path) as reader:
        groups = list(reader.groups())
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("DELETE FROM snapshots")
    database.execute("DELETE FROM groups")
    chain = bytes(32)
    for group in groups:
        row = pack_group(group.seq, change(group), chain, group.state)
        database.execute(INSERT_GROUP, row)
        chain = row.hash
    database.execute("UPDATE head SET hash = ?", (chain,))
    database.close()
    return path


def test_a_command_in_another_spelling_replays_and_is_reported_by_the_check(write) -> None:
    def respelled(group):
        return [p.replace(b"\xa4USDC", b"\xd9\x04USDC") if b"\xa7Deposit" in p else p for p in group.payloads]

    path = rewritten(write(40), respelled)
    assert replay(path, engine_factory=SmallEngine).equal
    problems = check_journal(path).problems
    assert problems and all("Deposit is not in canonical form" in problem.text for problem in problems)


@pytest.mark.parametrize("which", ["command", "event"])
def test_a_record_of_no_kind_under_a_right_chain_is_named_by_a_replay(write, which: str) -> None:
    def spoiled(group):
        payloads = list(group.payloads)
        if group.seq == 9:
            place = 2 if which == "command" else 3
            payloads[place] = b"\x92\xa6Donate\x01"
        return payloads

    with pytest.raises(JournalError, match=f"record {11 if which == 'command' else 12}: its 9 bytes are not"):
        replay(rewritten(write(40), spoiled), engine_factory=SmallEngine)


def test_a_commit_that_starts_with_an_event_is_named_by_a_replay(write) -> None:
    def headless(group):
        return [*group.payloads[1:], group.payloads[1]] if group.seq == 9 else group.payloads

    with pytest.raises(JournalError, match="record 9: is an event, and its group should start"):
        replay(rewritten(write(40), headless), engine_factory=SmallEngine)


@pytest.fixture(scope="module")
def crash(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("crash") / "crash.journal"
    with Recorder.create(path, harbor(), digest_every=30, snapshot_every=200) as run:
        for command in crash_commands():
            run.step(command)
            run.commit()
    return path


def test_the_real_engine_replays_a_crash_to_the_same_bytes(crash: Path) -> None:
    report = check_journal(crash, deep=True)
    assert report.ok, report
    assert report.digests >= 8 and report.snapshots == 2
    with JournalReader(crash) as reader:
        kinds = {type(event).__name__ for step in reader.steps() for event in step.events}
    assert {"Refused", "Traded", "MarginCalled", "LiquidationStarted", "LiquidationOrderSent"} <= kinds


def test_the_real_engine_recovers_to_the_state_of_a_full_replay_and_goes_on_alike(
    crash: Path, tmp_path: Path
) -> None:
    path = tmp_path / "run"
    path.write_bytes(crash.read_bytes())
    every = list(crash_commands(rounds=20))
    done = len(list(crash_commands()))
    with Recorder.resume(path) as run:
        for command in every[done:]:
            run.step(command)
        run.engine.check()
    with Recorder.create(tmp_path / "whole", harbor()) as whole:
        for command in every:
            whole.step(command)
    assert run.engine.state.digest() == whole.engine.state.digest()
    assert replay(path).state_sha256 == replay(tmp_path / "whole").state_sha256


@pytest.mark.slow
def test_snapshot_and_tail_end_in_the_state_of_a_full_replay_wherever_the_snapshot_is(tmp_path: Path) -> None:
    """A snapshot every 7 records or so; each of them, with the records after it, against the whole."""
    path = tmp_path / "run"
    with Recorder.create(path, harbor(), digest_every=20) as run:
        kept = []
        for command in crash_commands():
            run.step(command)
            if run.engine.state.seq - (kept[-1].seq if kept else 0) >= 7:
                run.journal.snapshot(run.engine.state)
                with JournalReader(path) as reader:
                    kept.append(next(reader.snapshots()))
    whole = replay(path)
    assert whole.equal and whole.state_sha256 == run.engine.state.digest().hex() and len(kept) > 20
    with JournalReader(path) as reader:
        for row in kept:
            engine = open_snapshot(reader, row, Engine)
            for step in reader.steps(row.seq, row.chain):
                engine.apply_events(step.seq, step.events)
            assert engine.state.digest().hex() == whole.state_sha256, f"recovery after record {row.seq}"
            decided = open_snapshot(reader, row, Engine)
            for batch in batches(reader, row.seq, row.chain):
                decided.step_many(batch.commands)
            assert decided.state.digest().hex() == whole.state_sha256, f"replay after record {row.seq}"


@pytest.mark.parametrize("which", [0, 1])
def test_a_deep_check_finds_a_snapshot_of_another_state_whose_hashes_fit(write, which: int) -> None:
    path = write(100, per_commit=5, digest_every=10**9, snapshot_every=60)
    with JournalReader(path) as reader:
        row = list(reader.snapshots())[which]
        engine = SmallEngine.from_bytes(reader.rulebook, row.data)
    engine.state.balances[10]["USDC"] += 1
    row = row._replace(state=engine.state.digest(), data=engine.state.to_bytes())
    database = sqlite3.connect(path, isolation_level=None)
    values = row._replace(hash=snapshot_hash(row))
    database.execute("INSERT OR REPLACE INTO snapshots VALUES (?, ?, ?, ?, ?)", values)
    database.close()
    assert check_journal(path).ok, "no hash is wrong"
    problems = check_journal(path, deep=True, engine_factory=SmallEngine).problems
    assert any(f"recovery from the snapshot at record {row.seq} ends in state" in p.text for p in problems)


def test_a_clock_that_jumps_back_is_refused_with_both_times_and_the_journal_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "run"
    with Recorder.create(path, harbor(), digest_every=1) as run:
        for command in crash_commands(rounds=1):
            run.step(command)
        now = run.engine.state.time_ns
        back = cm.Tick(time_ns=now - 3600 * SECOND_NS)
        (refused,) = run.step(back)
        run.commit()
        assert type(refused).__name__ == "Refused" and refused.time_ns == now == run.engine.state.time_ns
        assert refused.numbers == {"time_ns": back.time_ns, "now_ns": now}
        later = run.step(cm.Tick(time_ns=now + SECOND_NS))
        assert all(event.time_ns == now + SECOND_NS for event in later)
    with JournalReader(path) as reader:
        assert reader.record(refused.seq - 1) == back, "the command is kept as it came"
    assert check_journal(path, deep=True).ok


def test_opening_a_snapshot_reads_no_more_of_a_journal_than_where_its_rulebook_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The genesis names it, or the change that enacted it: nobody looks through all that lies between."""
    old = harbor()
    new = msgspec.structs.replace(old, title="Harbor, second edition", effective="2026-02-03")
    read: list[bytes] = []
    naming = JournalReader.groups_naming

    def watched(self, text, upto, *, newest=False):
        for group in naming(self, text, upto, newest=newest):
            read.append(text)
            yield group

    monkeypatch.setattr(JournalReader, "groups_naming", watched)
    for enacted, looks in ((False, []), (True, [new.sha256.encode(), b"Proposed"])):
        path = tmp_path / f"run-{enacted}"
        with Recorder.create(path, old, digest_every=10**9) as run:
            run.step(cm.Propose(time_ns=START_NS, by="ann", proposal=1, rulebook=encode_rulebook(new)))
            run.commit()
            for name in ("bob", "cid"):
                run.step(cm.Approve(time_ns=START_NS, by=name, proposal=1))
            if enacted:
                run.step(cm.Enact(time_ns=START_NS + 25 * 3600 * SECOND_NS, by="ann", proposal=1))
            run.commit()
            for tick in range(26, 40):
                run.step(cm.Tick(time_ns=START_NS + tick * 3600 * SECOND_NS))
                run.commit()
        read.clear()
        assert recover(path).state.rulebook == (new if enacted else old)
        assert read == looks


def test_a_journal_whose_rulebook_was_changed_recovers_under_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "run"
    old = harbor()
    new = msgspec.structs.replace(old, title="Harbor, second edition", effective="2026-02-03")
    with Recorder.create(path, old, digest_every=1) as run:
        for command in crash_commands(rounds=1):
            run.step(command)
        later = run.engine.state.time_ns
        run.step(cm.Propose(time_ns=later, by="ann", proposal=1, rulebook=encode_rulebook(new)))
        for name in ("bob", "cid"):
            run.step(cm.Approve(time_ns=later, by=name, proposal=1))
        run.step(cm.Enact(time_ns=later + 25 * 3600 * SECOND_NS, by="ann", proposal=1))
        changed = run.engine.state.seq
        run.step(cm.Tick(time_ns=later + 26 * 3600 * SECOND_NS))
    assert run.engine.state.rulebook == new, "the proposal was enacted"
    with JournalReader(path) as reader:
        assert [row.seq for row in reader.snapshots()] == [reader.head()[0]]
        assert reader.rulebook_at(changed) == new and reader.rulebook_at(5) == old == reader.rulebook
        assert reader.rulebook_at(changed, new.sha256) == new
        assert reader.rulebook_at(changed, "0" * 64) == new, (
            "whatever else is asked for, the journal is right"
        )
    assert recover(path).state.digest() == run.engine.state.digest()
    assert check_journal(path, deep=True).ok
    from_snapshot = replay(path, from_snapshot=True)
    assert from_snapshot.equal and from_snapshot.commands == 0, "the snapshot was good"
    assert explain(path, changed)[-1].kind == "Enact"
    assert START_NS < later
