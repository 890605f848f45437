"""Deciders: one file per family of commands. They read the state and write events through the pen.

Each checks its command completely before the first event, so that a refusal changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from seawall.engine import commands as cmd
from seawall.engine.decide import absorb, accounts, bids, funding, governance, loans, orders, prices, trades
from seawall.engine.writer import Writer

DECIDERS: dict[type, Callable[[Writer, Any], None]] = {
    cmd.OpenAccount: accounts.open_account,
    cmd.Deposit: accounts.deposit,
    cmd.Withdraw: accounts.withdraw,
    cmd.ReportDebt: loans.report_debt,
    cmd.Transfer: accounts.transfer,
    cmd.SetLeverage: accounts.set_leverage,
    cmd.ReportPrices: prices.report_prices,
    cmd.ReportVols: prices.report_vols,
    cmd.Tick: prices.tick,
    cmd.PlaceOrder: orders.place_order,
    cmd.CancelOrder: orders.cancel_order,
    cmd.ReportFill: trades.report_fill,
    cmd.ReportOrderDone: trades.report_order_done,
    cmd.Bid: bids.bid,
    cmd.Liquidate: loans.liquidate,
    cmd.Absorb: absorb.absorb,
    cmd.BuyCollateral: absorb.buy_collateral,
    cmd.AccrueInterest: loans.accrue_interest,
    cmd.ApplyFunding: funding.apply_funding,
    cmd.SettleInstrument: funding.settle_instrument,
    cmd.Override: governance.override,
    cmd.Propose: governance.propose,
    cmd.Approve: governance.approve,
    cmd.Enact: governance.enact,
}
