"""`seawall COMMAND ...`: finds the command, runs it, and turns errors into words and exit codes.

Exit codes: 0 fine; 1 a difference, contradiction or damage was found; 2 the input cannot be used; 3 our own
bug, with its traceback; 130 stopped by Ctrl-C. Results go to stdout, everything said about them to stderr.
A command's file is imported only when it is called, so help and --version are quick.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module

from seawall import __version__

COMMANDS = {
    "simulate": ("RULEBOOK", "crash it on purpose: prices, faults, the feedback of forced selling"),
    "replay": ("JOURNAL", "run it again; show the first difference, if any"),
    "explain": ("JOURNAL --event N", "why did this happen? back to the first cause"),
    "check": ("RULEBOOK|JOURNAL|BOOK", "find contradictions and damage before they cost money"),
    "margin": ("RULEBOOK BOOK", "what everyone has and needs, and their liquidation prices"),
    "whatif": ("RULEBOOK BOOK", "one account before and after a trade, a move, a withdrawal"),
    "loans": ("BOOK --rulebooks A,B", "a book of loans through a crash, under several lending rulebooks"),
    "incidents": ("[NAME]", "known failures as scenarios: figures, detectors, what would have held"),
    "compare": ("BOOK --rulebooks A,B", "one book under several venues, and what makes the difference"),
    "models": ("PORTFOLIO --market F", "what a book of options would need under each model of the market"),
    "report": ("DIR", "one page you can send to anyone, from the tables of a run"),
    "backtest": ("RULEBOOK --history F", "would this margin have held? longs, shorts, the worst days"),
    "conform": ("VECTORS", "do the engine and its rulebooks give the published numbers?"),
    "diff": ("RULEBOOK RULEBOOK", "two rulebooks side by side, primitive by primitive"),
    "rulebooks": ("[NAME]", "the venues that are built in: dates, sources, what is missing"),
}

USE_SCIPY = ("backtest", "conform", "models")

FOOT = """
  seawall COMMAND --help                the options of a command, with examples
  seawall --version

A rulebook is the name of a built-in one (harbor, or harbor@2026-01-01) or a TOML file of yours.
Every run prints its rulebook hash and seed. Same two, same result.
"""


def help_text() -> str:
    lines = ["seawall: margin, liquidation and loss sharing for crypto derivatives", ""]
    lines += [f"  seawall {name:<9} {what:<22} {words}" for name, (what, words) in COMMANDS.items()]
    return "\n".join(lines) + "\n" + FOOT


def main(argv: list[str] | None = None) -> int:
    """Entry point of the `seawall` script; returns the exit code."""
    given = sys.argv[1:] if argv is None else argv
    if argv is None and given[:1] and given[0] not in USE_SCIPY:
        _leave_scipy_out()  # in a process of our own: not where somebody calls this from Python
    if not given or given[0] in ("-h", "--help", "help"):
        sys.stdout.write(help_text())
        return 0
    if given[0] in ("-V", "--version"):
        sys.stdout.write(f"seawall {__version__}\n")
        return 0
    if given[0] not in COMMANDS:
        return _no_such_command(given[0])
    return _run(given[0], given[1:])


def _leave_scipy_out() -> None:
    """numba imports SciPy wherever it is installed, for linear algebra that no kernel of ours has.

    That is a fifth of the time to the first answer. No command but those of USE_SCIPY needs it.
    """
    sys.modules.setdefault("scipy", None)  # type: ignore[arg-type]  # None: `import scipy` fails


def _no_such_command(name: str) -> int:
    from difflib import get_close_matches

    near = get_close_matches(name, COMMANDS, n=1)
    hint = f"Did you mean '{near[0]}'? " if near else ""
    sys.stderr.write(f"seawall: there is no command {name!r}\n  {hint}Commands: {', '.join(COMMANDS)}.\n")
    return 2


def _run(name: str, rest: list[str]) -> int:
    from seawall.cli.parsing import make_parser
    from seawall.errors import SeawallError

    command = import_module(f"seawall.cli.{name}")
    parser = make_parser(name, command.DESCRIPTION, command.EXAMPLES)
    command.add_arguments(parser)
    args = parser.parse_args(rest)
    try:
        code: int = command.run(args)
        sys.stdout.flush()
        return code
    except SeawallError as error:
        if args.debug:
            raise
        sys.stderr.write(f"{error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("\nstopped\n")
        return 130
    except BrokenPipeError:
        # Whoever read our output has seen enough (| head). Python must not complain again when it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception:
        import traceback

        traceback.print_exc()
        sys.stderr.write(
            "\nThis is a bug in seawall, not in your input. Please report it with the lines above and\n"
            f"the command: seawall {name} {' '.join(rest)}\n"
        )
        return 3


if __name__ == "__main__":
    sys.exit(main())
