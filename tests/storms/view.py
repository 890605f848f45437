"""The only file of the storms that looks inside the engine's state; everything else knows events alone.

Also makes small worlds exercise what is meant for large ones: without it a book of ten accounts would never
see a gap.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import msgspec

from seawall.engine import sieve
from seawall.engine.engine import Engine
from seawall.engine.state import FLAG_CALLED, FLAG_LIQUIDATING, FLAG_UNKNOWN
from seawall.rulebooks import check_margin
from tests.storms.ledger import Ledger

FLAGS = ((FLAG_UNKNOWN, "unknown"), (FLAG_CALLED, "called"), (FLAG_LIQUIDATING, "open"))


@contextmanager
def prepared() -> Iterator[None]:
    """Small worlds take the sieve's way for a gap too; proposals are not compared level by level.

    That comparison takes longer than the rest of a storm; drawn rulebooks keep their levels in order, which
    test_storms.py shows once.
    """
    with ExitStack() as changes:
        changes.enter_context(patch.object(sieve, "FEW", 5))
        changes.enter_context(patch.object(check_margin, "_check_order_of_levels", lambda rulebook: ()))
        yield


def without_sieve(engine: Engine) -> Engine:
    """An engine that looks at everybody every time: what the sieve must never differ from."""
    engine.state.sieve = None
    return engine


def contents(state_bytes: bytes) -> dict[str, Any]:
    """What a refusal may not change."""
    parts = msgspec.msgpack.decode(state_bytes)
    return {name: value for name, value in parts.items() if name not in ("seq", "time_ns")}


def difference(mine: bytes, other: bytes) -> str:
    """Which parts of two states differ."""
    first, second = msgspec.msgpack.decode(mine), msgspec.msgpack.decode(other)
    parts = [name for name in first if first[name] != second[name] and name != "arrays"]
    parts += [name for name in first["arrays"] if first["arrays"][name] != second["arrays"][name]]
    return f"seq {first['seq']} and {second['seq']}; different: {', '.join(parts) or 'nothing'}"


def pot_differs(engine: Engine, ledger: Ledger, pot: int) -> str:
    """What the engine says of a pot and the slow ledger does not; '' if they agree."""
    here, found = ledger.pots[pot], engine.state.describe_pot(pot)
    mine = {
        "account": ledger.owner[pot],
        "balances": {asset: atoms for asset, atoms in here.balances.items() if atoms},
        "positions": {n: (h.lots, h.cost) for n, h in here.held.items() if h.lots or h.cost},
        "flags": sum(bit for bit, name in FLAGS if pot in getattr(ledger, name)),
    }
    theirs = {name: found[name] for name in mine}
    theirs["positions"] = {n: held for n, held in found["positions"].items() if any(held)}
    return "" if mine == theirs else f"pot {pot}: events say {mine}, the engine has {theirs}"


def venue_differs(engine: Engine, ledger: Ledger) -> str:
    """The same for what belongs to no pot: orders, gates, prices."""
    state = engine.state
    mine = (
        {n: (o.pot, o.left, o.liquidation, o.recalled) for n, o in ledger.orders.items()},
        {(action, name): until for (action, name), until in ledger.gates.items()},
        [ledger.prices[name].mark for name in ledger.names],
        ledger.halted,
        sorted(ledger.proposals),
        len(ledger.pots),
    )
    theirs = (
        {n: (o.pot, o.size_lots, o.liquidation, o.recalled) for n, o in state.orders.items()},
        {(a, ledger.names[i] if i >= 0 else ""): until for (a, i), until in state.gates.items()},
        state.market.mark.tolist(),
        state.halted,
        sorted(state.proposals),
        state.book.n_pots,
    )
    return "" if mine == theirs else f"events say {mine}, the engine has {theirs}"
