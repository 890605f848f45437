"""Health of a fixed list of drawn pots, as one SHA-256. Run with NUMBA_DISABLE_JIT=1 it is plain Python."""

from __future__ import annotations

import hashlib
import sys

import numpy as np
from hypothesis import given, settings

from seawall.margin.solve import liquidation_price
from seawall.margin.statement import book_health, health, statement
from tests.margin.test_options import Pot, option_pots
from tests.margin.worlds import World, worlds


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
        found.update(repr(lines).encode())

    @settings(max_examples=40, derandomize=True, database=None, deadline=None)
    @given(option_pots())
    def collect_options(pot: Pot) -> None:
        found.update(repr([pot.health(), pot.statement()]).encode())

    collect()
    collect_options()
    return found.hexdigest()


if __name__ == "__main__":
    sys.stdout.write(digest())
