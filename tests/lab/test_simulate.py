"""The driver, the simulated venue, the faults and the loading of a book, on small worlds."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from seawall.engine.commands import Deposit, OpenAccount, ReportFill, ReportPrices
from seawall.engine.engine import Engine
from seawall.engine.events import LiquidationOrderSent
from seawall.engine.state import HOUSE_ACCOUNTS, MARKET
from seawall.errors import BookError, SeawallError
from seawall.lab.bookfile import BookRow
from seawall.lab.depth import DepthCurve, DepthRules
from seawall.lab.experiment import Plan, run_experiment
from seawall.lab.faults import Faults, LabFault, parse_fault
from seawall.lab.loading import commands_for_rows, tradable
from seawall.lab.october import october_path
from seawall.lab.prices import PricePath
from seawall.lab.venue import SimulatedVenue
from seawall.rulebooks.load import load_rulebook
from seawall.units import SECOND_NS

MINUTE = 60 * SECOND_NS
START = 1_760_054_400 * SECOND_NS


def falling_path(minutes: int = 40, fall: float = 0.12) -> PricePath:
    """BTC and ETH fall in a straight line to the middle and come half way back."""
    middle = minutes // 2
    shape = np.concatenate(
        [np.linspace(1.0, 1.0 - fall, middle), np.linspace(1.0 - fall, 1.0 - fall / 2, minutes - middle)]
    )
    price = np.column_stack([100_000.0 * shape, 4_000.0 * shape])
    time_ns = START + np.arange(minutes, dtype=np.int64) * MINUTE
    return PricePath(("BTC", "ETH"), time_ns, price, np.ones(price.shape, np.bool_), ())


def plan(**changes: object) -> Plan:
    base = Plan(
        rulebook=load_rulebook("harbor"),
        path=falling_path(),
        accounts=150,
        open_interest_usd=3e8,
        depth_share=0.03,
    )
    return msgspec.structs.replace(base, **changes)


@pytest.fixture(scope="module")
def crash():  # type: ignore[no-untyped-def]
    return run_experiment(plan())


def test_a_crash_calls_liquidates_and_leaves_nobody_unknown(crash) -> None:  # type: ignore[no-untyped-def]
    figures = crash.summary["runs"]["with"]
    assert figures["margin_calls"] > 0 and figures["liquidations"] > 0
    assert figures["unknown_accounts"] == 0 and figures["halted"] == 0


def test_forced_selling_lowers_the_price_and_liquidates_more(crash) -> None:  # type: ignore[no-untyped-def]
    btc = crash.summary["instruments"]["BTC-PERP"]
    assert btc["low_with"] < btc["low_without"]
    assert btc["low_without"] == pytest.approx(btc["low_exogenous"], rel=1e-4)
    assert crash.summary["runs"]["with"]["amplification"] > 1.0


def test_who_paid_adds_up_to_the_bad_debt(crash) -> None:  # type: ignore[no-untyped-def]
    for run, figures in crash.summary["runs"].items():
        paid = crash.frames["payers"].filter(crash.frames["payers"]["run"] == run)["amount"].sum()
        assert paid == pytest.approx(figures["bad_debt"], rel=1e-6, abs=0.01)


def test_the_same_plan_gives_the_same_state_another_seed_not(crash) -> None:  # type: ignore[no-untyped-def]
    again, other = run_experiment(plan()), run_experiment(plan(seed=1))
    digests = [e.summary["runs"]["with"]["digest"] for e in (crash, again, other)]
    assert digests[0] == digests[1] != digests[2]
    assert all(crash.frames[name].equals(again.frames[name]) for name in crash.frames)


def test_feedback_of_zero_is_the_run_without(crash) -> None:  # type: ignore[no-untyped-def]
    silent = run_experiment(plan(feedback=0.0)).summary["runs"]
    assert (
        silent["with"]["digest"] == silent["without"]["digest"] == crash.summary["runs"]["without"]["digest"]
    )


def test_nobody_ends_below_zero_and_nobody_starts_there(crash) -> None:  # type: ignore[no-untyped-def]
    accounts = crash.frames["accounts"].filter(crash.frames["accounts"]["run"] == "with")
    assert accounts["equity_after"].min() >= -1e-6
    assert accounts["equity_before"].min() > 0


def test_while_the_liquidator_is_stalled_nothing_reaches_the_book() -> None:
    stall = Faults((LabFault(kind="liquidator_stalled", start_ns=0, end_ns=25 * MINUTE),))
    reduced = []
    for faults in (Faults(), stall):
        flow = run_experiment(plan(faults=faults)).frames["flow"]
        early = (flow["run"] == "with") & (flow["step"] == "reduce") & (flow["time_ns"] < START + 25 * MINUTE)
        reduced.append(flow.filter(early)["notional"].sum())
    assert reduced[0] > 0 and reduced[1] == 0


def test_with_two_of_three_sources_out_accounts_are_unknown_and_nobody_is_liquidated() -> None:
    out = tuple(
        LabFault(kind="source_out", start_ns=MINUTE, end_ns=10**18, target=s) for s in ("beta", "gamma")
    )
    figures = run_experiment(plan(faults=Faults(out))).summary["runs"]["with"]
    assert figures["unknown_accounts"] > 0
    assert figures["liquidations"] == 0


def test_a_late_oracle_liquidates_later_but_on_the_same_fall() -> None:
    late = Faults((LabFault(kind="oracle_delayed", start_ns=0, end_ns=10**18, delay_ns=45 * SECOND_NS),))
    frames = [run_experiment(plan(faults=f)).frames["flow"] for f in (Faults(), late)]
    first = [f.filter(f["run"] == "without")["time_ns"].min() for f in frames]
    assert first[1] > first[0]


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("meteor,from=1 h", "meteor"),
        ("source_late:alpha,from=1 h", "delay"),
        ("latency,when=3", "when"),
        ("source_out,from=3", "no unit"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused_by_name(text: str, part: str) -> None:
    with pytest.raises(SeawallError, match=part):
        parse_fault(text)


def test_a_described_fault_is_read() -> None:
    fault = parse_fault("source_late:alpha, from=21 h, for=10 min, delay=90 s")
    assert (fault.kind, fault.target, fault.delay_ns) == ("source_late", "alpha", 90 * SECOND_NS)
    assert fault.active(21 * 60 * MINUTE) and not fault.active(22 * 60 * MINUTE)


def venue(feedback: float = 1.0) -> SimulatedVenue:
    book = load_rulebook("harbor")
    made = SimulatedVenue(
        book,
        {"BTC": DepthCurve(1e7)},
        DepthRules(),
        Faults(),
        feedback=feedback,
        start_ns=START,
        latency_ns=0,
    )
    made.move_to(START, {"BTC": 100_000.0})
    return made


def order(lots: int, limit: int = 0) -> LiquidationOrderSent:
    row = [i.name for i in load_rulebook("harbor").instruments].index("BTC-PERP")
    return LiquidationOrderSent(
        seq=1,
        cause_seq=0,
        time_ns=START,
        order=7,
        pot=9,
        instrument=row,
        size_lots=lots,
        limit_ticks=limit,
        cooldown_until_ns=0,
        rule="",
    )


def test_a_sell_fills_below_the_outside_price_and_moves_it() -> None:
    made = venue()
    made.accept([(order(-10_000), 9)])
    fill = made.execute(made.due()[0])[0]
    assert isinstance(fill, ReportFill) and (fill.seller, fill.buyer) == (9, MARKET)
    assert fill.size_lots == 10_000 and fill.price_ticks < 1_000_000
    assert made.price("BTC") < 100_000.0


def test_without_feedback_the_fill_is_the_same_and_the_price_stays() -> None:
    first, second = venue(1.0), venue(0.0)
    fills = []
    for made in (first, second):
        made.accept([(order(-10_000), 9)])
        fills.append(made.execute(made.due()[0])[0])
    assert fills[0] == fills[1]
    assert second.price("BTC") == pytest.approx(100_000.0)


def test_a_limit_is_never_passed_and_the_rest_is_reported_done() -> None:
    made = venue()
    made.accept([(order(-500_000, limit=995_000), 9)])
    commands = made.execute(made.due()[0])
    assert [type(c).__name__ for c in commands] == ["ReportFill", "ReportOrderDone"]
    assert commands[0].price_ticks >= 995_000 and commands[0].size_lots < 500_000


def test_a_hole_in_the_book_heals() -> None:
    made = venue()
    made.accept([(order(-10_000), 9)])
    made.execute(made.due()[0])
    pressed = made.price("BTC")
    made.move_to(START + 10 * MINUTE, {"BTC": 100_000.0})
    assert pressed < made.price("BTC") <= 100_000.0


def row(**changes: str | None) -> BookRow:
    base = {
        "where": "book.csv, line 2",
        "account": "ann",
        "instrument": "BTC-PERP",
        "size": "0.5",
        "entry_price": "100000",
        "collateral_asset": "USDC",
        "collateral_amount": "9000",
        "margin_mode": "cross",
        "leverage": None,
    }
    return BookRow(**{**base, **changes})  # type: ignore[arg-type]


def test_a_book_file_becomes_accounts_deposits_and_fills() -> None:
    loaded = commands_for_rows(
        load_rulebook("harbor"),
        [row(), row(account="bob", size="-0.5", margin_mode="isolated")],
        time_ns=START,
    )
    kinds = [type(c).__name__ for c in loaded.commands]
    assert kinds[:2] == ["OpenAccount"] * 2 and kinds.count("ReportFill") == 2 and "Transfer" in kinds
    engine = Engine(load_rulebook("harbor"))
    assert not [
        e for events in engine.step_many(loaded.commands) for e in events if type(e).__name__ == "Refused"
    ]
    book, row_ = engine.state.book, engine.state.instrument_row["BTC-PERP"]
    isolated = engine.state.isolated_pot(HOUSE_ACCOUNTS + 1, row_)
    assert [int(book.pos_lots[book.position(pot, row_)]) for pot in (HOUSE_ACCOUNTS, isolated)] == [500, -500]
    usdc = engine.state.asset_row["USDC"]
    assert [int(book.balances[pot, usdc]) for pot in (HOUSE_ACCOUNTS, isolated)] == [9_000_000_000] * 2


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"instrument": "DOGE-PERP"}, "DOGE-PERP"),
        ({"collateral_asset": "XRP"}, "XRP"),
        ({"size": "0.00001"}, "finer"),
        ({"size": "99999999999999999"}, "64-bit"),
    ],
)
def test_a_row_that_does_not_fit_the_rulebook_is_refused_with_its_place(
    changes: dict[str, str], text: str
) -> None:
    with pytest.raises(BookError, match=text) as refused:
        commands_for_rows(load_rulebook("harbor"), [row(**changes)], time_ns=START)
    assert "book.csv, line 2" in str(refused.value)


def test_a_rulebook_without_a_priced_perpetual_is_refused() -> None:
    with pytest.raises(BookError, match="DOGE"):
        tradable(load_rulebook("harbor"), ("DOGE",))


@pytest.mark.parametrize("name", ["binance-usdm", "bitmex", "bybit-linear", "hyperliquid", "kraken-inverse"])
def test_every_venue_takes_a_book_through_a_crash(name: str) -> None:
    figures = run_experiment(plan(rulebook=load_rulebook(name), accounts=60)).summary["runs"]["with"]
    assert figures["liquidations"] > 0 and figures["events"] > 1_000


def test_the_embedded_day_is_complete_and_starts_where_published() -> None:
    path = october_path(assets=("BTC",))
    assert len(path.time_ns) == 1441 and path.of("BTC")[0] == pytest.approx(121_580.0)


def test_prices_are_reported_by_every_source_of_every_instrument_that_has_one() -> None:
    made = venue()
    engine = Engine(load_rulebook("harbor"))
    events = engine.step(ReportPrices(time_ns=START, prices=made.quotes()))
    priced = {engine.state.instruments[e.instrument].name for e in events if type(e).__name__ == "MarkSet"}
    assert {"BTC-PERP", "BTC-SPOT", "BTCUSD-PERP"} <= priced
    engine.step(OpenAccount(time_ns=START, account=HOUSE_ACCOUNTS))
    assert (
        type(
            engine.step(Deposit(time_ns=START, account=HOUSE_ACCOUNTS, asset="USDC", amount_atoms=1))[0]
        ).__name__
        == "Transferred"
    )
