"""Health of drawn pots and portfolio statements as one SHA-256; plain Python with NUMBA_DISABLE_JIT=1."""

from __future__ import annotations

import hashlib
import sys
from typing import Any

import msgspec
import numpy as np
from hypothesis import given, settings

from seawall.margin.portfolio.evaluate import evaluate
from seawall.margin.solve import liquidation_price
from seawall.margin.statement import book_health, health, statement
from tests.margin.portfolios import PARAMETERS, inputs_of, random_case, rules_of
from tests.margin.test_options import Pot, option_pots
from tests.margin.worlds import World, worlds


def plain(thing: Any) -> Any:
    """With Python's own integers: a kernel that is not compiled hands back NumPy's."""
    if isinstance(thing, np.integer):
        return int(thing)
    if isinstance(thing, msgspec.Struct):
        return [plain(value) for value in msgspec.structs.astuple(thing)]
    return [plain(value) for value in thing] if isinstance(thing, list | tuple) else thing


def digest() -> str:
    found = hashlib.sha256()

    @settings(max_examples=60, derandomize=True, database=None, deadline=None)
    @given(worlds())
    def collect(world: World) -> None:
        args = (world.book, world.margin, world.market)
        lines = [
            health(*args, world.row, "maintenance"),
            statement(*args, world.row, "maintenance"),
            [column.tolist() for column in book_health(*args, np.array([world.row]), "maintenance")],
        ]
        if len(world.pot.held) == 1:
            lines.append(liquidation_price(*args, world.row, "maintenance", 0))
        found.update(repr(plain(lines)).encode())

    @settings(max_examples=40, derandomize=True, database=None, deadline=None)
    @given(option_pots())
    def collect_options(pot: Pot) -> None:
        found.update(repr(plain([pot.health(), pot.statement()])).encode())

    collect()
    collect_options()
    for seed in range(4):
        case = random_case(seed, 12)
        found.update(repr(evaluate(*inputs_of(case), rules_of(case, PARAMETERS))).encode())
    return found.hexdigest()


if __name__ == "__main__":
    sys.stdout.write(digest())
