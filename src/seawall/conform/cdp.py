"""Collateralised debt: Maker's auctions, Liquity's pools, redistributions and modes.

Integers at the contracts' precisions where a vector has them; fractions of its decimals elsewhere. Terms
that a vector does not bring are those of the rulebooks. No formula.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

from seawall.conform.model import Vector
from seawall.conform.reading import Adapter, Answer, as_number, find, number, numbers
from seawall.errors import InputError, Unsupported
from seawall.liquidation import collateral_auction as auction
from seawall.liquidation.collateral_auction import RAD, RAY, WAD, PriceCurve
from seawall.liquidation.stability_pool import Redistribution, StabilityPool, branch_split, recovery_split
from seawall.rulebooks.load_cdp import load_cdp_rulebook
from seawall.units import PPB

CALC = re.compile(r"(?P<key>tau|cut|step)\s*=\s*(?P<value>[\d.]+)")


def whole(given: dict[str, Any], *names: str, default: int | None = None) -> int:
    value = number(given, *names, default=default)
    if value.denominator != 1:
        raise Unsupported(f"input {names[0]} is {float(value)!r}, no whole number")
    return int(value)


def curve_price(vector: Vector) -> Answer:
    """Linear with tau; by the second with a cut; by steps with a step as well."""
    given = vector.inputs
    if find(given, "tau") is not None:
        curve = PriceCurve(kind="linear", tau=whole(given, "tau"))
    else:
        step = whole(given, "step", default=1)
        kind = "exponential" if find(given, "step") is None else "stairstep"
        curve = PriceCurve(kind=kind, cut=whole(given, "cut_ray"), step=step)  # type: ignore[arg-type]
    price = curve.price(whole(given, "top_ray"), whole(given, "dur"))
    answer: Answer = {"price_ray": price}
    allowed = vector.expected.get("test_tolerance_ray")
    if allowed is not None:
        told = vector.expected["test_expected_ray"]
        inside = abs(price - int(told)) <= int(allowed)
        answer |= {"test_tolerance_ray": allowed, "test_expected_ray": told if inside else price}
    return answer


def _curve(vector: Vector) -> PriceCurve:
    """From words such as `stairstep cut=0.99 step=1s`."""
    text = str(find(vector.inputs, "calc"))
    found = {match["key"]: Fraction(match["value"]) for match in CALC.finditer(text)}
    kind = text.split()[0]
    if kind not in ("linear", "stairstep", "exponential"):
        raise Unsupported(f"calc {text!r} is no price curve known here")
    return PriceCurve(
        kind=kind,  # type: ignore[arg-type]
        tau=int(found.get("tau", 0)),
        cut=int(found.get("cut", Fraction(1)) * RAY),
        step=int(found.get("step", 1)),
    )


def _begin(vector: Vector) -> auction.Auction:
    given = vector.inputs
    return auction.begin(
        whole(given, "tab_rad"),
        whole(given, "lot_wad"),
        feed=whole(given, "feed_ray"),
        buffer=whole(given, "buf_ray"),
        now=0,
    )


def _sale(found: auction.Sale) -> Answer:
    return {
        "price": found.price,
        "owe": found.owed,
        "slice": found.amount,
        "tab_left": found.auction.tab,
        "lot_left": found.auction.lot,
        "refund_to_owner": found.refund,
        "state": found.state,
        "shortfall_rad": found.shortfall,
    }


def take(vector: Vector) -> Answer:
    """One bid, or several; a bid that may not be filled answers with the contract's word for it."""
    running, curve = _begin(vector), _curve(vector)
    listed = find(vector.inputs, "takes") or [find(vector.inputs, "take")]
    answers: list[Any] = []
    for row in listed:
        try:
            found = auction.take(
                running,
                curve,
                wanted=whole(row, "amt"),
                now=whole(row, "t"),
                least_left=whole(vector.inputs, "chost_rad"),
            )
        except InputError as error:
            if "no-partial-purchase" not in str(error):
                raise
            answers.append("revert Clipper/no-partial-purchase")
            continue
        answers.append(_sale(found))
        running = found.auction
    if len(listed) == 1:
        return dict(answers[0]) if isinstance(answers[0], dict) else {"error": answers[0]}
    return {"after_first": answers[0], "first": answers[0], "second": answers[1]}


def restarts(vector: Vector) -> Answer:
    """Restarted again and again; what each pays, and one bid in between."""
    given, curve = vector.inputs, _curve(vector)
    running, feed = _begin(vector), whole(given, "feed_ray")
    bids = {int(m[1]): whole(given, name) for name in given if (m := re.fullmatch(r"take_at_(\d+)", name))}
    rows = zip(
        numbers(given, "redo_at"),
        numbers(given, "tip_rad"),
        numbers(given, "chip_wad"),
        numbers(given, "chost_rad_seq"),
        strict=True,
    )
    events: list[tuple[int, Any]] = [(int(row[0]), row) for row in rows]
    events += list(bids.items())
    answer: Answer = {}
    paid, least = [], whole(given, "chost_rad")
    for now, event in sorted(events, key=lambda one: one[0]):
        if isinstance(event, int):
            found = auction.take(running, curve, wanted=event, now=now, least_left=least)
            running = found.auction
            answer |= {f"price_at_{now}_ray": found.price, "lot_left": running.lot}
            continue
        _, flat, share, least = (int(value) for value in event)
        paid.append(auction.restart_reward(running, flat=flat, share=share, feed=feed, least=least))
        running = auction.begin(running.tab, running.lot, feed=feed, buffer=whole(given, "buf_ray"), now=now)
        least = whole(given, "chost_rad")
    return {"incentives_rad": paid, **answer}


def resets(vector: Vector) -> Answer:
    given, running, curve = vector.inputs, _begin(vector), _curve(vector)
    asked = vector.expected.get("needs_redo_at", {})
    again = auction.begin(
        running.tab,
        running.lot,
        feed=whole(given, "feed_at_redo_ray"),
        buffer=whole(given, "buf_ray"),
        now=0,
    )
    return {
        "needs_redo_at": {
            at: auction.needs_restart(
                running,
                curve,
                now=int(at),
                longest=whole(given, "tail"),
                least_share=whole(given, "cusp_ray"),
            )
            for at in asked
        },
        "top_after_ray": again.top,
    }


def bark(vector: Vector) -> Answer:
    given = vector.inputs
    found = auction.start(
        auction.Vault(whole(given, "ink"), whole(given, "art"), whole(given, "rate")),
        room=whole(given, "room"),
        penalty=whole(given, "chop"),
        dust=whole(given, "dust"),
    )
    return {"dink": found.collateral, "dart": found.debt, "tab": found.tab}


def kick_reward(vector: Vector) -> Answer:
    """What the caller is paid; the top of the tests' auction (4 at 125 %) where no price is given."""
    given = vector.inputs
    answer: Answer = {
        "coin_rad": auction.reward(
            whole(given, "tab_rad"), flat=whole(given, "tip_rad"), share=whole(given, "chip_wad")
        )
    }
    feed = whole(given, "feed_ray", default=4 * RAY)
    buffer = whole(given, "buf_ray", default=RAY + RAY // 4)
    return {**answer, "top_ray": auction.begin(0, 0, feed=feed, buffer=buffer, now=0).top}


def breaker(vector: Vector) -> Answer:
    levels = [int(level) for level in numbers(vector.inputs, "levels")]
    return {act: [auction.allowed(act, level) for level in levels] for act in auction.STOPPED_AT}


def top_and_reset(vector: Vector) -> Answer:
    """Where an auction begins, below which price it is reset, and what it must raise."""
    given = vector.inputs
    begun = auction.begin(
        0, 0, feed=int(number(given, "osm") * RAY), buffer=int(number(given, "buf") * RAY), now=0
    )
    vault = auction.Vault(WAD, int(number(given, "debt") * WAD), RAY)
    kicked = auction.start(vault, room=RAD * WAD, penalty=int(number(given, "chop") * WAD), dust=0)
    return {
        "top": Fraction(begun.top, RAY),
        "reset_price": Fraction(begun.top * int(number(given, "cusp") * RAY) // RAY, RAY),
        "tab": Fraction(kicked.tab, RAD),
    }


def bids_in_words(vector: Vector) -> Answer:
    """Bids as the text has them ("Alice 50,000 DAI at 195"), each at the first second of its price.

    What they buy is told to the cent, as the proposal tells it.
    """
    given = vector.inputs
    said = re.findall(r"(\w+) ([\d,]+) DAI at (\d+)", vector.description)
    curve = PriceCurve(kind="linear", tau=whole(given, "tau"))
    tab, lot = int(number(given, "tab") * RAD), int(number(given, "lot") * WAD)
    running = auction.begin(
        tab, lot, feed=int(number(given, "osm") * RAY), buffer=int(number(given, "buf") * RAY), now=0
    )
    answer: Answer = {"top": Fraction(running.top, RAY)}
    for name, money, price in said:
        at = curve.seconds_to(running.top, int(price) * RAY)
        wanted = int(money.replace(",", "")) * RAD // curve.price(running.top, at)
        sale = auction.take(running, curve, wanted=wanted, now=at, least_left=0)
        cents = round(Fraction(sale.amount, WAD) * 100)
        answer[name.lower()] = {
            "t": at, "price": Fraction(sale.price, RAY), "collateral": Fraction(cents, 100),
        }  # fmt: skip
        running = sale.auction
    return answer


def time_to_price(vector: Vector) -> Answer:
    given = vector.inputs
    curve = PriceCurve(kind="stairstep", cut=int(number(given, "cut") * RAY), step=whole(given, "step"))
    share = (1 - number(given, "discount", default=0)) / number(given, "buf")
    steps, closed = curve.steps_to(float(share))
    return {"steps": steps, "seconds": steps * curve.step, "closed_form_steps": closed}


def rising_bids(vector: Vector) -> Answer:
    given = vector.inputs
    found = auction.english(
        tab=whole(given, "tab"),
        lot_value=int(number(given, "lot_eth", "lot") * number(given, "eth_price", "price")),
        bid=whole(given, "winning_bid"),
    )
    return {"shortfall": found.shortfall, "collateral_value_lost": found.value_lost}


def _ops(vector: Vector) -> list[list[Any]]:
    listed = find(vector.inputs, "ops")
    if not isinstance(listed, list) or not all(isinstance(one, list) and one for one in listed):
        raise Unsupported("input ops is no list of operations")
    return listed


def _kept_share(vector: Vector) -> Fraction:
    """From `0.5% of collateral`, or the rulebook's."""
    told = re.search(r"([\d.]+)\s*%", str(find(vector.inputs, "gas_comp") or ""))
    if told:
        return Fraction(told[1]) / 100
    return Fraction(load_cdp_rulebook("liquity-v1").branches["ETH"].kept_share_ppb, PPB)


def pool(vector: Vector) -> Answer:
    held, kept, names = StabilityPool(), _kept_share(vector), []
    for kind, *rest in _ops(vector):
        if kind == "dep":
            held.deposit(rest[0], as_number(rest[1], "deposit"))
            names.append(rest[0])
        elif kind == "liq":
            debt, collateral = (as_number(value, "liq") for value in rest)
            held.offset(debt, collateral * (1 - kept))
        else:
            raise Unsupported(f"operation {kind!r} of a pool is not known here")
    return {
        name: {"compounded_deposit": held.compounded(name), "eth_gain": held.gain(name)} for name in names
    }


def redistribution(vector: Vector) -> Answer:
    held = Redistribution(_kept_share(vector))
    for kind, *rest in _ops(vector):
        if kind == "open":
            held.open(rest[0], as_number(rest[1], "collateral"), as_number(rest[2], "debt"))
        elif kind == "liq":
            held.liquidate(rest[0])
        else:
            raise Unsupported(f"operation {kind!r} of loans is not known here")
    found = {name: held.of(name) for name in held.names()}
    return {name: {"coll": both[0], "debt": both[1]} for name, both in found.items()}


def recovery(vector: Vector) -> Answer:
    terms = load_cdp_rulebook("liquity-v1").branches["ETH"]
    found = recovery_split(
        ratio=number(vector.inputs, "icr"),
        system_ratio=number(vector.inputs, "tcr"),
        debt=number(vector.inputs, "debt"),
        collateral=number(vector.inputs, "coll"),
        pool=number(vector.inputs, "sp_lusd"),
        price=number(vector.inputs, "price"),
        least=Fraction(terms.least_ratio_ppb, PPB),
        kept_share=Fraction(terms.kept_share_ppb, PPB),
    )
    return {
        "mode": found.mode,
        "offset": found.offset,
        "coll_sp": found.to_pool,
        "surplus": found.surplus,
        "redist_debt": found.redistributed_debt,
        "redist_coll": found.redistributed,
    }


def branch(vector: Vector) -> Answer:
    terms = load_cdp_rulebook("liquity-v2").branches["WETH"]
    penalties = {
        name: number(vector.inputs, told, default=Fraction(default, PPB))
        for name, told, default in (
            ("pool_penalty", "pen_sp", terms.pool_penalty_ppb),
            ("redistribution_penalty", "pen_redist", terms.redistribution_penalty_ppb),
        )
    }
    found = branch_split(
        debt=number(vector.inputs, "debt"),
        collateral=number(vector.inputs, "coll"),
        pool=number(vector.inputs, "sp"),
        price=number(vector.inputs, "price"),
        kept_share=Fraction(terms.kept_share_ppb, PPB),
        most_kept=Fraction(terms.most_kept_wad, WAD),
        **penalties,
    )
    return {
        "debt_offset": found.offset,
        "coll_to_sp": found.to_pool,
        "gas_comp": found.kept,
        "debt_redistributed": found.redistributed_debt,
        "coll_redistributed": found.redistributed,
        "coll_surplus": found.surplus,
    }


ADAPTERS: tuple[Any, ...] = (
    Adapter("abacus-", ("top_ray", "dur"), curve_price),
    Adapter("clip-redo", ("redo_at", "tip_rad", "calc"), restarts),
    Adapter("clip-reset", ("calc", "feed_at_redo_ray"), resets),
    Adapter("clip-", ("calc", "take|takes"), take),
    Adapter("clip-kick", ("tab_rad", "tip_rad"), kick_reward),
    Adapter("clip-circuit", ("levels",), breaker),
    Adapter("clip-time", ("buf", "cut", "step"), time_to_price),
    Adapter("dog-", ("ink", "art", "room"), bark),
    Adapter("mip45-", ("osm", "buf", "cusp"), top_and_reset),
    Adapter("mip45-", ("osm", "buf", "tau", "tab", "lot"), bids_in_words),
    Adapter("flip-", ("tab", "winning_bid"), rising_bids),
    Adapter("sp-", ("ops",), pool),
    Adapter("redis-", ("ops",), redistribution),
    Adapter("recovery-", ("icr", "tcr"), recovery),
    Adapter("bold-", ("debt", "coll", "sp"), branch),
)
