"""The main job as a benchmark: 10,000 accounts, one day in one-minute steps, with and without feedback.

The two runs go to two processes, as in the demo, without a journal. Compilation is not counted (a small
run warms the cache first), the second process's start is. The stated limit of this step is 30 s for the pair.
"""

from __future__ import annotations

import time

from seawall.lab.experiment import Plan, run_experiment
from seawall.lab.october import october_path
from seawall.rulebooks.load import load_rulebook

LIMIT_SECONDS = 30.0


def measure(accounts: int = 10_000) -> list[dict[str, object]]:
    """One row: wall seconds for the pair of runs, commands and events per second."""
    rulebook = load_rulebook("harbor")
    path = october_path(assets=("BTC", "ETH", "SOL", "AVAX"))
    run_experiment(Plan(rulebook=rulebook, path=path, accounts=100))
    start = time.perf_counter()
    result = run_experiment(Plan(rulebook=rulebook, path=path, accounts=accounts), parallel=True)
    seconds = time.perf_counter() - start
    runs = result.summary["runs"].values()
    events, commands = sum(run["events"] for run in runs), sum(run["commands"] for run in runs)
    return [
        {
            "figure": f"the crash, {accounts:,} accounts, 1,440 steps, with and without feedback",
            "ours": f"{seconds:.1f} s",
            "peer": f"limit {LIMIT_SECONDS:.0f} s",
            "ratio": round(LIMIT_SECONDS / seconds, 2),
            "goal": "1x",
            "events_per_second": round(events / seconds),
            "commands_per_second": round(commands / seconds),
        }
    ]
