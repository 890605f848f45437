"""`replay`, `explain` and `check` on journals: sound, damaged, cut off, and one that another engine wrote."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

import msgspec
import pytest

from seawall.engine import commands
from seawall.engine.commands import Deposit, OpenAccount
from seawall.engine.engine import Engine
from seawall.engine.events import Bankrupt, Entry, Transferred
from seawall.engine.state import HOUSE_ACCOUNTS
from seawall.journal.reader import JournalReader
from seawall.journal.store import Journal
from seawall.rulebooks.load import load_rulebook


@pytest.fixture
def journal(run_folder, tmp_path) -> Path:
    return Path(shutil.copy(run_folder / "journal.db", tmp_path / "journal.db"))


def test_replay_of_a_sound_journal_ends_in_the_state_of_the_run(call, journal, run_folder):
    said = call("replay", journal)
    digest = json.loads((run_folder / "summary.json").read_bytes())["runs"]["with"]["digest"]
    assert said.code == 0 and f"equal; state sha256 {digest}" in said.out
    assert json.loads(call("replay", run_folder, "--json").out)["state_sha256"] == digest


def test_replay_can_stop_early(call, journal):
    said = call("replay", journal, "--upto", 300, "--json")
    assert said.code == 0 and json.loads(said.out)["last_seq"] <= 310


def test_replay_shows_both_events_and_both_states_where_they_differ(call, tmp_path):
    path, rulebook = tmp_path / "other.db", load_rulebook("harbor")
    engine = Engine(rulebook)
    with Journal.create(path, rulebook) as journal:
        for command in (
            OpenAccount(time_ns=1, account=HOUSE_ACCOUNTS),
            Deposit(time_ns=1, account=HOUSE_ACCOUNTS, asset="USDC", amount_atoms=1_000_000),
        ):
            events = engine.step(command)
            if isinstance(command, Deposit):  # an engine that books one atom less
                first = events[0]
                assert isinstance(first, Transferred)
                entries = tuple(
                    Entry(e.pot, e.asset, e.amount_atoms - (1 if e.amount_atoms > 0 else -1))
                    for e in first.entries
                )
                events = (msgspec.structs.replace(first, entries=entries), *events[1:])
            journal.append(command, journal.last_seq + 1, events)
    said = call("replay", path)
    assert said.code == 1
    for part in (
        "different from record 4",
        "recorded:",
        "replayed:",
        "999999",
        "1000000",
        "states:",
        "pot 7",
    ):
        assert part in said.out, (part, said.out)


def test_explain_worst_goes_from_the_largest_bankruptcy_back_to_a_command(call, run_folder):
    said = call("explain", run_folder, "--worst", "--json")
    assert said.code == 0
    records = json.loads(said.out)
    assert records[0]["kind"] == "Bankrupt" and records[0]["relation"] == "asked"
    assert issubclass(getattr(commands, records[-1]["kind"]), commands.Command)
    largest = 0
    with JournalReader(run_folder / "journal.db") as reader:
        for step in reader.steps():
            largest = max([largest, *(e.deficit_atoms for e in step.events if isinstance(e, Bankrupt))])
        assert reader.record(records[0]["seq"]).deficit_atoms == largest
    assert "└─" in call("explain", run_folder, "--event", records[0]["seq"]).out


def test_explain_of_a_record_that_is_not_there_names_the_range(call, journal):
    call("explain", journal, "--event", 10**9).refuses("no record 1000000000", "from 0 to")


def test_check_accepts_a_sound_journal(call, journal):
    said = call("check", journal, "--deep")
    assert said.code == 0 and "no problems" in said.out
    assert json.loads(call("check", journal, "--json").out)["ok"] is True


def flip_a_byte(path: Path) -> None:
    with sqlite3.connect(path) as database:
        seq, payload = database.execute("SELECT seq, payload FROM groups WHERE seq > 100 LIMIT 1").fetchone()
        middle = len(payload) // 2
        altered = payload[:middle] + bytes([payload[middle] ^ 1]) + payload[middle + 1 :]
        database.execute("UPDATE groups SET payload = ? WHERE seq = ?", (altered, seq))


def drop_a_record(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("DELETE FROM groups WHERE seq = (SELECT min(seq) FROM groups WHERE seq > 100)")


def tear_off_the_tail(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])


def drop_the_last_commit(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("DELETE FROM groups WHERE seq = (SELECT max(seq) FROM groups)")


@pytest.mark.parametrize("damage", (flip_a_byte, drop_a_record, tear_off_the_tail, drop_the_last_commit))
def test_a_damaged_journal_is_reported_with_file_place_and_fix(damage, call, journal):
    damage(journal)
    checked = call("check", journal)
    assert checked.code == 1 and "Traceback" not in checked.err
    assert "journal.db" in checked.out and "\n  " in checked.out
    if damage is not tear_off_the_tail:
        assert "record " in checked.out
    replayed = call("replay", journal)
    replayed.refuses("journal.db", "\n  ")


def test_a_file_that_is_no_journal_is_refused(call, tmp_path):
    path = tmp_path / "journal.db"
    path.write_bytes(b"not a database at all" * 100)
    call("replay", path).refuses("journal.db")
    assert call("check", path).code == 1
