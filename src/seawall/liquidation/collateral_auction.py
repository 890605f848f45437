"""Collateral auctioned for debt at a price that falls with time: start, take, restart, and the rewards.

Fixed point as the contracts keep it: amounts 1e-18 (wad), prices and rates 1e-27 (ray), debts 1e-45 (rad).
Powers round half up at each multiplication, everything else down; what a bidder owes is never less than price
times what he gets. Source: Maker Liquidations 2.0 (Dog, Clipper, Abacus), MIP45; LIQ-1.2 (Flipper).
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import msgspec

from seawall.errors import InputError

WAD, RAY, RAD = 10**18, 10**27, 10**45
Curve = Literal["linear", "stairstep", "exponential"]
Act = Literal["kick", "redo", "take"]
STOPPED_AT: dict[Act, int] = {"kick": 1, "redo": 2, "take": 3}  # breaker level from which it is forbidden


def ray_power(base: int, exponent: int) -> int:
    """base**exponent in rays, each product rounded half up."""
    result = base if exponent % 2 else RAY
    exponent //= 2
    while exponent:
        base = (base * base + RAY // 2) // RAY
        if exponent % 2:
            result = (result * base + RAY // 2) // RAY
        exponent //= 2
    return result


class PriceCurve(msgspec.Struct, frozen=True, kw_only=True):
    """How a price falls: to zero over `tau`; times `cut` each `step`; times `cut` each second (step 1)."""

    kind: Curve
    tau: int = 0
    cut: int = RAY
    step: int = 1

    def price(self, top: int, elapsed: int) -> int:
        """InputError for a time below zero."""
        if elapsed < 0:
            raise InputError.at("auction", f"{elapsed} s after its start", "Ask for a time after the start.")
        if self.kind == "linear":
            return 0 if elapsed >= self.tau else top * ((self.tau - elapsed) * RAY // self.tau) // RAY
        return top * ray_power(self.cut, elapsed // self.step) // RAY

    def seconds_to(self, top: int, price: int) -> int:
        """The first second at which it costs no more than `price`. InputError for a price of zero or less."""
        if price <= 0:
            raise InputError.at("auction", f"a price of {price}", "Ask for a price above zero.")
        late = 1
        while self.price(top, late) > price:
            late *= 2
        early = 0
        while early < late:
            middle = (early + late) // 2
            early, late = (early, middle) if self.price(top, middle) <= price else (middle + 1, late)
        return early

    def steps_to(self, share: float) -> tuple[int, float]:
        """Steps until the price is at or below `share` of its top: counted, and in closed form."""
        if self.kind == "linear":
            raise InputError.at("auction", "a linear price has no steps", "Ask of a stairstep price.")
        wanted, steps = int(share * RAY), 0
        while ray_power(self.cut, steps) > wanted:
            steps += 1
        return steps, float(_log(share) / _log(self.cut / RAY))


def _log(value: float) -> float:
    from seawall.kernels.elementary import log

    if not (math.isfinite(value) and value > 0.0):
        raise InputError.at("auction", f"a price at {value!r} of its top", "Give a share above zero.")
    return float(log(value))


class Vault(NamedTuple):
    """Collateral and normalised debt of a vault, and the rate that makes the latter money."""

    collateral: int
    debt: int
    rate: int


class Kicked(NamedTuple):
    """What leaves the vault for the auction, and what it must bring (penalty included)."""

    collateral: int
    debt: int
    tab: int


def start(vault: Vault, *, room: int, penalty: int, dust: int) -> Kicked:
    """As much of an unsafe vault as there is room for; all of it rather than leave dust behind.

    room, dust: rads; penalty: wad, 1.13e18 is 13 %. InputError where nothing fits.
    """
    debt = min(vault.debt, room * WAD // vault.rate // penalty)
    if debt <= 0:
        raise InputError.at("auction", f"room for {room / RAD:.6f}", "Wait until other auctions end.")
    if vault.debt > debt:
        if (vault.debt - debt) * vault.rate < dust:
            debt = vault.debt
        elif debt * vault.rate < dust:
            raise InputError.at("auction", "would be dust", "Wait until there is room for more.")
    taken = vault.collateral * debt // vault.debt
    return Kicked(taken, debt, debt * vault.rate * penalty // WAD)


class Auction(NamedTuple):
    """What is still to be raised (rad) and sold (wad), the price it began at, and when."""

    tab: int
    lot: int
    top: int
    started: int


class Sale(NamedTuple):
    """One bid: price, what was bought for how much, the auction after it, and how it ended if it did.

    `refund` goes back to the owner, `shortfall` of the debt has nothing left to pay it.
    """

    price: int
    amount: int
    owed: int
    auction: Auction
    state: Literal["open", "tab covered", "lot sold out"]
    refund: int = 0
    shortfall: int = 0


def begin(tab: int, lot: int, *, feed: int, buffer: int, now: int) -> Auction:
    """An auction from above the oracle's price."""
    return Auction(tab, lot, feed * buffer // RAY, now)


def take(
    auction: Auction, curve: PriceCurve, *, wanted: int, now: int, least_left: int, most_price: int = 0
) -> Sale:
    """Buy up to `wanted` collateral. InputError where the bid may not be filled.

    A bid pays at most the tab; one that would leave less than `least_left` (rad) to raise, with collateral
    still there, is cut so that just so much stays. `most_price` 0: any.
    """
    price = curve.price(auction.top, now - auction.started)
    if most_price and price > most_price:
        raise InputError.at("bid", f"price {price} is above {most_price}", "Wait, or offer more.")
    if price <= 0 or wanted <= 0:
        raise InputError.at("bid", "nothing is asked for or it costs nothing", "Restart the auction.")
    amount = min(auction.lot, wanted)
    owed = amount * price
    if owed > auction.tab:
        owed = auction.tab
        amount = owed // price
    elif owed < auction.tab and amount < auction.lot and auction.tab - owed < least_left:
        if auction.tab <= least_left:
            raise InputError.at("bid", "no-partial-purchase", "Take all that is left.")
        owed = auction.tab - least_left
        amount = owed // price
    tab, lot = auction.tab - owed, auction.lot - amount
    if lot == 0:
        return Sale(price, amount, owed, Auction(0, 0, auction.top, auction.started), "lot sold out", 0, tab)
    if tab == 0:
        return Sale(price, amount, owed, Auction(0, 0, auction.top, auction.started), "tab covered", lot)
    return Sale(price, amount, owed, Auction(tab, lot, auction.top, auction.started), "open")


def needs_restart(auction: Auction, curve: PriceCurve, *, now: int, longest: int, least_share: int) -> bool:
    """Too old, or its price has fallen below a share (ray) of where it began."""
    elapsed = now - auction.started
    price = curve.price(auction.top, elapsed)
    return elapsed > longest or price * RAY // auction.top < least_share


def reward(tab: int, *, flat: int, share: int) -> int:
    """What whoever starts an auction is paid: flat (rad) and a share (wad) of the tab."""
    return flat + tab * share // WAD


def restart_reward(auction: Auction, *, flat: int, share: int, feed: int, least: int) -> int:
    """The same for a restart; nothing where the auction is worth, or raises, less than `least`."""
    if auction.tab < least or auction.lot * feed < least:
        return 0
    return reward(auction.tab, flat=flat, share=share)


def allowed(act: Act, level: int) -> bool:
    """Whether the breaker at this level still lets it happen."""
    return level < STOPPED_AT[act]


class EnglishResult(NamedTuple):
    """An auction by rising bids: what is missing, and what the owner gave for nothing."""

    shortfall: int
    value_lost: int


def english(*, tab: int, lot_value: int, bid: int) -> EnglishResult:
    """The only bid wins, whatever it is; all in one unit of money."""
    return EnglishResult(max(tab - bid, 0), max(lot_value - bid, 0))
