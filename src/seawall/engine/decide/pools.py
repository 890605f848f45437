"""ADL by drawdown: the insurance fund is watched, and while it has fallen too far winners are closed first.

Watched at every price and tick, when the fund has paid, and before a waterfall or the vault is asked: fees,
deposits, new rules and the hours that pass change the answer too. Amounts atoms. The fund's profit is its
balance less what was paid into it; peaks are those of the last 8 h, kept by the minute (state.Pool).
Source: Bybit v5 adlAlert; rule in liquidation.adl.
"""

from __future__ import annotations

from seawall.engine import events as ev
from seawall.engine.state import MINUTE_NS, POOL_MINUTES
from seawall.engine.writer import Writer
from seawall.liquidation.adl import adl_trigger_drawdown


def watch_pools(writer: Writer, *, cause: int = 0) -> None:
    """Write an alert for every asset in which the rule started or stopped."""
    state = writer.state
    if state.drawdown is None:
        return
    since = writer.time_ns // MINUTE_NS - POOL_MINUTES
    for asset, pool in enumerate(state.pools):
        profit = pool.balance_atoms - pool.injected_atoms
        recent = [peak for peak in pool.peaks if peak[0] >= since]
        peak_profit = max([profit, *(peak[1] for peak in recent)])
        peak_balance = max([pool.balance_atoms, *(peak[2] for peak in recent)])
        verdict = adl_trigger_drawdown(
            state.drawdown,
            pnl_atoms=profit,
            peak_pnl_atoms=peak_profit,
            peak_pool_atoms=peak_balance,
            balance_atoms=pool.balance_atoms,
            was_active=pool.active,
        )
        if verdict.active != pool.active:
            writer.emit(
                ev.AdlAlerted,
                cause=cause,
                asset=asset,
                active=verdict.active,
                drop_atoms=peak_profit - profit,
                peak_atoms=peak_balance,
                rule=f"{state.tag} waterfall.drawdown",
            )
