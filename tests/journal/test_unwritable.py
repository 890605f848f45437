"""A command that has no form in a journal (a number beyond 64 bits) is refused before the engine sees it."""

from __future__ import annotations

from pathlib import Path

import pytest

from seawall.engine import commands as cmd
from seawall.errors import JournalError
from seawall.journal import Recorder, replay
from tests.engine.venue import START, A, make_rulebook


def test_a_number_beyond_64_bits_changes_nothing_and_the_recorder_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    with Recorder.create(path, make_rulebook()) as run:
        run.step(cmd.OpenAccount(time_ns=START, account=A))
        before = run.engine.state.to_bytes()
        with pytest.raises(JournalError, match="must fit 64 bits"):
            run.step(cmd.Deposit(time_ns=START, account=A, asset="USDC", amount_atoms=2**70))
        assert run.engine.state.to_bytes() == before
        run.step(cmd.Deposit(time_ns=START, account=A, asset="USDC", amount_atoms=5))
    assert replay(path).equal
