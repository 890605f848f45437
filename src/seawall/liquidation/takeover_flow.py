"""A liquidator takes a perpetual over piece by piece: cancel orders, cover the shortage, let go when met.

The state of one account between calls; a call gives the next. Money and prices 1e-6, sizes 1e-9, ratios 1e-4,
fees 1e-6; the liquidator pays price less its fee to a long, plus to a short, rounded against the account.
Source: Drift v2, controller/liquidation (liquidate_perp).
"""

from __future__ import annotations

import msgspec

from seawall.liquidation import cover
from seawall.margin import buffered
from seawall.margin.buffered import SIZE, Ratios, Sum
from seawall.margin.size_weights import size_premium


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """Of the market and its liquidations. `ratios` are those of maintenance, with the buffer."""

    ratios: Ratios
    step: int
    fee: cover.Ramp
    most_fund_fee: int
    pace: cover.Pace


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """Cash, a perpetual with its open orders, and how far its liquidation is; `since` -1: in none."""

    cash: int
    base: int
    quote: int
    bids: int = 0
    asks: int = 0
    orders: int = 0
    since: int = -1
    freed: int = 0
    fund_fees: int = 0


def standing(account: Account, price: int, ratios: Ratios) -> Sum:
    """Requirement, collateral and buffer of the account now."""
    held = buffered.perpetual(
        account.base,
        account.quote,
        price,
        ratios,
        bids=account.bids,
        asks=account.asks,
        orders=account.orders,
    )
    return held.plus(Sum(0, account.cash))


def in_danger(account: Account, price: int, ratios: Ratios) -> bool:
    """Below its requirement; one being liquidated stays in danger until the buffer is there as well."""
    now = standing(account, price, ratios)
    return now.shortage > 0 if account.since >= 0 else now.collateral < now.requirement


def call(
    account: Account, terms: Terms, *, price: int, slot: int, most: int, last_active: int = 0
) -> Account:
    """One liquidator's call at a slot, taking at most so much. Unchanged where nothing may be done."""
    if not in_danger(account, price, terms.ratios):
        return msgspec.structs.replace(account, since=-1, freed=0)
    started = slot if account.since < 0 else account.since
    before = standing(account, price, terms.ratios).shortage
    free = msgspec.structs.replace(account, bids=0, asks=0, orders=0, since=started)
    short = standing(free, price, terms.ratios).shortage
    free = msgspec.structs.replace(free, freed=account.freed + before - short)
    if not short:
        return msgspec.structs.replace(free, since=-1, freed=0)
    taken, needed, fund_fee = _size(free, terms, price, short, slot, most, last_active)
    if not taken:
        return free
    fee = cover.liquidator_fee(terms.fee, slot - last_active)
    after = _taken(free, price, taken, fee, fund_fee)
    if taken >= needed:  # what the size rule asked for; its own fees may leave a little of the buffer short
        return msgspec.structs.replace(after, since=-1, freed=0)
    left = standing(after, price, terms.ratios).shortage
    return msgspec.structs.replace(after, freed=after.freed + short - left)


def _size(
    account: Account, terms: Terms, price: int, short: int, slot: int, most: int, last_active: int
) -> tuple[int, int, int]:
    """(size to take, size that would cover the shortage, the fund's fee)."""
    own = size_premium(terms.ratios.ratio, size=abs(account.base), factor=terms.ratios.factor)
    ratio = own + terms.ratios.buffer
    fee = cover.liquidator_fee(terms.fee, slot - last_active)
    fund_fee = cover.fund_fee(
        short, base=account.base, ratio=ratio, liquidator_fee=fee, price=price, most=terms.most_fund_fee
    )
    needed = cover.base_to_cover(short, ratio=ratio, liquidator_fee=fee, fund_fee=fund_fee, price=price)
    share = cover.released(terms.pace, shortage=short, freed=account.freed, elapsed=slot - account.since)
    wanted = cover.stepped_up(needed * share // cover.WHOLE, terms.step)
    return min(wanted, abs(account.base), most), needed, fund_fee


def _taken(account: Account, price: int, taken: int, fee: int, fund_fee: int) -> Account:
    sign = 1 if account.base > 0 else -1
    value = taken * price // SIZE
    paid = taken * (price * (cover.FEE - sign * fee) // cover.FEE) // SIZE
    to_fund = value * fund_fee // cover.FEE
    return msgspec.structs.replace(
        account,
        base=account.base - sign * taken,
        quote=account.quote + sign * paid - to_fund,
        fund_fees=account.fund_fees + to_fund,
    )
