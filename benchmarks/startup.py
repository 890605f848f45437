"""How long a person waits for a command: help, and the first result with compiled code in numba's cache.

Wall time of whole processes, medians, taking turns with peers: a Python that does nothing, one that imports
numba, which nothing compiled can do without, and one that makes a single call of a small cached kernel, which
is the least that any answer takes. Byte code is kept between runs, whatever the shell says of it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from statistics import median

from benchmarks.rows import Row, make_row, seconds_of

HELP = ("-m", "seawall.cli.main", "--help")
MARGIN = (
    "-m", "seawall.cli.main", "margin", "harbor", "examples/book.csv",
    "--mark", "BTC=113000", "ETH=3850", "SOL=195",
)  # fmt: skip
NOTHING = ("-c", "pass")
NUMBA = ("-c", "import numba")
# With SciPy left out, as the command leaves it out.
ONE_CALL = (
    "-c",
    "import sys; sys.modules['scipy'] = None\n"
    "from seawall.kernels.fixed import mul_div_floor; mul_div_floor(6, 7, 2)",
)
GOAL_HELP_SECONDS, GOAL_FIRST_SECONDS = 0.050, 0.6


def _run(words: tuple[str, ...]) -> None:
    settings = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL, env=settings)


def measure(quick: bool = False) -> list[Row]:
    """Two rows."""
    taken: dict[tuple[str, ...], list[float]] = {HELP: [], NOTHING: [], MARGIN: [], NUMBA: [], ONE_CALL: []}
    for words in taken:
        _run(words)  # byte code, the numba cache and the pages of the disk
    for _ in range(3 if quick else 15):
        for words, seconds in taken.items():
            seconds.append(seconds_of(partial(_run, words)))
    at = {words: median(seconds) for words, seconds in taken.items()}
    least = {words: min(seconds) for words, seconds in taken.items()}
    return [
        make_row(
            "seawall --help, whole process",
            ours=f"{at[HELP] * 1e3:.0f} ms",
            peer=f"python -c pass {at[NOTHING] * 1e3:.0f} ms",
            ratio=at[NOTHING] / at[HELP],
            goal=f"{GOAL_HELP_SECONDS * 1e3:.0f} ms",
            met=at[HELP] <= GOAL_HELP_SECONDS,
            note=f"fastest {least[HELP] * 1e3:.0f} ms",
        ),
        make_row(
            "seawall margin on a small book, warm cache, whole process",
            ours=f"{at[MARGIN]:.2f} s",
            peer=f"import numba {at[NUMBA]:.2f} s",
            ratio=at[NUMBA] / at[MARGIN],
            goal=f"{GOAL_FIRST_SECONDS} s",
            met=at[MARGIN] <= GOAL_FIRST_SECONDS,
            note=f"fastest {least[MARGIN]:.2f} s; one call of a cached kernel {at[ONE_CALL]:.2f} s",
        ),
    ]
