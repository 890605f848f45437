"""The tree keeps the house rules, and the checker of the rules is seen to fail when they are broken."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.tidy import check_python, check_text, check_tree, is_core, tree_files

ROOT = Path(__file__).resolve().parent.parent
CORE = "src/seawall/engine/planted.py"
DRIVER = "src/seawall/lab/planted.py"


def whats(path: str, text: str) -> list[str]:
    return [finding.what for finding in check_python(path, text)]


def test_the_whole_tree_is_tidy():
    found = check_tree(ROOT)
    assert not found, "\n" + "\n".join(str(finding) for finding in found)


def test_the_check_really_reads_the_tree():
    files = tree_files(ROOT)
    assert {"tools/tidy.py", "tests/test_tidy.py", "pyproject.toml"} <= set(files)
    assert any(is_core(path) for path in files)


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("import math\nx = math.exp(1)", "math.exp"),
        ("import math as m\nx = m.log(2)", "math.log"),
        ("import math\nx = math.sqrt(2)", "math.sqrt"),
        ("from math import erf", "math.erf"),
        ("import math\nx = math.pow(2, 3)", "math.pow"),
        ("import numpy as np\nx = np.exp(y)", "numpy.exp"),
        ("import numpy as np\nx = np.power(y, 2)", "numpy.power"),
        ("import numpy as np\nx = np.random.default_rng(1)", "numpy.random"),
        ("from numpy import log1p", "numpy.log1p"),
        ("from numpy import random", "numpy.random"),
        ("from numpy.random import default_rng", "numpy.random"),
        ("x = y ** 0.5", "float power"),
        ("key = hash('a')", "hash()"),
        ("print('hello')", "print()"),
        ("import time", "time imported"),
        ("from datetime import datetime", "datetime imported"),
        ("def f():\n    import random", "random imported"),
        ("for x in {1, 2}:\n    y = x", "loop over a set"),
        ("for x in set(names):\n    y = x", "loop over a set"),
        ("y = [x for x in frozenset(names)]", "loop over a set"),
        ("y = [x for x in {n for n in names}]", "loop over a set"),
        ("try:\n    f()\nexcept Exception:\n    pass", "dropped in silence"),
        ("try:\n    f()\nexcept:\n    ...", "dropped in silence"),
    ],
)
def test_what_the_core_may_not_do_is_found_once(line, what):
    found = whats(CORE, line)
    assert len(found) == 1
    assert what in found[0]


@pytest.mark.parametrize(
    "line",
    [
        "import math\nx = math.isqrt(2) + math.gcd(4, 6)",
        "import numpy as np\nx = np.sqrt(y)",
        "x = 10 ** 9",
        "for x in sorted({1, 2}):\n    y = x",
        "found = x in {1, 2}",
        "try:\n    f()\nexcept KeyError:\n    pass",
        "# math.exp(1), hash('a') and print() in a comment",
        "text = 'import time'",
        "x = self.time + state.random",
    ],
)
def test_what_the_core_may_do_is_let_through(line):
    assert whats(CORE, line) == []


def test_drivers_may_print_and_use_floating_point():
    assert whats(DRIVER, "import math\nimport time\nprint(math.exp(1), hash('a'))") == []


def test_only_floors_0_to_4_are_the_core():
    assert is_core("src/seawall/errors.py")
    assert is_core("src/seawall/kernels/fixed.py")
    assert not is_core("src/seawall/journal/store.py")
    assert not is_core("src/seawall/__init__.py")
    assert not is_core("tests/engine/test_step.py")


def test_a_source_file_opens_with_a_docstring_of_at_most_12_lines():
    body = "x = 1\n" * 16
    assert "does not open with a docstring" in whats(DRIVER, body)[0]
    assert "has 13 lines" in whats(DRIVER, '"""One.\n' + "more\n" * 11 + '"""\n' + body)[0]
    assert whats(DRIVER, '"""One.\n' + "more\n" * 10 + '"""\n' + body) == []
    assert whats(DRIVER, "x = 1\n" * 15) == []
    assert whats("tests/planted.py", body) == []


def test_files_functions_and_lines_have_an_end():
    assert "file has 501 lines" in whats("tests/planted.py", "x = 1\n" * 501)[0]
    assert whats("tests/planted.py", "x = 1\n" * 500) == []
    long_function = '"""Doc."""\ndef f():\n' + "    x = 1\n" * 60
    assert "function f has 61 lines" in whats(DRIVER, long_function)[0]
    assert whats("tests/planted.py", long_function) == []
    assert "line has 111 characters" in whats("tests/planted.py", "#" * 111)[0]
    assert whats("tests/planted.py", "#" * 110) == []


def test_a_file_that_does_not_parse_is_a_finding():
    assert "does not parse" in whats("tests/planted.py", "def f(:\n")[0]


@pytest.mark.parametrize("folder", ["work", "root", "home", "Users"])
def test_an_absolute_path_is_found_in_any_text(folder):
    for line in (f"cd /{folder}/x", f'path = "/{folder}/x"', f"file:///{folder}/x", f"[a](/{folder}/x)"):
        assert [finding.line for finding in check_text("docs/planted.md", "first\n" + line)] == [2]


@pytest.mark.parametrize(
    "line",
    [
        "../work/x",
        "https://example.com/work/x",
        "${HOME}/work/x",
        "$(OUT)/root/x",
        "the home/ folder",
        "~/work/x",
    ],
)
def test_a_relative_path_or_a_url_is_let_through(line):
    assert check_text("docs/planted.md", line) == []


def test_a_lock_file_names_no_host():
    assert check_text("requirements.lock", "numpy==2.4.6 \\\n    --hash=sha256:00") == []
    for line in ("--index-url x", "--extra-index-url x", "--find-links x", "a @ https://example.com/a.whl"):
        assert len(check_text("requirements.lock", line)) == 1
        assert check_text("README.md", line) == []


def test_a_finding_says_where_what_and_what_to_do():
    (finding,) = check_python(CORE, "x = 1\nprint(x)")
    assert str(finding) == (f"{CORE}:2: print() in the core. Return the value; only floor 7 talks to people.")


def test_a_tree_without_git_is_read_too(tmp_path):
    (tmp_path / "src/seawall/engine").mkdir(parents=True)
    (tmp_path / CORE).write_text("import time\n")
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv/ignored.py").write_text("x")
    assert tree_files(tmp_path) == [CORE]
    assert [finding.what for finding in check_tree(tmp_path)] == ["time imported in the core"]
