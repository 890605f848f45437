"""Commands: everything that can be asked of, or reported to, the engine.

A command is a request or an outside fact. Sizes lots, prices ticks, amounts atoms, times ns
since 1970 UTC. `time_ns` is given by the caller: the engine has no clock. Names of
instruments, assets and sources are indices into the rulebook and the state's name tables
only inside the engine; here they are text.
"""

from __future__ import annotations

import msgspec


class Command(msgspec.Struct, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    """Base of all commands. `time_ns` never goes backwards."""

    time_ns: int


class OpenAccount(Command, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    """A new account; `account` must be the next free number. `owner` groups subaccounts."""

    account: int
    owner: str = ""


class Deposit(Command, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    account: int
    asset: str
    amount_atoms: int


class Withdraw(Command, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    """Out of the venue. Beyond what the account holds it borrows: assets with an interest curve only."""

    account: int
    asset: str
    amount_atoms: int


class ReportDebt(Command, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    """What an account owes already: taken over as it is, whatever its margin, like a fill of the past."""

    account: int
    asset: str
    amount_atoms: int


class Transfer(Command, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    """Between accounts, or between an account's cross pot and its isolated pots ("" = cross)."""

    from_account: int
    to_account: int
    asset: str
    amount_atoms: int
    from_isolated: str = ""
    to_isolated: str = ""


class SetLeverage(Command, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    account: int
    instrument: str
    leverage: int
    isolated: bool = False


class SourcePrice(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One source's price of one instrument."""

    instrument: str
    source: str
    price_ticks: int
    observed_ns: int
    confidence_ticks: int = 0


class ReportPrices(Command, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    """Prices observed outside; the engine forms index, mark and verdict from them."""

    prices: tuple[SourcePrice, ...]


class OptionVol(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Implied volatility of one option, ppb of 1.00 (= 100 % a year)."""

    instrument: str
    vol_ppb: int


class ReportVols(Command, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    """One expiry of a volatility surface: its forward, and the volatilities of its options.

    `asset` is what the options are on. The forward is 1e-9 quote units: `forward_e9` still moves, `fixed_e9`
    has been set by a settlement average. `confidence_ppb`: of the feeds behind them, 10**9 = full.
    """

    asset: str
    expiry_ns: int
    forward_e9: int
    vols: tuple[OptionVol, ...]
    fixed_e9: int = 0
    rate_ppb: int = 0
    confidence_ppb: int = 1_000_000_000


class PlaceOrder(Command, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    """An order resting at the venue; the engine only margins it. `size_lots` signed, + buy."""

    account: int
    order: int
    instrument: str
    size_lots: int
    price_ticks: int
    isolated: bool = False
    reduce_only: bool = False


class CancelOrder(Command, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    order: int


class ReportFill(Command, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    """A trade that happened at the venue. `buyer` / `seller` are accounts; `taker_is_buyer` sets the fees.

    `buyer_order` / `seller_order` refer to resting or liquidation orders (0 = none).
    """

    instrument: str
    size_lots: int
    price_ticks: int
    buyer: int
    seller: int
    taker_is_buyer: bool
    buyer_order: int = 0
    seller_order: int = 0
    buyer_isolated: bool = False
    seller_isolated: bool = False


class ReportOrderDone(Command, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    """The venue finished with a liquidation order; whatever was not filled is gone."""

    order: int


class Bid(Command, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    """For a share of an account in auction: all its positions at the mark, with the discount of the moment.

    `share_ppb` is cut to the largest share for sale. The bid is refused where its cost (solvent account)
    passes `most_atoms`, or its payout (insolvent) falls short of -`most_atoms`: atoms of the pot's unit.
    `asset` names the pot where accounts have one per settlement asset.
    """

    account: int
    target: int
    share_ppb: int
    most_atoms: int
    asset: str = ""


class ApplyFunding(Command, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    """Funding for one payment: positive rate, longs pay shorts."""

    instrument: str
    rate_ppb: int


class AccrueInterest(Command, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    """Interest on everything borrowed of an asset, for the time since it was last accrued, by its curve.

    The first one of an asset only starts its clock.
    """

    asset: str


class Liquidate(Command, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    """Repay a debt of an account on a `seize` step and receive its collateral with the bonus.

    `repay_atoms` is cut to what the close factor and the collateral allow. Refused where fewer than
    `least_atoms` of collateral would come of it: the liquidator's gate on his profit.
    """

    account: int
    target: int
    debt: str
    collateral: str
    repay_atoms: int
    least_atoms: int = 0


class Absorb(Command, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    """Have the protocol take a loan on an `absorb` step: its collateral for its debt, all of it."""

    account: int
    target: int


class BuyCollateral(Command, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    """Buy absorbed collateral from the reserves, for so much of the base asset, at their discount.

    Refused where it would bring fewer than `least_atoms`, or more than the reserves hold.
    """

    account: int
    collateral: str
    pay_atoms: int
    least_atoms: int = 0


class SettleInstrument(Command, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    """Expiry or wind-down: every position is closed at one price against the clearing account.

    Of an option, `price_ticks` is the delivery price of its underlying, in the underlying's ticks: every
    position is paid its payoff.
    """

    instrument: str
    price_ticks: int


class Tick(Command, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    """Time passes: staleness, deadlines, cooldowns, gates."""


class Override(Command, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    """A person closes (until_ns) or opens a gate. A guardian may close; opening needs the governor."""

    by: str
    role: str
    action: str  # open | withdraw | liquidate | adl
    instrument: str  # "" = everywhere
    close: bool
    until_ns: int = 0
    reason: str = ""


class Propose(Command, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    """Propose a parameter change: rulebook bytes of the new version (canonical JSON)."""

    by: str
    proposal: int
    rulebook: bytes
    reason: str = ""


class Approve(Command, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    by: str
    proposal: int


class Enact(Command, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    """Put an approved proposal into force after its timelock."""

    by: str
    proposal: int


AnyCommand = (
    OpenAccount
    | Deposit
    | Withdraw
    | ReportDebt
    | Transfer
    | SetLeverage
    | ReportPrices
    | ReportVols
    | PlaceOrder
    | CancelOrder
    | ReportFill
    | ReportOrderDone
    | Bid
    | Liquidate
    | Absorb
    | BuyCollateral
    | ApplyFunding
    | AccrueInterest
    | SettleInstrument
    | Tick
    | Override
    | Propose
    | Approve
    | Enact
)
