"""Events: the facts the engine writes. Each names its cause and the rule it followed.

`seq` is the place in the journal (commands and events share one count), `cause_seq` the record
that brought it about. Sizes lots (signed, + long), prices ticks, amounts atoms. An event holds
all that `apply` needs; apply has no opinion. Transfers always come as zero-sum entries.
"""

from __future__ import annotations

import msgspec

from seawall.market.oracle import Seen


class Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One side of a transfer: `amount_atoms` is added to the pot's balance of the asset (index)."""

    pot: int
    asset: int
    amount_atoms: int


class Event(msgspec.Struct, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    """Base of all events. `seq` is stamped by the engine."""

    seq: int
    cause_seq: int
    time_ns: int


class Refused(Event, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    """A command that was not carried out; nothing changed. `numbers` are what the check compared."""

    command: str
    reason: str
    account: int = -1
    numbers: dict[str, int] = {}


class AccountOpened(Event, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    account: int
    owner: str
    pot: int
    unit: int
    role: int


class PotOpened(Event, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    """A further pot of an account: isolated (instrument >= 0), or cross in another settlement asset."""

    pot: int
    account: int
    unit: int
    instrument: int


class Transferred(Event, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    """Money moved.

    `kind`: deposit, withdrawal, transfer, spot trade, fee, liquidation fee, insurance, backstop pays,
    takeover, conversion, shortfall, auction, seizure.
    """

    kind: str
    entries: tuple[Entry, ...]
    rule: str = ""


class LeverageSet(Event, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    pot: int
    instrument: int
    leverage: int


class SourcesSeen(Event, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    """A report was taken into the pipeline: the last words of all the sources that it names."""

    rows: tuple[Seen, ...]


class TransformsStepped(Event, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    """What the transforms of an instrument's price remember now (`market.transforms.pipeline`, as JSON)."""

    instrument: int
    states: bytes


class MarkSet(Event, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    """New index, mark and slow price of an instrument, with what is wrong with them (Condition bits)."""

    instrument: int
    index_ticks: int
    mark_ticks: int
    stable_ticks: int
    confidence_ticks: int
    basis_nano: int  # basis EMA state, ticks * 1e9
    stable_nano: int = 0  # slow price with its fraction, ticks * 1e9
    conditions: int
    used: int  # sources accepted
    rejected: int  # sources rejected as outliers or stale
    step_since_ns: int  # since when a jump has been waiting to be believed; 0 = none
    rule: str = ""


class VolsSet(Event, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    """New forward and volatilities of one expiry; parallel columns of instruments and ppb."""

    asset: str
    expiry_ns: int
    forward_e9: int
    fixed_e9: int
    rate_ppb: int
    confidence_ppb: int
    instruments: tuple[int, ...]
    vols_ppb: tuple[int, ...]


class OrderPlaced(Event, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    order: int
    pot: int
    instrument: int
    size_lots: int
    price_ticks: int
    reduce_only: bool


class OrderReduced(Event, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    """An order lost `size_lots` (signed as the order) by fill or cancel."""

    order: int
    size_lots: int
    reason: str


class Leg(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a trade did to one pot's position: lots and cost added, profit realised into the balance."""

    pot: int
    size_lots: int
    cost_atoms: int  # added to cost, realised profit included
    realised_atoms: int


class Traded(Event, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    """Position moved between pots. Lots sum to zero; realised profit goes through the clearing pot.

    `kind`: fill, liquidation, takeover, auction, adl, settlement, unwind, expiry (at the delivery price).
    """

    instrument: int
    kind: str
    price_ticks: int
    legs: tuple[Leg, ...]
    order: int = 0
    rule: str = ""


class FundingPaid(Event, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    """Funding of one instrument: parallel columns of pots and amounts (little-endian int64), rest to fees."""

    instrument: int
    rate_ppb: int
    price_ticks: int
    pots: bytes
    amounts_atoms: bytes
    rest_atoms: int


class InterestPaid(Event, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    """Interest on an asset: borrowers pay, lenders earn (columns as of funding), the rest goes to the fees.

    `index_e15` is what one unit borrowed when the clock started has grown to.
    """

    asset: int
    rate_ppb: int  # a year, at this utilisation
    utilisation_ppb: int
    index_e15: int
    pots: bytes
    amounts_atoms: bytes
    rest_atoms: int


class Seized(Event, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    """An outsider repaid a debt and received collateral; the transfer that follows carries it out.

    `most_atoms`: what the close factor let him repay. `fee_atoms`, of the collateral, is the venue's.
    `health_e18`: haves over needs before, 1e-18.
    """

    pot: int
    to_pot: int
    debt: int
    collateral: int
    repaid_atoms: int
    seized_atoms: int
    fee_atoms: int
    most_atoms: int
    health_e18: int
    rule: str = ""


class Absorbed(Event, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    """The protocol took a loan whole; the transfer that follows carries it out.

    `credit_atoms`: what its collateral counted for, of the asset owed. `deficit_atoms`: what that lacked.
    """

    pot: int
    by_account: int
    debt: int
    owed_atoms: int
    credit_atoms: int
    deficit_atoms: int
    rule: str = ""


class CollateralSold(Event, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    """Somebody bought collateral from the reserves; the transfer that follows carries it out."""

    pot: int
    collateral: int
    sold_atoms: int
    asset: int
    paid_atoms: int
    rule: str = ""


class InstrumentSettled(Event, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    instrument: int
    price_ticks: int
    positions: int


class MarginCalled(Event, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    pot: int
    equity_atoms: int
    requirement_atoms: int
    deadline_ns: int
    rule: str


class MarginCallCured(Event, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    pot: int
    equity_atoms: int
    requirement_atoms: int
    rule: str


class AccountUnknown(Event, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    """The pot cannot be valued: an instrument it needs has no usable price."""

    pot: int
    instrument: int
    conditions: int


class AccountKnown(Event, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    pot: int


class LiquidationStarted(Event, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    """Equity fell below the trigger level, or a margin call ran out. Nothing has been closed yet.

    `exit_level` ends it; `instrument`, `size_lots`: the pot's largest position by requirement (-1, 0: none).
    """

    pot: int
    equity_atoms: int
    requirement_atoms: int
    rule: str
    exit_level: str = ""
    instrument: int = -1
    size_lots: int = 0


class AuctionOpened(Event, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    """Shares of a whole pot are for sale until `ends_ns`.

    `health_atoms`: equity less what the trigger requires.
    """

    pot: int
    solvent: bool
    worth_atoms: int
    health_atoms: int
    ends_ns: int
    rule: str = ""


class AuctionBid(Event, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    """A share was sold; the trades and transfers that follow carry it out.

    `cost_atoms` is what it would cost to buy that share of the worth; positions go over at the mark, so the
    pot pays the bidder `discount_atoms` instead. Insolvent: the bidder takes `discount_atoms` below zero, his
    share of what is missing, and the fund pays him `payout_atoms`.
    """

    pot: int
    to_pot: int
    share_ppb: int
    largest_ppb: int
    worth_atoms: int
    cost_atoms: int
    discount_atoms: int
    payout_atoms: int
    rule: str = ""


class StepEntered(Event, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    pot: int
    step: int
    why: str


class LiquidationOrderSent(Event, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    """Close `size_lots` (signed: - sells) in the book, not beyond `limit_ticks` (0 = any price)."""

    order: int
    pot: int
    instrument: int
    size_lots: int
    limit_ticks: int
    cooldown_until_ns: int
    rule: str


class LiquidationOrderRecalled(Event, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    """The venue is asked to cancel a liquidation order. What it fills before its answer goes to `heir`."""

    order: int
    pot: int
    heir: int
    why: str


class LiquidationOrderDone(Event, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    order: int
    pot: int
    unfilled_lots: int


class TakenOver(Event, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    """The backstop took the pot's positions (see the Traded and Transferred events it caused)."""

    pot: int
    to_pot: int
    equity_atoms: int
    rule: str


class LiquidationEnded(Event, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    pot: int
    equity_atoms: int
    requirement_atoms: int
    outcome: str  # restored, closed, taken_over, bankrupt
    rule: str


class Bankrupt(Event, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    """Equity below zero: `deficit_atoms` of `asset` must come from the waterfall."""

    pot: int
    asset: int
    deficit_atoms: int
    rule: str


class TierPassed(Event, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    """One tier of the waterfall: what it paid, what is left, and why it paid no more."""

    pot: int
    asset: int
    tier: int
    kind: str
    paid_atoms: int
    left_atoms: int
    why: str
    rule: str


class LossSocialised(Event, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    """Loss moved to others: parallel columns of pots and amounts (little-endian int64)."""

    asset: int
    method: str
    instrument: int
    loss_atoms: int
    pots: bytes
    amounts_atoms: bytes
    haircut_ppb: int
    rule: str


class AdlAlerted(Event, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    """The insurance fund's fall from its 8 h peak started (`active`) or stopped deleveraging first."""

    asset: int
    active: bool
    drop_atoms: int
    peak_atoms: int
    rule: str


class GateClosed(Event, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    action: str
    instrument: int  # -1 = everywhere
    until_ns: int
    reason: str


class GateOpened(Event, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    action: str
    instrument: int
    reason: str


class VenueHalted(Event, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    """Loss that no tier could take: facts (prices, fills, deposits) are booked, nothing else is done."""

    asset: int
    unpaid_atoms: int
    reason: str


class Proposed(Event, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    by: str
    proposal: int
    rulebook: bytes
    not_before_ns: int
    loosens: tuple[str, ...]


class Approved(Event, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    by: str
    proposal: int


class RulebookChanged(Event, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    proposal: int
    old_sha256: str
    new_sha256: str
    newly_liquidatable: tuple[int, ...]


class Advanced(Event, frozen=True, kw_only=True, array_like=True, tag=True, gc=False):
    """Time moved on and nothing else did."""


AnyEvent = (
    Refused
    | AccountOpened
    | PotOpened
    | Transferred
    | LeverageSet
    | SourcesSeen
    | TransformsStepped
    | MarkSet
    | VolsSet
    | OrderPlaced
    | OrderReduced
    | Traded
    | FundingPaid
    | InterestPaid
    | Seized
    | Absorbed
    | CollateralSold
    | InstrumentSettled
    | MarginCalled
    | MarginCallCured
    | AccountUnknown
    | AccountKnown
    | LiquidationStarted
    | AuctionOpened
    | AuctionBid
    | StepEntered
    | LiquidationOrderSent
    | LiquidationOrderRecalled
    | LiquidationOrderDone
    | TakenOver
    | LiquidationEnded
    | Bankrupt
    | TierPassed
    | LossSocialised
    | AdlAlerted
    | GateClosed
    | GateOpened
    | VenueHalted
    | Proposed
    | Approved
    | RulebookChanged
    | Advanced
)
