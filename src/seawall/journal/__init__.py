"""The journal: commands and events on disk, in one order, hash-chained and durable.

Write with `Recorder` (engine and journal in step) or `Journal`; read with `JournalReader`. `recover` gives
the engine back after a stop, `replay` proves that it decides the same again, `check_journal` looks for
damage, `explain` walks from any record back to the command that caused it. Format, promises and limits:
docs/reference/journal.md.
"""

from seawall.journal.check import CheckReport, Problem, check_journal
from seawall.journal.differences import Difference
from seawall.journal.explain import ExplainedRecord, explain
from seawall.journal.reader import JournalReader, Step
from seawall.journal.recorder import Recorder
from seawall.journal.replay import ReplayReport, recover, replay
from seawall.journal.store import Journal

__all__ = [
    "Journal",
    "Recorder",
    "JournalReader",
    "Step",
    "replay",
    "ReplayReport",
    "Difference",
    "recover",
    "check_journal",
    "CheckReport",
    "Problem",
    "explain",
    "ExplainedRecord",
]
