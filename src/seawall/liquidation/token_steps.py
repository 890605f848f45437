"""P9 steps of an account of tokens and perpetuals, each stopping where health is met, a cap or a zero is.

Tokens: a liquidator repays a debt and receives collateral with fees. Perpetuals: base is closed and profit
taken over in five ordered steps that share one running health. Then losses: settle against collateral,
insurance, and only when the vault is empty what is left goes over the open interest. Exact fractions; lots
round up.
Source: Mango v4, liquidate token with token, perp base or positive pnl, negative pnl or bankruptcy.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from seawall.margin.token_health import ONE, ZERO, Perp, Token, health, least_amount


class Swap(NamedTuple):
    """Units of the debt repaid and of the collateral given for it."""

    repaid: Fraction
    given: Fraction


def swap_tokens(
    asset: Token,
    debt: Token,
    *,
    asset_token: Fraction,
    debt_token: Fraction,
    other_health: Fraction = ZERO,
    fee: Fraction = ZERO,
    most: Fraction,
) -> Swap:
    """The least debt to repay so that the account's health is met, or as much as may be.

    `asset` and `debt` hold the balances health sees (results of perpetuals in them); only `asset_token` and
    `debt_token` (below zero) can change hands.
    """
    rate = debt.liability_price / asset.asset_price * (ONE + fee)

    def after(repaid: Fraction) -> Fraction:
        kept = asset.plus(-repaid * rate).worth() + debt.plus(repaid).worth()
        return kept + other_health

    limit = min(most, max(-debt_token, ZERO), max(asset_token, ZERO) / rate)
    repaid = least_amount(after, (asset.balance / rate, -debt.balance), limit)
    return Swap(repaid, repaid * rate)


class PerpAccount(NamedTuple):
    """What an account holds besides: the settle token, and the health of all else."""

    settle: Token
    perp: Perp
    other_health: Fraction = ZERO

    def health(self) -> Fraction:
        return health({self.perp.settle: self.settle}, [self.perp]) + self.other_health

    def closed(self, lots: int, lot: Fraction) -> PerpAccount:
        """With so many lots of the position closed at its price."""
        size = lots * lot * (1 if self.perp.base > 0 else -1)
        perp = self.perp._replace(base=self.perp.base - size, quote=self.perp.quote + size * self.perp.price)
        return self._replace(perp=perp)

    def taken_over(self, profit: Fraction, fee: Fraction) -> PerpAccount:
        """With so much profit sold into the settle token, less the fee."""
        perp = self.perp._replace(quote=self.perp.quote - profit)
        paid = profit * (ONE - fee) / self.settle.asset_price
        return self._replace(settle=self.settle.plus(paid), perp=perp)


def reduce_perp(
    account: PerpAccount,
    *,
    most_lots: int,
    most_profit: Fraction,
    fee: Fraction = ZERO,
    lot: Fraction = ONE,
) -> PerpAccount:
    """Close base and take over profit until health is met.

    (1) close while the perpetual is worth less than nothing; (2) take over profit where the fee costs less
    than the overall weight; (3) close to make more profit that can be taken, and (4) take it; (5) close for
    what the overall weight leaves of it.
    """
    lots_left, profit_left = most_lots, most_profit
    weight = account.perp.overall_weight
    if account.perp.unweighted() < 0:
        account, used = _close(account, lot, lots_left, until_zero=True, share=ONE)
        lots_left -= used
    if account.perp.unweighted() >= 0 and ONE - fee > weight:
        account, taken = _take(account, profit_left, fee)
        profit_left -= taken
        if account.health() < 0 and profit_left > 0 and account.perp.base:
            account, used = _close(account, lot, lots_left, share=(ONE - fee), most_gain=profit_left)
            lots_left -= used
            account, taken = _take(account, profit_left, fee)
    if account.health() < 0 and weight > 0:
        account, _used = _close(account, lot, lots_left, share=weight)
    return account


def _gain(account: PerpAccount, lot: Fraction) -> Fraction:
    """What closing one lot adds to the unweighted result."""
    perp = account.perp
    room = ONE - perp.asset_weight if perp.base > 0 else perp.liability_weight - ONE
    return room * lot * perp.price


def _close(
    account: PerpAccount,
    lot: Fraction,
    most: int,
    *,
    share: Fraction,
    until_zero: bool = False,
    most_gain: Fraction | None = None,
) -> tuple[PerpAccount, int]:
    """Close lots until health is met if `share` of the gain counts; (account, lots closed)."""
    gain, short = _gain(account, lot), -account.health()
    held = int(abs(account.perp.base) / lot)
    if short <= 0 or gain <= 0 or share <= 0 or not held:
        return account, 0
    weight = account.settle.liability_weight if account.settle.balance < 0 else account.settle.asset_weight
    lots = _ceil(short / (gain * share * weight))
    if until_zero:
        lots = min(lots, _ceil(-account.perp.unweighted() / gain))
    if most_gain is not None:
        lots = min(lots, _ceil(most_gain / gain))
    lots = min(lots, most, held)
    return account.closed(lots, lot), lots


def _take(account: PerpAccount, most: Fraction, fee: Fraction) -> tuple[PerpAccount, Fraction]:
    """Take profit over until health is met; (account, profit taken)."""
    there = account.perp.unweighted()
    limit = min(most, there)
    if limit <= 0:
        return account, ZERO
    price = account.settle.asset_price
    kink = -(account.settle.balance + there * account.perp.overall_weight / price) * price
    taken = least_amount(
        lambda profit: account.taken_over(profit, fee).health(),
        (kink / (ONE - fee - account.perp.overall_weight),)
        if ONE - fee != account.perp.overall_weight
        else (),
        limit,
    )
    return account.taken_over(taken, fee), taken


def _ceil(value: Fraction) -> int:
    return -(-value.numerator // value.denominator)


class Vault(NamedTuple):
    """Insurance tokens, their price, and the fee a liquidator earns on what they pay."""

    tokens: int
    price: Fraction
    fee: Fraction = ZERO


class Loss(NamedTuple):
    """Who bore how much of a negative result: collateral, insurance (in tokens), and all open positions."""

    settled: Fraction
    insured: Fraction
    insurance_tokens: int
    socialised: Fraction
    left: Fraction  # of the loss, still with the account


def resolve_loss(
    *,
    loss: Fraction,
    settle: Token,
    other_health: Fraction,
    settle_limit: Fraction,
    most: Fraction,
    vault: Vault,
) -> Loss:
    """A loss is settled against collateral as far as health and limit allow, insured up to what the vault can
    pay, and, once that is empty, what could not have been settled at all is shared by everyone."""
    settleable = min(loss, _most_settled(settle, other_health))
    settled = min(settleable, settle_limit, most)
    bankrupt = loss - settleable
    price = settle.liability_price
    each = price * (ONE + vault.fee) / vault.price
    insured = min(bankrupt, most - settled, vault.tokens / each)
    paid = min(_ceil(insured * each), vault.tokens)
    empty = paid == vault.tokens
    socialised = bankrupt - insured if empty and insured + settled <= loss else ZERO
    return Loss(settled, insured, paid, socialised, loss - settled - insured - socialised)


def _most_settled(settle: Token, other_health: Fraction) -> Fraction:
    """Units of the settle token that can leave before the health of all but perpetuals is zero."""
    if settle.worth() + other_health <= 0:
        return ZERO
    from_assets = max(settle.balance, ZERO)
    with_none = settle.plus(-from_assets).worth() + other_health
    if with_none >= 0:
        return from_assets + with_none / (settle.liability_price * settle.liability_weight)
    return (settle.worth() + other_health) / (settle.asset_price * settle.asset_weight)
