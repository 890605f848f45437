"""Auctions of collateral: prices in fractions beside rays, bids that add up, breakers and rewards."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from seawall.errors import InputError, RulebookError
from seawall.liquidation import collateral_auction as auction
from seawall.liquidation.collateral_auction import RAD, RAY, WAD, PriceCurve
from seawall.rulebooks.load_cdp import list_cdp_rulebooks, load_cdp_rulebook, parse_cdp_rulebook

CUT = st.integers(RAY // 2, RAY - 1)
TOP = st.integers(RAY // 10**6, 10**6 * RAY)


@given(CUT, st.integers(0, 300))
def test_a_power_in_rays_is_the_power_to_a_few_last_digits(cut, exponent):
    exact = Fraction(cut, RAY) ** exponent * RAY
    assert abs(auction.ray_power(cut, exponent) - exact) <= max(exponent, 1)


@given(
    st.sampled_from(("linear", "stairstep", "exponential")), st.integers(RAY, 10**6 * RAY),
    st.integers(RAY // 2, RAY * 99 // 100), st.integers(1, 90), st.fractions(Fraction(1, 100), 1),
)  # fmt: skip
def test_the_first_second_of_a_price_is_the_first(kind, top, cut, step, share):
    curve = PriceCurve(kind=kind, tau=3_600, cut=cut, step=1 if kind == "exponential" else step)
    wanted = int(top * share)
    at = curve.seconds_to(top, wanted)
    assert curve.price(top, at) <= wanted
    assert at == 0 or curve.price(top, at - 1) > wanted


@given(
    st.sampled_from(("linear", "stairstep", "exponential")),
    TOP,
    CUT,
    st.integers(1, 500),
    st.lists(st.integers(0, 4_000), min_size=2),
)
def test_prices_never_rise_and_never_pass_their_top(kind, top, cut, step, times):
    curve = PriceCurve(kind=kind, tau=3_600, cut=cut, step=1 if kind == "exponential" else step)
    prices = [curve.price(top, at) for at in sorted(times)]
    assert all(0 <= price <= top for price in prices)
    assert all(later <= before + len(times) for before, later in pairwise(prices))
    if kind == "linear":
        exact = [max(Fraction(top * (3_600 - at), 3_600), 0) for at in sorted(times)]
        assert all(abs(price - wanted) <= 1 + Fraction(top, RAY) for price, wanted in zip(prices, exact))


@given(
    st.integers(1, 10**6), st.integers(1, 10**6), st.integers(1, 10**4), st.integers(0, 10**5),
    st.lists(st.tuples(st.integers(1, 10**6), st.integers(0, 300)), min_size=1, max_size=8),
)  # fmt: skip
@settings(max_examples=200)
def test_bids_in_a_row_never_take_more_than_the_lot_nor_pay_more_than_the_tab(tab, lot, feed, least, bids):
    curve = PriceCurve(kind="stairstep", cut=RAY * 99 // 100, step=10)
    first = auction.begin(tab * RAD, lot * WAD, feed=feed * RAY, buffer=RAY * 12 // 10, now=0)
    running, paid, sold, refund, now = first, 0, 0, 0, 0
    shortfall = None
    for amount, wait in bids:
        now += wait
        if not running.lot:
            break
        try:
            found = auction.take(running, curve, wanted=amount * WAD, now=now, least_left=least * RAD)
        except InputError:
            continue
        assert found.owed <= found.price * (found.amount + 1) and found.amount <= amount * WAD
        assert found.owed >= found.price * found.amount
        assert found.state != "open" or running.tab - found.owed >= min(least * RAD, running.tab)
        paid, sold, refund = paid + found.owed, sold + found.amount, refund + found.refund
        shortfall, running = found.shortfall, found.auction
    assert paid <= first.tab and sold + refund + running.lot == first.lot
    if shortfall is not None and not running.lot:
        assert paid + shortfall == first.tab


@given(
    st.integers(1, 10**24), st.integers(1, 10**24), st.integers(RAY, 2 * RAY), st.integers(1, 10**25),
    st.integers(WAD, 2 * WAD), st.integers(0, 10**22),
)  # fmt: skip
def test_a_vault_is_taken_in_part_only_where_no_dust_is_left(collateral, debt, rate, room, penalty, dust):
    vault = auction.Vault(collateral, debt, rate)
    try:
        found = auction.start(vault, room=room * RAY, penalty=penalty, dust=dust * RAY)
    except InputError:
        return
    assert 0 < found.debt <= debt and found.collateral <= collateral
    assert found.tab == found.debt * rate * penalty // WAD
    if found.debt < debt:
        assert found.tab <= room * RAY and (debt - found.debt) * rate >= dust * RAY
        assert found.debt * rate >= dust * RAY
    else:
        assert found.collateral == collateral


def test_what_may_not_be_done_is_said():
    curve = PriceCurve(kind="linear", tau=100)
    running = auction.begin(100 * RAD, 10 * WAD, feed=10 * RAY, buffer=RAY, now=0)
    with pytest.raises(InputError, match="costs nothing"):
        auction.take(running, curve, wanted=WAD, now=100, least_left=0)
    with pytest.raises(InputError, match="above"):
        auction.take(running, curve, wanted=WAD, now=0, least_left=0, most_price=RAY)
    with pytest.raises(InputError, match="no-partial"):
        auction.take(running, curve, wanted=WAD, now=0, least_left=200 * RAD)
    with pytest.raises(InputError, match="after its start"):
        curve.price(RAY, -1)
    with pytest.raises(InputError, match="no steps"):
        curve.steps_to(0.5)
    assert [auction.allowed("take", level) for level in range(4)] == [True, True, True, False]


@given(st.integers(2, 99), st.integers(1, 200))
def test_the_steps_to_a_price_are_the_first_that_reach_it(percent, step):
    curve = PriceCurve(kind="stairstep", cut=RAY * 97 // 100, step=step)
    assume(percent)
    steps, closed = curve.steps_to(percent / 100)
    wanted = int(percent / 100 * RAY)
    assert auction.ray_power(curve.cut, steps) <= wanted
    assert not steps or auction.ray_power(curve.cut, steps - 1) > wanted
    assert closed <= steps < closed + 1 + 1e-9


def test_the_built_in_protocols_load_and_bad_terms_are_refused():
    books = {name.partition("@")[0]: load_cdp_rulebook(name) for name in list_cdp_rulebooks()}
    assert set(books) == {"crvusd", "liquity-v1", "liquity-v2", "maker-liq2"}
    terms = books["maker-liq2"].vaults["ETH-A"]
    assert terms.curve.steps_to(1 / 1.2)[0] == 19 and terms.longest_s > 19 * terms.curve.step
    text = (
        '[venue]\nname = "x"\ntitle = "x"\neffective = "2026-01-01"\nnumeraire = "DAI"\nsource = "s"\n'
        '[sources]\ns = "a document"\n'
    )
    with pytest.raises(RulebookError, match="at least one vault type or branch"):
        parse_cdp_rulebook(text, file="x.toml")
    vault = (
        '[vaults.A]\nsource = "s"\nratio = "150 %"\npenalty = "113 %"\nhole = "1 DAI"\ndust = "1 DAI"\n'
        'buffer = "120 %"\ncurve = "linear"\nlongest = "1 h"\nleast_share = "40 %"\nflat_reward = "1 DAI"\n'
    )
    with pytest.raises(RulebookError, match=r"vaults\.A\.tau"):
        parse_cdp_rulebook(text + vault, file="x.toml")
    with pytest.raises(RulebookError, match="must lie between 0 and 100"):
        parse_cdp_rulebook(text + vault.replace("linear", "stairstep"), file="x.toml")
