"""More than the machine holds, and sizes nobody trades: refused with the limit named, or correct."""

from __future__ import annotations

import gzip
import io
import resource
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import msgspec
import polars as pl
import pytest

from seawall.api.desk import load_book
from seawall.api.setup import CrashSetup
from seawall.cli.main import main
from seawall.engine import commands as cmd
from seawall.engine import events as ev
from seawall.engine.engine import Engine
from seawall.engine.state import HOUSE_ACCOUNTS, MARKET
from seawall.errors import BookError, InputError, NumberError, RulebookError, SeawallError
from seawall.lab import memory
from seawall.lab.bookfile import read_book
from seawall.lab.readers import read_series
from seawall.ledger.columns import Book
from seawall.margin.statement import health, statement
from seawall.rulebooks.find import MAX_BYTES
from seawall.rulebooks.load import load_rulebook
from seawall.rulebooks.model import Rulebook
from seawall.rulebooks.parse import MAX_INSTRUMENTS, parse_rulebook
from seawall.units import INT64_MAX
from tests.fuzz.corpora import bars_csv, book_csv
from tests.rulebooks.mini import MINI, read

HEAD = "account,instrument,size,entry_price,collateral_asset,collateral_amount\n"


@pytest.fixture
def little_memory(monkeypatch: pytest.MonkeyPatch) -> int:
    """A machine with 16 MiB left."""
    monkeypatch.setattr(memory, "room_bytes", lambda: 16 << 20)
    return 16 << 20


# -- accounts ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accounts", "named"), [("10000000000", "2,147,482,648"), ("2000000000", "GiB are free")]
)
def test_more_accounts_than_there_can_be_are_refused_at_once(
    accounts: str, named: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    code = main(["simulate", "harbor", "--accounts", accounts, "--out", str(tmp_path / "out")])
    said = capsys.readouterr().err
    assert code == 2 and "--accounts" in said and named in said and "\n  " in said
    assert time.monotonic() - started < 30 and not (tmp_path / "out").exists()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # KiB: nothing was laid out


def test_accounts_that_do_not_fit_are_refused_in_the_library_too(little_memory: int) -> None:
    with pytest.raises(InputError, match=r"20,000 accounts need about .* and 16 MiB are free"):
        CrashSetup(rulebook=load_rulebook("harbor"), accounts=20_000)
    CrashSetup(rulebook=load_rulebook("harbor"), accounts=1_000)


def test_a_book_that_does_not_fit_is_refused_before_a_row_is_read(little_memory: int, tmp_path: Path) -> None:
    path = tmp_path / "b.parquet"
    frame = pl.DataFrame({"account": ["a"], "collateral_asset": ["USDC"], "collateral_amount": ["1"]})
    pl.concat([frame] * 20_000).write_parquet(path)
    with pytest.raises(BookError, match="20,000 rows need about"):
        read_book(path)
    path = tmp_path / "b.csv"
    path.write_text(HEAD + "a,,,,USDC,1\n" * 400_000)
    with pytest.raises(BookError, match="MiB of text need about"):
        read_book(path)


def test_columns_that_do_not_fit_are_refused_under_a_cap_of_the_process() -> None:
    """In a process of its own: the cap cannot be taken back."""
    code = (
        "import resource\nfrom seawall.ledger.columns import Book\nfrom seawall.errors import NumberError\n"
        "from seawall.lab import memory\n"
        "resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))\n"
        "assert memory.room_bytes() < 3 << 30\n"
        "try:\n    Book(3, 10).reserve(pots=2_000_000_000, positions=1_000_000_000)\n"
        "except NumberError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "more memory than there is" in done.stdout, done.stderr


def test_a_refused_reservation_leaves_the_book_as_it_was() -> None:
    book = Book(2, 2)
    book.add_pot(account=0, unit=0)
    with pytest.raises(NumberError):
        book.reserve(pots=10**15, positions=10**15)
    assert book.n_pots == 1 and book.add_pot(account=1, unit=0) == 1


# -- files ------------------------------------------------------------------------------------------------


def test_a_packed_file_that_unpacks_to_more_than_there_is_room_for_is_refused(
    little_memory: int, tmp_path: Path
) -> None:
    bomb = bars_csv().encode() + b"\n" * (100 << 20)
    path = tmp_path / "BTCUSDT.csv.gz"
    path.write_bytes(gzip.compress(bomb))
    assert path.stat().st_size < 200_000
    with pytest.raises(InputError, match="16 MiB are free"):
        read_series(path)
    held, path = io.BytesIO(), tmp_path / "BTCUSDT.zip"
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", bomb)
    path.write_bytes(held.getvalue())
    with pytest.raises(InputError, match="100 MiB of text need about 600"):
        read_series(path)


def test_a_small_parquet_file_of_many_rows_is_refused_by_what_it_says_of_itself(
    little_memory: int, tmp_path: Path
) -> None:
    path = tmp_path / "BTCUSDT.parquet"
    pl.DataFrame({"ts": [1_760_054_400] * 1_000_000, "price": [1.0] * 1_000_000}).write_parquet(path)
    assert path.stat().st_size < 100_000
    with pytest.raises(InputError, match="1,000,000 rows of 2 columns need about"):
        read_series(path)


def test_a_bar_beyond_the_year_2262_is_refused_and_not_wrapped(tmp_path: Path) -> None:
    path = tmp_path / "BTCUSDT.csv"
    for when in ("9223372037", "9999999999", "2262-04-12T00:00:00Z", "0001-01-01T00:00:00Z"):
        path.write_text(f"ts,price\n1760054400,1.0\n{when},1.0\n")
        with pytest.raises(InputError, match="is not a time"):
            read_series(path)


def test_a_calendar_column_that_reaches_beyond_the_calendar_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "BTCUSDT.parquet"
    for unit in ("ms", "us"):
        far = pl.Series([2**62]).cast(pl.Datetime(unit))
        pl.DataFrame({"ts": far, "price": [1.0]}).write_parquet(path)
        with pytest.raises(InputError, match=f"4611686018427387904 {unit} since 1970 is not a time"):
            read_series(path)


@pytest.mark.parametrize("column", ["ts", "price"])
@pytest.mark.parametrize("cell", [[1], {"a": 1}, b"\xff", True])
def test_a_parquet_column_of_an_odd_type_is_refused_by_name(
    column: str, cell: object, tmp_path: Path
) -> None:
    path = tmp_path / "BTCUSDT.parquet"
    cells = {"ts": [1_760_054_400], "price": [1.0]} | {column: [cell]}
    pl.DataFrame(cells, strict=False).write_parquet(path)
    with pytest.raises(InputError, match=column):
        read_series(path)


# -- rulebooks --------------------------------------------------------------------------------------------


def test_a_rulebook_of_a_million_instruments_is_refused_with_the_limit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, started = tmp_path / "big.toml", time.monotonic()
    with path.open("w") as file:
        file.write(MINI)
        file.writelines(f'[instruments.X{n}]\nsource = "doc"\n' for n in range(1_000_000))
    assert main(["simulate", str(path)]) == 2
    assert f"{MAX_BYTES:,}" in capsys.readouterr().err and time.monotonic() - started < 30
    with pytest.raises(RulebookError, match=f"10,002 instruments, more than the {MAX_INSTRUMENTS:,}"):
        parse_rulebook(MINI + "".join(f"[instruments.X{n}]\n" for n in range(10_000)), file="big.toml")


@pytest.mark.parametrize("value", ["[" * 100_000, "{a=" * 900 + "1" + "}" * 900, "9" * 5_000])
def test_a_rulebook_nested_too_deep_or_with_endless_digits_is_refused(value: str) -> None:
    with pytest.raises(RulebookError, match="not valid TOML"):
        parse_rulebook(f"a = {value}", file="deep.toml")


def test_a_refusal_stays_readable_whatever_the_file_holds() -> None:
    with pytest.raises(RulebookError) as caught:
        parse_rulebook(MINI.replace("quorum = 2", f"{'q' * 500_000} = 2"), file="long.toml")
    assert len(str(caught.value)) < 5_000


@pytest.mark.parametrize("number", [2**63, 10**30])
@pytest.mark.parametrize("key", ["approvals = 2", "max_attempts = 3", "quorum = 2"])
def test_a_count_beyond_64_bits_is_refused(key: str, number: int) -> None:
    with pytest.raises(RulebookError, match="beyond 64 bits"):
        read(MINI.replace(key, f"{key.split()[0]} = {number}"))


# -- sizes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("a,BTC-PERP,1e30,62000,,", "beyond the 64-bit limit"),
        ("a,BTC-PERP,0.00001,62000,,", "finer than the smallest unit"),
        ("a,BTC-PERP,1,1e-9,,", "finer than the smallest unit"),
        ("a,BTC-PERP,1000000,62000,,", "larger than the venue allows"),
        ("a,,,,USDC,9223372036854.775", "would pass 2**62 atoms"),
        ("a,,,,USDC,1e14", "beyond the 64-bit limit"),
        ("a,,,,USDC,0.0000001", "finer than the smallest unit"),
        ("a,BTC-PERP,1," + "9" * 61 + ",,", "at most 60 digits"),
    ],
)
def test_an_extreme_size_or_dust_below_a_unit_is_refused(row: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "b.csv"
    path.write_text(HEAD + row + "\n")
    with pytest.raises(SeawallError) as caught:
        load_book(path, read(MINI), {"BTC": "60000"})
    assert said in str(caught.value), str(caught.value)


def test_the_largest_and_the_smallest_that_fit_are_exact(tmp_path: Path) -> None:
    path = tmp_path / "b.csv"
    path.write_text(HEAD + "big,,,,USDC,4611686000000\ndust,BTC-PERP,0.001,0.1,USDC,0.000001\n")
    desk = load_book(path, read(MINI), {"BTC": "60000"})
    big, dust = desk.statement("big")[0], desk.statement("dust")[0]
    assert big.equity_atoms == 4_611_686 * 10**12 <= INT64_MAX // 2
    # One lot bought at 0.1 and worth 60 USDC; one atom paid in; the fee of recording was given back.
    assert (dust.equity_atoms, dust.requirement_atoms) == (60 * 10**6 - 100 + 1, 600_000)


def many_markets(count: int) -> tuple[Rulebook, list[str]]:
    """The small rulebook with `count` more perpetuals, all alike."""
    rules, replace = read(MINI), msgspec.structs.replace
    like, names = rules.instrument("BTC-PERP"), [f"X{n:05}-PERP" for n in range(count)]
    listed = sorted([*rules.instruments, *(replace(like, name=n) for n in names)], key=lambda i: i.name)
    held = rules.margin.instruments
    margin = replace(rules.margin, instruments={**held, **dict.fromkeys(names, held["BTC-PERP"])})
    oracles = {**rules.oracles, **dict.fromkeys(names, rules.oracles["BTC-PERP"])}
    return replace(rules, instruments=tuple(listed), oracles=oracles, margin=margin), names


@pytest.mark.slow
def test_an_account_with_ten_thousand_positions_is_margined_exactly() -> None:
    """The positions are laid into the columns; the engine's own way is the next test, with fewer."""
    rules, names = many_markets(10_000)
    engine = Engine(rules)
    account = len(engine.state.account_pot)
    engine.step(cmd.OpenAccount(time_ns=1, account=account))
    engine.step(cmd.Deposit(time_ns=1, account=account, asset="USDC", amount_atoms=10**15))
    state, book = engine.state, engine.state.book
    pot, last = state.account_pot[account], -1
    book.reserve(positions=len(names))
    for number, name in enumerate(names):
        book.n_positions += 1
        slot, row = book.n_positions - 1, state.instrument_row[name]
        book.pos_pot[slot], book.pos_instrument[slot], book.pos_lots[slot] = pot, row, 1 + number % 7
        book.pos_cost[slot], book.pos_next[slot], last = 599_999 * 100 * (1 + number % 7), last, slot
    book.pot_head[pot] = last
    mark = state.market.replaced(
        **{  # every price is 60,000
            column: getattr(state.market, column) * 0 + 600_000 for column in ("mark", "index_price")
        },
        usable=state.market.usable | True,
    )
    found = health(book, state.margin, mark, pot, "maintenance")
    lots = [1 + number % 7 for number in range(len(names))]
    assert found.requirement_atoms == sum(-(-n * 600_000 * 100 * 10_000_000 // 10**9) for n in lots)
    assert found.equity_atoms == 10**15 + sum(n * 100 for n in lots)
    assert len(statement(book, state.margin, mark, pot, "maintenance").parts) == 10_001


@pytest.mark.slow
def test_an_account_with_five_hundred_positions_lives_in_the_engine() -> None:
    rules, names = many_markets(500)
    engine = Engine(rules)
    account = len(engine.state.account_pot)
    assert account >= HOUSE_ACCOUNTS
    fills = [
        cmd.ReportFill(
            time_ns=1, instrument=name, size_lots=1 + n % 7, price_ticks=600_000, buyer=account,
            seller=MARKET, taker_is_buyer=True,
        )
        for n, name in enumerate(names)
    ]  # fmt: skip
    opened = cmd.OpenAccount(time_ns=1, account=account)
    paid = cmd.Deposit(time_ns=1, account=account, asset="USDC", amount_atoms=10**12)
    given = engine.step_many([opened, paid, *fills])
    sources = [(name, source) for name in names for source in ("alpha", "beta", "gamma")]
    prices = tuple(cmd.SourcePrice(name, source, 600_000, 2) for name, source in sources)
    given.append(engine.step(cmd.ReportPrices(time_ns=2, prices=prices)))
    events = [event for found in given for event in found]
    assert not [event for event in events if isinstance(event, ev.Refused | ev.LiquidationStarted)]
    engine.check()
    assert Engine.from_bytes(rules, engine.state.to_bytes()).state.digest() == engine.state.digest()


def test_the_sound_inputs_that_limits_are_tried_on_are_taken(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text(book_csv())
    assert len(read_book(tmp_path / "b.csv")) == 4
    (tmp_path / "BTCUSDT.csv").write_text(bars_csv())
    assert read_series(tmp_path / "BTCUSDT.csv").close.size == 4
