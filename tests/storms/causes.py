"""Which record may bring about which event: anything else has no cause. Names of commands and events."""

from __future__ import annotations

ASKED = {
    "ReportPrices",
    "Tick",
    "ApplyFunding",
    "SettleInstrument",
    "Enact",
    "Override",
    "Deposit",
    "Transfer",
    "SetLeverage",
    "ReportFill",
    "ReportOrderDone",
}  # commands after which pots are looked at
# What others' business does to a pot.
MOVED = {"Traded", "Transferred", "LossSocialised", "LiquidationOrderDone"}
LADDER = {"LiquidationStarted", "StepEntered", "LiquidationOrderRecalled", "TakenOver", "Bankrupt"}

MAY_CAUSE: dict[str, set[str]] = {
    "AccountOpened": {"OpenAccount"},
    "PotOpened": {"ReportFill", "PlaceOrder", "Deposit", "Transfer", "SetLeverage"},
    "LeverageSet": {"SetLeverage"},
    "SourcesSeen": {"ReportPrices"},
    "TransformsStepped": {"ReportPrices", "Tick"},
    "MarkSet": {"ReportPrices", "Tick"},
    "OrderPlaced": {"PlaceOrder"},
    "OrderReduced": {"CancelOrder", "SettleInstrument", "Traded", "Transferred"} | LADDER,
    "FundingPaid": {"ApplyFunding"},
    "InstrumentSettled": {"SettleInstrument", "Traded"},
    "Proposed": {"Propose"},
    "Approved": {"Approve"},
    "RulebookChanged": {"Enact"},
    "GateClosed": {"ReportPrices", "Tick", "Override", "Bankrupt"},
    "GateOpened": {"ReportPrices", "Tick", "Override"},
    "AccountUnknown": ASKED | MOVED,
    "AccountKnown": ASKED | MOVED,
    "MarginCalled": ASKED | MOVED,
    "MarginCallCured": ASKED | MOVED,
    "LiquidationStarted": ASKED | MOVED,
    "LiquidationOrderSent": ASKED | MOVED | LADDER,
    "LiquidationOrderRecalled": ASKED | MOVED | LADDER | {"AccountUnknown"},
    "LiquidationOrderDone": {"ReportOrderDone", "SettleInstrument", "Traded"},
    "StepEntered": ASKED | MOVED | LADDER,
    "TakenOver": ASKED | MOVED | LADDER,
    "Bankrupt": ASKED | MOVED | LADDER,
    "TierPassed": MOVED | LADDER,
    "LiquidationEnded": ASKED | MOVED | LADDER,
    "LossSocialised": LADDER,
    "VenueHalted": {"Bankrupt"},
    "AdlAlerted": ASKED | {"Transferred"},
    "Traded": {"ReportFill", "SettleInstrument", *MOVED} | LADDER,
    "Transferred": {"Deposit", "Withdraw", "Transfer", "ReportFill", *MOVED} | LADDER,
    "Advanced": {"Tick", "ReportPrices", "Deposit", "ApplyFunding"},
}
