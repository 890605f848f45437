"""`loans` as a person runs it: the table, the journals, and what it says to input that cannot be used."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from seawall.api.loan_books import read_liquidator
from seawall.errors import SeawallError

BOOK = Path(__file__).parent.parent.parent / "examples" / "loans.csv"
FALL = ["--mark", "ETH=4000", "BTC=100000", "--fixed", "USDC=1", "--pool", "ETH=600", "BTC=60"]
FALL += ["--shock", "ETH:-35%:40m:5m:20%"]
THREE = ["--rulebooks", "aave-v3.3,compound-v3,morpho-blue:WETH-USDC"]


def test_a_column_per_rulebook_and_the_accounts_it_cannot_hold(call):
    said = call("loans", BOOK, *THREE, *FALL)
    assert said.code == 0, said.err
    head, *rows = said.out.splitlines()
    assert head.split() == ["aave-v3.3", "compound-v3", "morpho-blue:WETH-USDC"]
    figures = {row[:32].strip(): row.split()[-3:] for row in rows if row.strip()}
    assert figures["loans"] == ["76", "72", "60"]
    assert figures["bad debt $"][0] != "0" == figures["bad debt $"][1]
    assert "4 accounts left out: lends no ETH" in said.err
    assert "12 accounts left out: takes no BTC as collateral" in said.err


def test_json_has_every_step_and_the_same_run_gives_the_same_bytes(call):
    first, second = (call("loans", BOOK, *THREE, *FALL, "--json") for _ in range(2))
    assert first == second and first.code == 0
    for one in json.loads(first.out):
        fed, apart = one["with_feedback"], one["apart"]
        assert len(fed["steps"]) == len(apart["steps"]) > 60
        assert fed["deficit_atoms"] >= apart["deficit_atoms"] and fed["halted"] == ""


def test_absent_liquidators_leave_more_bad_debt_than_those_who_work(call):
    words = ["--rulebooks", "aave-v3.3", *FALL, "--json"]
    (there,) = json.loads(call("loans", BOOK, *words).out)
    late = ["--liquidator", "desk,capital=3000000,latency=2 min,profit=1 %,away=5 min..50 min"]
    (away,) = json.loads(call("loans", BOOK, *words, *late).out)
    assert away["with_feedback"]["deficit_atoms"] > there["with_feedback"]["deficit_atoms"]
    assert list(away["with_feedback"]["profit_atoms"]) == ["desk"]


def test_journals_are_kept_replay_equal_and_explain_a_seizure_in_its_own_units(call, tmp_path):
    out = tmp_path / "kept"
    assert call("loans", BOOK, *THREE, *FALL, "--out", out).code == 0
    assert sorted(path.name for path in out.glob("*.db")) == [
        "aave-v3.3.db", "compound-v3.db", "morpho-blue-WETH-USDC.db",
    ]  # fmt: skip
    for path in out.glob("*.db"):
        assert "equal" in call("replay", path).out
        assert call("check", path).code == 0
    said = call("explain", out / "aave-v3.3.db", "--worst").out
    seized = next(line for line in said.splitlines() if " Seized " in line)
    assert "debt USDC  collateral WETH" in seized or "debt USDC  collateral WBTC" in seized
    assert " USDC  seized " in seized and "health 0." in seized
    call("loans", BOOK, *THREE, *FALL, "--out", out).refuses("aave-v3.3.db", "is there already")


def test_prices_may_come_from_a_file(call, tmp_path):
    bars = ["ts,open,high,low,close"]
    for minute in range(30):
        start = 4_000 - 40 * minute
        bars.append(f"{1_760_000_000 + 60 * minute},{start},{start + 1},{start - 40},{start - 39}")
    path = tmp_path / "eth.csv"
    path.write_text("\n".join(bars) + "\n")
    words = ["--rulebooks", "morpho-blue:WETH-USDC", "--fixed", "USDC=1", "--pool", "ETH=900", "--json"]
    said = call("loans", BOOK, *words, "--prices", f"ETH={path}")
    assert said.code == 0, said.err
    assert json.loads(said.out)[0]["with_feedback"]["started"] > 10


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--pool", "ETH=600"], "BTC: has prices, and no pool"),
        (["--pool", "SOL=5"], "there are no prices of it"),
        (["--pool", "ETH=0"], "positive number"),
        (["--pool", "ETH"], "is no NAME=VALUE"),
        (["--fixed", "ETH=1"], "it has a price path too"),
        (["--fixed", "USDC=0"], "Give a positive price"),
        (["--prices", "eth.csv"], "they come from files, or from first prices and a shock"),
        (["--shock", "SOL:-5%:1m"], "there is no such asset"),
        (["--rulebooks", "harbor"], "makes no loans"),
        (["--rulebooks", ""], "none is given"),
        (["--rulebooks", "morpho-blue"], "several of which one market is meant"),
        (["--recovery", "2"], "Give a share from 0 to 1"),
        (["--liquidator", "a", "--liquidator", "a"], "two have one name"),
        (["--liquidator", "a,speed=3"], "speed is not known"),
        (["--liquidator", "a,capital=-3"], "zero or more"),
        (["--liquidator", "a,away=3 min"], "is no span"),
    ],
)
def test_what_cannot_be_run_is_refused(call, words, told):
    given = {"--rulebooks": ["aave-v3.3"], "--pool": ["ETH=600", "BTC=60"], "--fixed": ["USDC=1"]}
    given |= {"--mark": ["ETH=4000", "BTC=100000"], "--shock": ["ETH:-35%:40m"]}
    rest = [part for flag, values in given.items() if flag not in words for part in (flag, *values)]
    call("loans", BOOK, *rest, *words).refuses(told)


def test_a_coin_of_the_book_without_a_price_is_refused(call):
    words = ["--rulebooks", "aave-v3.3", "--mark", "ETH=4000", "--shock", "ETH:-35%:40m", "--pool", "ETH=600"]
    call("loans", BOOK, *words, "--fixed", "USDC=1").refuses("WBTC", "no price")


def test_a_perpetuals_venue_is_simulated_and_a_loan_market_is_not(call):
    call("simulate", "aave-v3.3").refuses("it makes loans", "seawall loans")


def test_a_liquidator_is_read_from_words():
    text = "desk, capital=2_000_000, latency=1 min, profit=0.5 %, away=0 s..1 h, away=2 h..3 h"
    one, hour = read_liquidator(text), 3_600 * 10**9
    assert one.name == "desk" and one.capital_usd == 2e6 and one.least_profit_ppb == 5_000_000
    assert one.latency_ns == hour // 60 and one.away_ns == ((0, hour), (2 * hour, 3 * hour))
    with pytest.raises(SeawallError, match="'soon' has no unit"):
        read_liquidator("desk,latency=soon")


def test_loans_are_shown_with_their_health_and_the_prices_that_end_them(call, tmp_path):
    book = tmp_path / "one.csv"
    book.write_text("account,collateral_asset,collateral_amount\nann,WETH,10\nann,USDC,-31000\n")
    said = call("margin", "aave-v3.3", book, "--mark", "ETH=4000", "USDC=1")
    assert "health 1.0645" in said.out and "owes" in said.out  # 10 x 4,000 x 82.5 % over 31,000
    line = next(line for line in said.out.splitlines() if "WETH-SPOT" in line)
    assert "3,757.57575757" in line  # 31,000 / 8.25, and the tick below
    assert call("check", "euler-v2").out.count("warning") == 3
    assert "step 1.seize.close.of" in call("diff", "aave-v3.0", "aave-v3.3").out


def test_a_loan_book_stands_side_by_side_under_several_protocols(call):
    marks = ["--mark", "ETH=3700", "BTC=100000", "USDC=1"]
    said = call("compare", BOOK, "--rulebooks", "aave-v3.3,compound-v3,hyperliquid", *marks, "--json")
    assert said.code == 0, said.err
    standings = json.loads(said.out)["standings"]
    found = {(one["account"], one["rulebook"].split("@")[0]): one for one in standings}
    mine = found["eth-01", "aave-v3.3"], found["eth-01", "compound-v3"]
    ratios = [one["equity_usd"] / one["requirement_usd"] for one in mine]
    rows = [line.split(",") for line in BOOK.read_text().splitlines()]
    held = {asset: float(amount) for account, asset, amount in rows[1:] if account == "eth-01"}
    assert ratios == pytest.approx([held["ETH"] * 3_700 * share / -held["USDC"] for share in (0.825, 0.895)])
    assert found["eth-01", "hyperliquid"]["why"].startswith("left out: ")


def test_what_is_lost_from_the_start_is_counted_and_rows_have_no_order(call, tmp_path):
    """An account that owes 31,000 and has nothing: lenders, deficit or fund bear it before the first step."""
    book, names = tmp_path / "b.csv", "aave-v3.3,euler-v2,harbor-lending"
    rows = ["none,USDC,-31000", "lender,USDC,100000"]
    words = [
        "--mark",
        "ETH=4000",
        "--fixed",
        "USDC=1",
        "--pool",
        "ETH=600",
        "--shock",
        "ETH:-1%:10m",
        "--json",
    ]
    answers = []
    for order in (rows, rows[::-1]):
        book.write_text("\n".join(["account,collateral_asset,collateral_amount", *order]) + "\n")
        found = json.loads(call("loans", book, "--rulebooks", names, *words).out)
        told = [(one["with_feedback"], one["atoms_per_usd"]) for one in found]
        answers.append([
            tuple(fed[name] / unit for name in ("deficit_atoms", "suppliers_atoms", "protocol_atoms"))
            for fed, unit in told
        ])  # fmt: skip
    assert answers[0] == answers[1]
    assert answers[0] == [(31_000, 0, -31_000), (31_000, 31_000, 0), (31_000, 0, -31_000)]


def test_a_coin_goes_by_any_of_its_names(call, tmp_path):
    book = tmp_path / "b.csv"
    book.write_text("account,collateral_asset,collateral_amount\na,WETH,10\na,USDC,-31000\n")
    words = ["--mark", "WETH=4000", "--fixed", "USDC=1", "--pool", "WETH=600", "--shock", "WETH:-30%:40m"]
    said = call("loans", book, "--rulebooks", "aave-v3.3,harbor-lending", *words)
    assert said.code == 0, said.err
    twice = call("loans", book, "--rulebooks", "aave-v3.3,aave-v3.3", *words)
    twice.refuses("one is given twice")


def test_markets_and_modes_are_listed_with_how_they_are_named(call):
    assert "morpho-blue:WBTC-USDC" in call("rulebooks", "morpho-blue").out
    assert (
        "modes        eth-correlated (after the name: aave-v3.3:eth-correlated)"
        in call("rulebooks", "aave-v3.3").out
    )


def test_a_dollar_that_a_loan_market_does_not_list_is_no_collateral_there(call, tmp_path):
    """It would count in full, could not be seized, and would hold a loan up that lenders then pay for."""
    book = tmp_path / "b.csv"
    book.write_text("account,collateral_asset,collateral_amount\na,ETH,10\na,DAI,20000\na,USDC,-31000\n")
    said = call(
        "compare", book, "--rulebooks", "aave-v3.3,morpho-blue:WETH-USDC", "--mark", "ETH=4000", "USDC=1"
    )
    assert said.code == 0 and said.err.count("takes no DAI as collateral") == 2
