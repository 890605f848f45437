"""House rules that a program can check, checked by one: tests/test_tidy.py runs this over the whole tree.

Run it alone with `python -m tools.tidy`: it prints `file:line: what is wrong. What to do.` and exits 1 if
there is anything. Python is parsed, never searched as text, so a rule cannot be dodged by layout or hit by a
comment. Text rules (absolute paths, hosts in lock files) cover every file of the tree. It imports nothing but
the standard library, so it runs before anything is installed. Rules: docs/internals/index.md.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MAX_FILE_LINES = 500
MAX_FUNCTION_LINES = 60
MAX_LINE_CHARS = 110
MAX_DOCSTRING_LINES = 12
SHORT_FILE_LINES = 15  # at most this long, a file may go without a docstring

PYTHON_ROOTS = ("src", "tests", "tools", "benchmarks", "examples")
CORE_FLOORS = (
    "errors",
    "units",
    "kernels",
    "instruments",
    "ledger",
    "market",
    "pricing",
    "margin",
    "liquidation",
    "safeguards",
    "rulebooks",
    "engine",
)

# Exact on every CPU, so allowed in the core. Everything else in `math` goes through the platform's libm.
EXACT_MATH = frozenset(
    {
        "isqrt",
        "gcd",
        "lcm",
        "comb",
        "perm",
        "factorial",
        "floor",
        "ceil",
        "trunc",
        "fabs",
        "copysign",
        "isnan",
        "isinf",
        "isfinite",
        "inf",
        "nan",
        "ldexp",
        "frexp",
        "nextafter",
    }
)
INEXACT_NUMPY = frozenset(
    {
        "exp",
        "exp2",
        "expm1",
        "log",
        "log2",
        "log10",
        "log1p",
        "logaddexp",
        "power",
        "float_power",
        "cbrt",
        "sin",
        "cos",
        "tan",
        "arcsin",
        "arccos",
        "arctan",
        "arctan2",
        "sinh",
        "cosh",
        "tanh",
        "hypot",
        "random",
    }
)
CLOCK_AND_CHANCE = frozenset({"time", "datetime", "random", "secrets"})

# A path from the root of one machine. A relative path (../x), a URL's path and ${VAR}/x are none.
ABSOLUTE_PATH = re.compile(r"(?<![\w.~)}\]>-])/(?:work|root|home|Users)/")
LOCK_HOST = re.compile(r"://|--(?:extra-)?index-url|--find-links|--trusted-host")


@dataclass(frozen=True, order=True)
class Finding:
    """One broken rule. `line` counts from 1."""

    path: str
    line: int
    what: str
    fix: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what}. {self.fix}."


def is_core(path: str) -> bool:
    """Whether this file belongs to floors 0 to 4, where the same input must give the same bits."""
    parts = Path(path).with_suffix("").parts
    return len(parts) > 2 and parts[:2] == ("src", "seawall") and parts[2] in CORE_FLOORS


def check_python(path: str, text: str) -> list[Finding]:
    """Every rule for one Python file. `path` is relative to the repository, with forward slashes."""
    lines = text.splitlines()
    found = list(_check_size(path, lines))
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        return [*found, Finding(path, error.lineno or 1, f"does not parse: {error.msg}", "Repair the syntax")]
    if path.startswith("src/"):
        found += _check_docstring(path, tree, len(lines))
        for node in ast.walk(tree):
            found += _check_function_length(path, node)
            found += _check_swallowed_error(path, node)
    if is_core(path):
        modules = _imported_modules(tree)
        for node in ast.walk(tree):
            found += _check_core_import(path, node)
            found += _check_core_attribute(path, node, modules)
            found += _check_core_call(path, node)
            found += _check_core_set_order(path, node)
            found += _check_core_power(path, node)
    return sorted(set(found))


def check_text(path: str, text: str) -> list[Finding]:
    """Rules for any text file: no path of one machine, and no host in a lock file."""
    found = []
    is_lock = path.endswith(".lock")
    for number, line in enumerate(text.splitlines(), start=1):
        match = ABSOLUTE_PATH.search(line)
        if match:
            found.append(
                Finding(
                    path,
                    number,
                    f"absolute path {match.group()!r}",
                    "Use a path relative to the repository, or an argument",
                )
            )
        if is_lock and LOCK_HOST.search(line):
            found.append(
                Finding(
                    path,
                    number,
                    "a host or index in a lock file",
                    "Write the lock with `make lock`: names, versions and hashes only",
                )
            )
    return found


def check_tree(root: Path) -> list[Finding]:
    """Every finding in the tree under `root`, sorted by place."""
    found: list[Finding] = []
    for path in tree_files(root):
        data = (root / path).read_bytes()
        if b"\0" in data[:8192]:
            continue
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            found.append(Finding(path, 1, "is neither binary nor UTF-8", "Save it as UTF-8"))
            continue
        found += check_text(path, text)
        if path.endswith(".py") and path.split("/")[0] in PYTHON_ROOTS:
            found += check_python(path, text)
    return sorted(found)


def tree_files(root: Path) -> list[str]:
    """Files git tracks or would track; without git (an archive), all files outside hidden folders."""
    command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, capture_output=True, check=True, text=True).stdout.split("\0")
    except (OSError, subprocess.CalledProcessError):
        listed = [p.relative_to(root).as_posix() for p in root.rglob("*")]
        listed = [p for p in listed if not any(_is_generated(part) for part in p.split("/"))]
    return sorted(p for p in set(listed) if p and (root / p).is_file() and not (root / p).is_symlink())


def _is_generated(part: str) -> bool:
    hidden = part.startswith(".") and part not in (".ci", ".gitignore")
    return hidden or part in ("out", "site", "dist", "build", "__pycache__", "node_modules")


def _check_size(path: str, lines: list[str]) -> Iterator[Finding]:
    if len(lines) > MAX_FILE_LINES:
        yield Finding(
            path,
            MAX_FILE_LINES + 1,
            f"file has {len(lines)} lines, more than {MAX_FILE_LINES}",
            "Split it where the subject changes",
        )
    for number, line in enumerate(lines, start=1):
        if len(line) > MAX_LINE_CHARS:
            yield Finding(
                path, number, f"line has {len(line)} characters, more than {MAX_LINE_CHARS}", "Break it"
            )


def _check_docstring(path: str, tree: ast.Module, line_count: int) -> Iterator[Finding]:
    if line_count <= SHORT_FILE_LINES:
        return
    if ast.get_docstring(tree, clean=False) is None:
        yield Finding(
            path, 1, "file does not open with a docstring", "Say what it is for, its units and its rounding"
        )
        return
    first = tree.body[0]
    length = (first.end_lineno or first.lineno) - first.lineno + 1
    if length > MAX_DOCSTRING_LINES:
        yield Finding(
            path,
            first.lineno,
            f"opening docstring has {length} lines, more than {MAX_DOCSTRING_LINES}",
            "Move the detail to docs/reference and link to it",
        )


def _check_function_length(path: str, node: ast.AST) -> Iterator[Finding]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        length = (node.end_lineno or node.lineno) - node.lineno + 1
        if length > MAX_FUNCTION_LINES:
            yield Finding(
                path,
                node.lineno,
                f"function {node.name} has {length} lines, more than {MAX_FUNCTION_LINES}",
                "Give its parts names",
            )


def _check_swallowed_error(path: str, node: ast.AST) -> Iterator[Finding]:
    if not isinstance(node, ast.ExceptHandler):
        return
    broad = node.type is None or (
        isinstance(node.type, ast.Name) and node.type.id in ("Exception", "BaseException")
    )
    silent = all(isinstance(s, ast.Pass | ast.Continue) or _is_bare_constant(s) for s in node.body)
    if broad and silent:
        yield Finding(
            path,
            node.lineno,
            "an error of any kind is dropped in silence",
            "Name the error you expect, and let the others through",
        )


def _is_bare_constant(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def _imported_modules(tree: ast.Module) -> dict[str, str]:
    """Local name -> module, for `math` and `numpy` under whatever name they were imported."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name in ("math", "numpy"):
                    names[alias.asname or alias.name] = alias.name
    return names


def _check_core_import(path: str, node: ast.AST) -> Iterator[Finding]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            if alias.name.split(".")[0] in CLOCK_AND_CHANCE:
                yield _clock_finding(path, node.lineno, alias.name)
            elif alias.name == "numpy.random":
                yield _libm_finding(path, node.lineno, alias.name)
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        if node.module.split(".")[0] in CLOCK_AND_CHANCE:
            yield _clock_finding(path, node.lineno, node.module)
        elif node.module == "numpy.random":
            yield _libm_finding(path, node.lineno, node.module)
        for alias in node.names:
            if not _is_exact(node.module, alias.name):
                yield _libm_finding(path, node.lineno, f"{node.module}.{alias.name}")


def _check_core_attribute(path: str, node: ast.AST, modules: dict[str, str]) -> Iterator[Finding]:
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        module = modules.get(node.value.id, "")
        if not _is_exact(module, node.attr):
            yield _libm_finding(path, node.lineno, f"{module}.{node.attr}")


def _is_exact(module: str, name: str) -> bool:
    if module == "math":
        return name in EXACT_MATH
    return module != "numpy" or name not in INEXACT_NUMPY


def _check_core_call(path: str, node: ast.AST) -> Iterator[Finding]:
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
        return
    if node.func.id == "hash":
        yield Finding(
            path,
            node.lineno,
            "hash() in the core",
            "It changes from run to run: use hashlib over encoded bytes, or a plain key",
        )
    elif node.func.id == "print":
        yield Finding(
            path, node.lineno, "print() in the core", "Return the value; only floor 7 talks to people"
        )


def _check_core_set_order(path: str, node: ast.AST) -> Iterator[Finding]:
    if isinstance(node, ast.For | ast.comprehension):
        source = node.iter
        made_here = isinstance(source, ast.Set | ast.SetComp) or (
            isinstance(source, ast.Call)
            and isinstance(source.func, ast.Name)
            and source.func.id in ("set", "frozenset")
        )
        if made_here:
            yield Finding(
                path,
                source.lineno,
                "loop over a set in the core",
                "Its order depends on hashes: loop over sorted(...) or dict.fromkeys(...)",
            )


def _check_core_power(path: str, node: ast.AST) -> Iterator[Finding]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        if any(isinstance(s, ast.Constant) and isinstance(s.value, float) for s in (node.left, node.right)):
            yield _libm_finding(path, node.lineno, "float power (**)")


def _libm_finding(path: str, line: int, name: str) -> Finding:
    if name == "math.sqrt":
        return Finding(
            path,
            line,
            "math.sqrt in the core turns an integer into a float without a word",
            "Use math.isqrt for integers and np.sqrt, exact on every CPU, for floats",
        )
    return Finding(
        path,
        line,
        f"{name} in the core may differ in its last bit between CPUs, or between runs",
        "Use seawall.kernels (elementary, fixed), or integers",
    )


def _clock_finding(path: str, line: int, name: str) -> Finding:
    return Finding(
        path,
        line,
        f"{name} imported in the core",
        "Time and chance come in as commands: take them as arguments (now_ns, seed)",
    )


def main() -> int:
    """Print every finding in the repository that holds this file; 1 if there is any."""
    found = check_tree(Path(__file__).resolve().parent.parent)
    for finding in found:
        print(finding)
    print("tidy: clean" if not found else f"tidy: {len(found)} to repair")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
