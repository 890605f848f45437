"""Ten thousand auctions at once: Maker's as pure functions, Derive's as bids to the engine.

Maker: every vault is barked at one moment and sold at a stairstep price to bidders who come at times of
their own, four of them at most; each auction is followed to its end. Peer: the same rules in exact
fractions, written here from MIP45, whose proceeds must agree to a millionth. Derive: every account of a
book falls short at one price and is put up whole; five minutes later one bidder takes the largest share of
each. Peer: the formulas of the offers alone. Wall seconds, median of three (Derive: one).
"""

from __future__ import annotations

from fractions import Fraction

import msgspec

from benchmarks.rows import Row, make_row, median_seconds, seconds_of
from seawall.engine import commands as cmd
from seawall.engine import events as ev
from seawall.engine.decide.auction import figures
from seawall.engine.decide.bids import offer_of
from seawall.engine.engine import Engine
from seawall.engine.state import HOUSE_ACCOUNTS, MARKET
from seawall.liquidation.auction import AuctionTerms
from seawall.liquidation.collateral_auction import RAD, RAY, WAD, PriceCurve, begin, take
from seawall.liquidation.rules import Step
from seawall.rulebooks.load import load_rulebook

GOAL_SECONDS = 1.0
CUT, STEP, BIDS = 99, 90, 4  # 99 % every 90 s
CURVE = PriceCurve(kind="stairstep", cut=RAY * CUT // 100, step=STEP)
MINUTE = 60 * 10**9
TERMS = AuctionTerms(
    start_ppb=50_000_000, fast_ppb=300_000_000, fast_ns=15 * MINUTE, slow_ns=240 * MINUTE,
    insolvent_ns=60 * MINUTE, buffer_ppb=100_000_000, fee_ppb=0,
)  # fmt: skip


def vaults(count: int) -> list[tuple[int, int, list[int]]]:
    """(tab in whole DAI, collateral in thousandths, seconds after which a bidder comes), by a recurrence."""
    found, state = [], 1
    for _ in range(count):
        state = (state * 1_103_515_245 + 12_345) % 2**31
        lot = 1_000 + state % 50_000
        times = [300 + (state >> shift) % 3_000 for shift in (3, 7, 11, 15)]
        found.append((lot * 3 // 2 + state // 64 % lot, lot, sorted(times)))
    return found


def settle(drawn: list[tuple[int, int, list[int]]]) -> list[int]:
    """Rads that every auction brought; each bidder takes a third of what there was, the last one all."""
    brought = []
    for tab, lot, times in drawn:
        auction = begin(tab * RAD, lot * WAD // 1_000, feed=2_000 * RAY, buffer=RAY * 6 // 5, now=0)
        total, third = 0, auction.lot // 3
        for place, now in enumerate(times):
            wanted = auction.lot if place == BIDS - 1 else third
            sale = take(auction, CURVE, wanted=wanted, now=now, least_left=0)
            auction, total = sale.auction, total + sale.owed
            if sale.state != "open":
                break
        brought.append(total)
    return brought


def settle_in_fractions(drawn: list[tuple[int, int, list[int]]]) -> list[Fraction]:
    """The same from the text of MIP45, in DAI."""
    brought = []
    for tab, lot, times in drawn:
        left, coins, third = Fraction(tab), Fraction(lot, 1_000), Fraction(lot, 3_000)
        for place, now in enumerate(times):
            price = 2_400 * Fraction(CUT, 100) ** (now // STEP)
            amount = min(coins, coins if place == BIDS - 1 else third)
            owed = min(amount * price, left)
            left, coins = left - owed, coins - owed / price
            if not left or not coins:
                break
        brought.append(tab - left)
    return brought


def fallen_book(accounts: int) -> tuple[Engine, int, int]:
    """An engine in which every account is in auction; the bidder and the time."""
    rules = load_rulebook("harbor")
    ladder = msgspec.structs.replace(
        rules.liquidation, steps=(Step(name="auction", action="auction", auction=TERMS),), margin_call=None
    )
    engine, now = Engine(msgspec.structs.replace(rules, liquidation=ladder)), 1_770_000_000 * 10**9
    bidder = HOUSE_ACCOUNTS + accounts
    engine.step(_prices(engine, now, 60_000))
    commands: list[cmd.AnyCommand] = [
        cmd.OpenAccount(time_ns=now, account=HOUSE_ACCOUNTS + place) for place in range(accounts + 1)
    ]
    for account in range(HOUSE_ACCOUNTS, bidder):
        deposit = cmd.Deposit(time_ns=now, account=account, asset="USDC", amount_atoms=3_000 * 10**6)
        trade = cmd.ReportFill(
            time_ns=now, instrument="BTC-PERP", size_lots=500, price_ticks=600_000, buyer=account,
            seller=MARKET, taker_is_buyer=True,
        )  # fmt: skip
        commands += [deposit, trade]
    commands.append(cmd.Deposit(time_ns=now, account=bidder, asset="USDC", amount_atoms=10**15))
    engine.step_many(commands)
    engine.step(_prices(engine, now + 10**9, 54_400))
    now += 5 * MINUTE
    engine.step(_prices(engine, now, 54_400))
    assert len(engine.state.auctions) == accounts
    return engine, bidder, now


def _prices(engine: Engine, now: int, bitcoin: int) -> cmd.ReportPrices:
    usd = {"BTC": bitcoin, "ETH": 2_500, "SOL": 100, "AVAX": 20}
    rules = engine.state.rulebook
    return cmd.ReportPrices(
        time_ns=now,
        prices=tuple(
            cmd.SourcePrice(one.name, source, round(usd[one.base] / float(one.tick_units)), now)
            for one in rules.instruments
            for source in rules.oracles[one.name].sources
        ),
    )


def measure(*, quick: bool) -> list[Row]:
    """Two rows."""
    count = 500 if quick else 10_000
    return [_maker(count), _derive(count)]


def _maker(count: int) -> Row:
    drawn = vaults(count)
    for ours, exact in zip(settle(drawn), settle_in_fractions(drawn), strict=True):
        assert abs(Fraction(ours, RAD) - exact) <= exact / 10**6, (ours, float(exact))
    mine = median_seconds(lambda: settle(drawn), 3)
    peer = median_seconds(lambda: settle_in_fractions(drawn), 3)
    return make_row(
        f"{count:,} Maker auctions at once, each to its end",
        ours=f"{mine * 1e3:.0f} ms",
        peer=f"{peer * 1e3:.0f} ms, the rules in fractions",
        ratio=peer / mine,
        goal=f"<= {GOAL_SECONDS:g} s for 10,000",
        met=mine <= GOAL_SECONDS,
    )


def _derive(count: int) -> Row:
    fallen_book(20)  # compiles
    engine, bidder, now = fallen_book(count)
    state, step = engine.state, engine.state.rulebook.liquidation.steps[0]
    pots = sorted(state.auctions)
    bids = [
        cmd.Bid(time_ns=now, account=bidder, target=account, share_ppb=10**9, most_atoms=10**15)
        for account in range(HOUSE_ACCOUNTS, bidder)
    ]
    peer = seconds_of(lambda: [offer_of(state, pot, step, *figures(state, pot), 10**9, now) for pot in pots])
    told: list[tuple[ev.AnyEvent, ...]] = []
    mine = seconds_of(lambda: told.extend(engine.step_many(bids)))
    sold = sum(type(event) is ev.AuctionBid for events in told for event in events)
    assert sold == count, f"{sold} of {count} bids were carried out"
    return make_row(
        f"{count:,} bids in Derive's auctions, one per account, in the engine",
        ours=f"{mine:.2f} s",
        peer=f"{peer:.2f} s, the offers' formulas alone",
        ratio=peer / mine,
        goal=f"<= {GOAL_SECONDS:g} s for 10,000",
        met=mine <= GOAL_SECONDS,
    )
