"""Derive: standard margin of options, and the Dutch auction of an account.

Parameters of standard margin are those of the page (V2, March 2026); auctions bring theirs, the rest is the
page's. Portfolio margin is elsewhere.
"""

from __future__ import annotations

from fractions import Fraction

import msgspec

from seawall.conform.bench import level
from seawall.conform.model import Vector
from seawall.conform.option_book import Leg, OptionBook, is_call, read_legs, short_terms
from seawall.conform.reading import Adapter, Answer, find, maybe, number, rate_ppb
from seawall.liquidation import auction
from seawall.liquidation.socialise import withdrawal_fee
from seawall.margin.option_schedule import OptionTerms

ONE, ATOMS = Fraction(1), 10**12
NINE, RISE = Fraction(9, 100), Fraction(105, 100)
SOLD = {"spot": Fraction(15, 100), "floor": Fraction(13, 100)}
INITIAL = OptionTerms(call=short_terms(**SOLD), put=short_terms(**SOLD, least_of="maintenance", least=RISE))
MAINTENANCE = OptionTerms(call=short_terms(floor=NINE), put=short_terms(floor=NINE, mark=NINE))
UNPAIRED = {"initial": Fraction(12, 10), "maintenance": Fraction(11, 10)}
FEE = Fraction(10, 100)
FREE = Fraction(1, 10**6)


def standard_margin(vector: Vector) -> Answer:
    """So many options sold at their mark: what they take, and what is left of the cash."""
    given = vector.inputs
    legs = read_legs(vector, unit=ONE) if find(given, "legs", "positions") else [_sold(vector)]
    # The page's cash is what the account has beside its options: they are traded for next to nothing.
    legs = [msgspec.structs.replace(leg, entry=FREE) for leg in legs]
    book = OptionBook(
        legs,
        spot=number(given, "spot", "S", "index"),
        schedules={"initial": INITIAL, "maintenance": MAINTENANCE},
        levels=tuple(
            level(name, option_value="none", max_loss=True, unpaired_ppb=rate_ppb(rate))
            for name, rate in UNPAIRED.items()
        ),
    )
    paid = sum((leg.size for leg in legs), Fraction(0)) * FREE
    book.deposit(number(given, "cash", "usdc", "collateral", default=0) + paid)
    return {
        "option_im": -book.requirement("initial"),
        "option_mm": -book.requirement("maintenance"),
        "IM": book.health("initial"),
        "MM": book.health("maintenance"),
    }


def _sold(vector: Vector) -> Leg:
    given = vector.inputs
    told = find(given, "type", "right") or ("put" if "put" in vector.description.lower() else "call")
    return Leg(
        is_call=is_call(told),
        strike=number(given, "strike", "K"),
        size=-abs(number(given, "n", "size", "contracts", default=1)),
        mark=number(given, "mark", "premium"),
    )


def start_fee(vector: Vector) -> Answer:
    given = vector.inputs
    share, fee = auction.auction_fee_atoms(
        buffer_atoms=_atoms(number(given, "buffer", "bm")),
        worth_atoms=_atoms(number(given, "mtm")),
        fee_ppb=rate_ppb(number(given, "fee", "fee_rate", default=FEE)),
    )
    return {"fraction": share, "fee": Fraction(fee, ATOMS)}


def bid(vector: Vector) -> Answer:
    """The largest share, and what a bidder for `pct` of the account (all he may, if it is not said) needs."""
    given = vector.inputs
    worth, discount = _atoms(number(given, "mtm")), number(given, "d", "discount")
    buffer, reserved = _atoms(number(given, "bm", "buffer")), _atoms(number(given, "reserve", default=0))
    most = auction.largest_share(
        buffer_atoms=buffer, worth_atoms=worth, discount=discount, reserved_atoms=reserved
    )
    share = min(number(given, "pct", "f", default=most), most)
    cost = auction.cost_atoms(share=share, worth_atoms=worth, discount=discount, reserved_atoms=reserved)
    needs = auction.cash_required_atoms(share=share, cost=cost, buffer_atoms=buffer, reserved_atoms=reserved)
    paid = Fraction(cost, ATOMS)
    return {
        "max_pct": most, "cost": paid, "cost_published": paid, "cash_required": Fraction(needs, ATOMS),
    }  # fmt: skip


def simulated_bid(vector: Vector) -> Answer:
    """As the test suite of the contract prints it, from maintenance and mark-to-market."""
    given = vector.inputs
    worth, discount = _atoms(number(given, "mtm")), number(given, "discount", "d")
    buffer = auction.buffer_margin(
        maintenance_atoms=_atoms(number(given, "mm")),
        worth_atoms=worth,
        buffer_ppb=rate_ppb(number(given, "buffer_scale")),
    )
    most = auction.largest_share(buffer_atoms=buffer, worth_atoms=worth, discount=discount)
    share = min(number(given, "want", "pct", default=1), most)
    cost = auction.cost_atoms(share=share, worth_atoms=worth, discount=discount)
    return {"BM": Fraction(buffer, ATOMS), "FMax": most, "pct": share, "bid": Fraction(cost, ATOMS)}


def insolvent(vector: Vector) -> Answer:
    """The offer after `t` of `T` minutes, and what a bidder for a share is paid and must hold."""
    given = vector.inputs
    # `t` and `T` differ by their capitals alone, which names otherwise do not tell apart.
    elapsed, total = Fraction(given["t"]), Fraction(given["T"])
    maintenance = _atoms(number(given, "mm"))
    offer = auction.insolvent_offer(
        worth_atoms=_atoms(number(given, "mtm")),
        maintenance_atoms=maintenance,
        elapsed_ns=int(elapsed * 60 * 10**9),
        total_ns=int(total * 60 * 10**9),
    )
    share = number(given, "f", "pct", "fraction")
    payout, needs = auction.insolvent_bid(share=share, offer=offer, maintenance_atoms=maintenance)
    return {
        "offer": offer / ATOMS, "payout": Fraction(payout, ATOMS), "cash_required": Fraction(needs, ATOMS),
    }  # fmt: skip


def socialised(vector: Vector) -> Answer:
    """What every withdrawal leaves behind while the system owes more than it has."""
    given = vector.inputs
    debt, deposits = _atoms(number(given, "debt")), _atoms(number(given, "deposits"))
    drawn = maybe(given, "withdraw", "withdrawal")
    return {
        "fee_pct": Fraction(withdrawal_fee(ATOMS, deposits, debt), ATOMS),
        "fee": Fraction(withdrawal_fee(_atoms(drawn or Fraction(0)), deposits, debt), ATOMS),
    }


def _atoms(amount: Fraction) -> int:
    return int(amount * ATOMS)


ADAPTERS = (
    Adapter("derive-srm", ("spot|S|index", "strike|K", "mark|premium"), standard_margin),
    Adapter("derive-srm", ("spot|S|index", "legs|positions"), standard_margin),
    Adapter("derive-auction", ("mtm", "mm", "buffer_scale", "discount|d"), simulated_bid),
    Adapter("derive-auction", ("mtm", "bm|buffer", "d|discount"), bid),
    Adapter("derive-auction", ("mtm", "buffer|bm"), start_fee),
    Adapter("derive-insolvent", ("mtm", "mm", "t", "f|pct|fraction"), insolvent),
    Adapter("derive-socialised", ("debt", "deposits"), socialised),
)
