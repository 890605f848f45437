"""The driver, the simulated venue, the faults and the loading of a book, on small worlds."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from seawall.engine.commands import (
    ApplyFunding,
    Deposit,
    OpenAccount,
    ReportFill,
    ReportOrderDone,
    ReportPrices,
)
from seawall.engine.engine import Engine
from seawall.engine.events import LiquidationOrderSent
from seawall.engine.state import HOUSE_ACCOUNTS, MARKET
from seawall.errors import BookError, SeawallError
from seawall.lab.bookfile import BookRow
from seawall.lab.depth import DepthCurve, DepthRules
from seawall.lab.experiment import Plan, open_book, run_experiment, run_figures
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


def venue(feedback: float = 1.0, faults: Faults | None = None) -> SimulatedVenue:
    book = load_rulebook("harbor")
    made = SimulatedVenue(
        book,
        {"BTC": DepthCurve(1e7)},
        DepthRules(),
        faults or Faults(),
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


class Seen:
    """A recorder that keeps commands and counts events."""

    def __init__(self) -> None:
        self.commands: list[object] = []
        self.events = 0

    def record(self, command: object, events: tuple[object, ...]) -> None:
        self.commands.append(command)
        self.events += len(events)

    def step_done(self, engine: object, venue: object, time_ns: int) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def watched():  # type: ignore[no-untyped-def]
    seen = {run: Seen() for run in ("with", "without")}
    return run_experiment(plan(), lambda run: (seen[run],)), seen


def test_the_summary_counts_all_from_the_start(watched) -> None:  # type: ignore[no-untyped-def]
    experiment, seen = watched
    for run, figures in experiment.summary["runs"].items():
        assert (figures["commands"], figures["events"]) == (len(seen[run].commands), seen[run].events)
        assert type(seen[run].commands[0]) is OpenAccount


def test_funding_is_paid_once_at_the_step_that_passes_a_payment() -> None:
    rulebook, seen = load_rulebook("harbor"), Seen()
    payment_ns = rulebook.funding["BTC-PERP"].payment_ns
    path = falling_path(minutes=6, fall=0.001)
    begin = START // payment_ns * payment_ns + payment_ns - int(2.5 * MINUTE)
    path = msgspec.structs.replace(path, time_ns=path.time_ns - START + begin)
    run_experiment(plan(path=path, accounts=20), lambda run: (seen,) if run == "with" else ())
    paid = [(c.instrument, c.time_ns) for c in seen.commands if type(c) is ApplyFunding]
    held = {c.instrument for c in seen.commands if type(c) is ReportFill}
    assert {name for name, _ in paid} == held & set(rulebook.funding) and len(paid) == len(held)
    assert {time_ns for _, time_ns in paid} == {begin + 3 * MINUTE}


def test_between_two_points_the_price_goes_straight(watched) -> None:  # type: ignore[no-untyped-def]
    path, reports = falling_path(), 0
    for command in watched[1]["without"].commands:
        if type(command) is ReportPrices:
            ticks = next(row.price_ticks for row in command.prices if row.instrument == "BTC-PERP")
            expected = np.interp(command.time_ns - START, path.time_ns - START, path.of("BTC"))
            assert ticks == pytest.approx(expected * 10.0, abs=0.51)
            reports += 1
    assert reports > 2 * len(path.time_ns), "no round between the points was needed: nothing was shown"


def test_a_book_opened_before_gives_the_same_figures(watched) -> None:  # type: ignore[no-untyped-def]
    book = open_book(plan())
    assert run_experiment(plan(), book=book).summary == watched[0].summary
    assert run_figures(plan(), book) == watched[0].summary


def test_an_order_for_what_nobody_quotes_comes_back_unfilled() -> None:
    made = venue()
    row = [i.name for i in load_rulebook("harbor").instruments].index("ETH-PERP")
    made.accept([(msgspec.structs.replace(order(-10), instrument=row), 9)])
    assert made.execute(made.due()[0]) == [ReportOrderDone(time_ns=START, order=7)]


def test_while_the_feed_has_a_gap_the_book_stands_still() -> None:
    made = venue()
    made.accept([(order(-10_000), 9)])
    made.execute(made.due()[0])
    pressed = made.price("BTC")
    made.move_to(START + MINUTE, {})
    assert made.price("BTC") == pressed and made.outside_usd() == [100_000.0]
    made.move_to(START + 2 * MINUTE, {"BTC": 100_000.0})
    assert made.price("BTC") > pressed


def test_an_order_is_recalled_once_and_only_before_it_is_due() -> None:
    made = venue()
    made.accept([(order(-10), 9)])
    assert made.busy and made.recall(7) and not made.recall(7) and not made.busy
    made.accept([(order(-10), 9)])
    assert len(made.due()) == 1 and not made.recall(7)


def test_a_source_that_is_hours_late_still_says_what_it_saw_then() -> None:
    late = LabFault(kind="source_late", start_ns=0, end_ns=10**18, target="alpha", delay_ns=6_000 * SECOND_NS)
    made = venue(faults=Faults((late,)))
    for second in range(1, 21_000):
        made.move_to(START + second * SECOND_NS, {"BTC": 100_000.0 + second})
        said = made.quotes()
    then = next(row for row in said if (row.instrument, row.source) == ("BTC-PERP", "alpha"))
    assert then.observed_ns == made.now_ns - 6_000 * SECOND_NS
    assert then.price_ticks == pytest.approx((100_000.0 + 20_999 - 6_000) * 10, abs=1)
    assert len(made._when) == len(made._seen) < 20_000, "what nobody can ask for any more is dropped"


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
    figures = run_experiment(plan(rulebook=load_rulebook(name), accounts=100)).summary["runs"]["with"]
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
