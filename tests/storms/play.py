"""Playing seeds: one, many, and what a failure says. `python -m tests.storms.play 123` plays one by hand."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.storms import view
from tests.storms.ledger import Broken
from tests.storms.world import World


def play(seed: int, steps: int = 0) -> World:
    """One storm to its end, with at most `steps` steps. Raises Broken, which then says how to repeat it."""
    with view.prepared(), tempfile.TemporaryDirectory(prefix="storm-") as folder:
        world = World(seed, Path(folder))
        try:
            world.run(steps)
        except Broken as error:
            error.args = (f"{error}\n{how_to_repeat(world)}",)
            error.world = world
            raise
        finally:
            world.stage.close()
    return world


def how_to_repeat(world: World) -> str:
    return (
        f"storm {world.seed}, after {len(world.stage.acts)} acts ({world.weather})\n"
        f"  again:      STORM_SEED={world.seed} python -m pytest tests/storms -k one_seed\n"
        f"  cut small:  python -m tests.storms.shrink {world.seed}"
    )


if __name__ == "__main__":
    for word in sys.argv[1:]:
        print(f"storm {word} is clean: {len(play(int(word)).stage.durable)} commands")
