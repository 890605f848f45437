"""Write docs/reference/conformance.md: published numbers by venue, and code that knows a venue by name.

`python -m tools.conformance_page VECTORS` runs every vector and writes the page; a test holds the page
against a new run where the vectors are at hand, and its second table always. Counts only, no rounding.
"""

from __future__ import annotations

import ast
import io
import json
import re
import sys
import tokenize
from collections.abc import Mapping
from pathlib import Path

from seawall.conform.model import Conformance

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "reference" / "conformance.md"
SCORES = ROOT / "src" / "seawall" / "rulebooks" / "published.json"  # what `seawall rulebooks` shows
MARK = "<!-- code by venue -->"
# Rulebook -> the files of vectors held against it.
VECTORS = {
    "aave-v3.0": ["lending/aave_v3"],
    "aave-v3.3": ["lending/aave_v3"],
    "aave-v3.7": ["lending/aave_v3"],
    "binance-usdm": ["venues/binance_docs"],
    "bitmex": ["venues/bitmex_docs"],
    "bybit-linear": ["venues/bybit_docs"],
    "bybit-options": ["venues/bybit_docs"],
    "cboe-strategy": ["venues/cboe_docs"],
    "compound-v3": ["lending/compound_v3"],
    "crvusd": ["lending/llamma"],
    "deribit-standard": ["venues/deribit_docs"],
    "derive-srm": ["venues/derive_docs"],
    "drift-v2": ["venues/drift"],
    "dydx-v4": ["venues/dydx"],
    "euler-v2": ["lending/morpho_euler"],
    "gmx-v2": ["venues/gmx"],
    "hyperliquid": ["venues/hyperliquid", "venues/hyperliquid_docs"],
    "kraken-inverse": ["venues/kraken_docs"],
    "liquity-v1": ["lending/liquity"],
    "liquity-v2": ["lending/liquity"],
    "maker-liq2": ["lending/maker_auction"],
    "mango-v4": ["venues/mango"],
    "morpho-blue": ["lending/morpho_euler"],
    "paradex": ["venues/paradex_docs"],
    "synthetix-v3": ["venues/synthetix"],
}
# Maker, Compound and Drift are left out: maker fees, compounding and the drift of a process are no venues.
VENUES = frozenset(
    ("aave", "binance", "bitmex", "bybit", "cboe", "comet", "crvusd", "dederi", "deribit", "derive", "dydx",
     "euler", "gmx", "hyperliquid", "kraken", "liquity", "mango", "morpho", "okx", "paradex", "synthetix")
)  # fmt: skip
# Where a venue may be named: those who read its files or print its name in an example.
READERS = ("api", "calibrate", "cli", "lab", "report")
HEAD = """# Conformance

Numbers that venues, contracts and papers have published, collected as vectors, held against what the engine
and its rulebooks give: integers exactly, figures at the tolerance that the vector states. `seawall conform`
prints the same, vector by vector. This page is written by `python -m tools.conformance_page VECTORS`.

"""
CODE = """## Code that knows a venue by name

A venue is data, so code that names one should hardly exist outside `rulebooks/` and the adapters of its tests
(`conform/`). Counted are lines of code, not of comments and docstrings, in which a name or a text says a
venue's name. On the floors of the core there are {core}: names of rankers and of grammars of options that a
rulebook chooses, and the formula of Deribit's ticker. Readers of a venue's files, and examples in the help of
commands, have {readers} more.
"""
_WORDS = re.compile(r"[A-Za-z][a-z]*")


def main(arguments: list[str]) -> int:
    from seawall.conform.run import run_conformance

    if len(arguments) != 1:
        sys.stderr.write("usage: python -m tools.conformance_page VECTORS\n")
        return 2
    found = run_conformance(Path(arguments[0]))
    PAGE.write_text(page(found), "utf-8")
    SCORES.write_text(scores(found), "utf-8")
    return 0


def page(found: Conformance) -> str:
    """The whole page."""
    reproduced, differs, unsupported = found.counts()
    total = reproduced + differs + unsupported
    return (
        HEAD
        + f"**{reproduced} of {total} reproduced, {differs} differ, {unsupported} not supported.**\n\n"
        + vectors_table(found)
        + "\n## What is not reproduced, and why\n\n"
        + reasons(found)
        + f"\n{MARK}\n\n"
        + venue_section(lines_by_file())
    )


def scores(found: Conformance) -> str:
    """Rulebook -> its counts, as JSON; differing numbers count as not reproduced."""
    table = {}
    for name, held in VECTORS.items():
        results = [found.files[one] for one in held]
        reproduced = sum(len(one.reproduced) for one in results)
        others = sum(len(one.differs) + len(one.unsupported) for one in results)
        table[name] = {"vectors": held, "reproduced": reproduced, "of": reproduced + others}
    return json.dumps(table, indent=1) + "\n"


def vectors_table(found: Conformance) -> str:
    lines = ["| vectors | reproduced | differ | not supported |", "|---|---:|---:|---:|"]
    for name, one in found.files.items():
        counts = f"{len(one.reproduced)} | {len(one.differs)} | {len(one.unsupported)}"
        lines.append(f"| {name} | {counts} |")
    return "\n".join(lines) + "\n"


def reasons(found: Conformance) -> str:
    lines = []
    for name, one in found.files.items():
        for missed in one.differs:
            why = "the printed number contradicts its own rule" if missed.excused else "unexplained"
            lines.append(f"- `{missed.id}` ({name}) differs: {why}.")
        lines += [f"- `{missed.id}` ({name}): {_plain(missed.reason)}" for missed in one.unsupported]
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    return " ".join(text.replace("<", "&lt;").replace("|", "/").split())


def venue_section(counted: Mapping[str, int]) -> str:
    """How much code knows a venue by name."""
    core = {name: count for name, count in counted.items() if name.split("/")[0] not in READERS}
    readers = {name: count for name, count in counted.items() if name not in core}
    lines = [
        CODE.format(core=sum(core.values()), readers=sum(readers.values())),
        "| file | lines |",
        "|---|---:|",
        *(f"| `{name}` | {count} |" for name, count in (*core.items(), *readers.items())),
    ]
    return "\n".join(lines) + "\n"


def lines_by_file() -> dict[str, int]:
    """File under src/seawall -> lines of code that name a venue; rulebooks and conform are not looked at."""
    source = ROOT / "src" / "seawall"
    found = {}
    for path in sorted(source.rglob("*.py")):
        name = path.relative_to(source).as_posix()
        count = 0 if name.startswith(("rulebooks/", "conform/")) else venue_lines(path.read_text("utf-8"))
        if count:
            found[name] = count
    return found


def venue_lines(text: str) -> int:
    """Lines of a module on which a token that is no comment and no docstring has a venue's name in it."""
    prose: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            prose.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    hits: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in (tokenize.NAME, tokenize.STRING) or token.start[0] in prose:
            continue
        for place, line in enumerate(token.string.splitlines()):
            if any(word.lower() in VENUES for word in _WORDS.findall(line)):
                hits.add(token.start[0] + place)
    return len(hits)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
