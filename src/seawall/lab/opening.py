"""A made-up book must open alive: whoever would start below the warning level gets more collateral.

The synthetic book knows one maintenance rate; a rulebook has many. At the opening prices every pot is
valued by the engine's own statement, and what is missing (with a twentieth on top) is deposited in the
pot's unit before the run begins. Atoms, rounded up. A book read from a file is never touched.
"""

from __future__ import annotations

import numpy as np

from seawall.engine.commands import AnyCommand, Deposit, Transfer
from seawall.engine.engine import Engine
from seawall.engine.state import HOUSE_ACCOUNTS
from seawall.lab.venue import asset_of
from seawall.margin.compiled import MarketView
from seawall.margin.statement import book_health
from seawall.rulebooks.model import Rulebook


def keep_alive(engine: Engine, prices: dict[str, float], *, time_ns: int) -> tuple[AnyCommand, ...]:
    """The deposits that let every account of a loaded engine open above its strictest swept level."""
    state, rulebook = engine.state, engine.state.rulebook
    rules = rulebook.liquidation
    market = _opening(rulebook, prices, state.market.oi_lots)
    pots = np.arange(HOUSE_ACCOUNTS, state.book.n_pots, dtype=np.int64)
    levels = {rules.trigger, rules.exit} | ({rules.margin_call.level} if rules.margin_call else set())
    equity, requirement, unknown = book_health(state.book, state.margin, market, pots, *sorted(levels))
    missing = (requirement + requirement // 20 - equity).max(axis=0)
    commands: list[AnyCommand] = []
    for place in np.flatnonzero((missing > 0) & (unknown < 0).all(axis=0) & (requirement > 0).any(axis=0)):
        pot = int(pots[place])
        account, instrument = int(state.book.pot_account[pot]), int(state.book.pot_instrument[pot])
        asset, atoms = rulebook.assets[int(state.book.pot_unit[pot])].name, int(missing[place])
        commands.append(Deposit(time_ns=time_ns, account=account, asset=asset, amount_atoms=atoms))
        if instrument >= 0:
            commands.append(
                Transfer(
                    time_ns=time_ns,
                    from_account=account,
                    to_account=account,
                    asset=asset,
                    amount_atoms=atoms,
                    to_isolated=rulebook.instruments[instrument].name,
                )
            )
    return tuple(commands)


def _opening(rulebook: Rulebook, prices: dict[str, float], oi_lots: np.ndarray) -> MarketView:
    """Every instrument that has a price, at that price."""
    ticks = np.array(
        [
            max(round(prices[asset_of(i)] / float(i.tick_units)), 1) if asset_of(i) in prices else 0
            for i in rulebook.instruments
        ],
        np.int64,
    )
    return MarketView(
        len(ticks), mark=ticks, index_price=ticks, stable=ticks, usable=ticks > 0, oi_lots=oi_lots
    )
