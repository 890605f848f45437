"""What `import seawall` promises: names that exist, and nothing heavy until one is used."""

from __future__ import annotations

import subprocess
import sys

import pytest

import seawall


def test_every_public_name_is_there_and_documented():
    for name in seawall.__all__:
        value = getattr(seawall, name)
        if name != "__version__":
            assert value.__doc__ and value.__doc__.strip(), name
    assert set(dir(seawall)) == set(seawall.__all__)


def test_a_name_that_is_not_there_says_what_is():
    with pytest.raises(AttributeError, match=r"no attribute 'simluate'; it offers load_rulebook"):
        _ = seawall.simluate


def test_import_loads_neither_numba_nor_polars():
    code = (
        "import sys, seawall\n"
        "heavy = {'numba', 'numpy', 'polars', 'msgspec', 'rich', 'jinja2'} & set(sys.modules)\n"
        "sys.exit(f'loaded: {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_rulebook_is_read_without_compiled_kernels():
    code = "import sys, seawall as sw; sw.load_rulebook('harbor'); sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
