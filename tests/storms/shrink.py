"""Cut the acts of a failing storm down to a few that still fail the same check.

`python -m tests.storms.shrink 123` prints what is left. Whole stretches are left out first, then half as long
ones, down to single acts (delta debugging without its finer points); every try is played from the start.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from seawall.rulebooks.model import Rulebook
from tests.storms import view
from tests.storms.ledger import Broken
from tests.storms.play import play
from tests.storms.stage import Act, replay_acts


def still_fails(rulebook: Rulebook, acts: list[Act], checker: str, *, on_disk: bool = False) -> bool:
    """Does this list of acts fail the same check?"""
    with view.prepared(), tempfile.TemporaryDirectory(prefix="storm-") as folder:
        try:
            replay_acts(rulebook, acts, Path(folder) if on_disk else None)
        except Broken as error:
            return error.checker == checker
    return False


def shrink(rulebook: Rulebook, acts: list[Act], checker: str, *, on_disk: bool = False) -> list[Act]:
    """The acts without every stretch that the failure does not need."""
    length = max(len(acts) // 2, 1)
    while True:
        start, cut = 0, False
        while start < len(acts):
            fewer = acts[:start] + acts[start + length :]
            if still_fails(rulebook, fewer, checker, on_disk=on_disk):
                acts, cut = fewer, True
            else:
                start += length
        if length == 1 and not cut:
            return acts
        length = max(length // 2, 1)


def main(seed: int) -> None:
    try:
        play(seed)
    except Broken as error:
        world = error.world
        on_disk = world.stage.disk is not None
        if on_disk and still_fails(world.rulebook, world.stage.acts, error.checker):
            on_disk = False  # the disk has no part in it
        acts = shrink(world.rulebook, world.stage.acts, error.checker, on_disk=on_disk)
        print(f"{error}\n{len(world.stage.acts)} acts cut to {len(acts)}:")
        for act in acts:
            print(f"  {act.command if act.kind == 'step' else act}")
        return
    print(f"storm {seed} is clean: nothing to cut")


if __name__ == "__main__":
    main(int(sys.argv[1]))
