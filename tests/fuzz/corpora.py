"""Sound inputs to start from, made by code: a few of each kind, small, so that most changes hit something.

Nothing here is read from disk. `odd_frame` draws a table whose columns have types nobody expects.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import zipfile
from contextlib import suppress
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import polars as pl

from seawall.engine import commands as cmd
from seawall.engine.engine import Engine
from seawall.engine.state import HOUSE_ACCOUNTS, MARKET
from seawall.journal.codec import encode_step
from seawall.journal.recorder import Recorder
from seawall.rulebooks.model import Rulebook
from tests.rulebooks.mini import MINI, read

SECOND = 10**9
T0 = 1_760_054_400  # 2025-10-10T00:00:00Z
BOOK_CELLS: dict[str, Any] = {
    "account": "alice",
    "instrument": "BTC-PERP",
    "size": "0.5",
    "entry_price": "62000",
    "collateral_asset": "USDC",
    "collateral_amount": "5000",
    "margin_mode": "cross",
    "leverage": "10",
}
PRICE_CELLS: dict[str, Any] = {
    "ts": T0 * 1000,
    "open": 1.5,
    "high": 2.0,
    "low": 1.0,
    "close": 1.25,
    "price": 1.5,
    "coin": "BTC",
}

ODD: tuple[Any, ...] = (
    None,
    "",
    " ",
    "nan",
    "1e400",
    "-0",
    "x" * 100,
    "\x00",
    0,
    -1,
    2**62,
    -(2**63),
    1,
    1.5,
    float("nan"),
    float("inf"),
    -1e308,
    5e-324,
    True,
    False,
    b"\xff\x00",
    date(1, 1, 1),
    date(9999, 12, 31),
    datetime(1970, 1, 1),
    datetime(2300, 1, 1, tzinfo=UTC),
    [1],
    [],
    {"a": 1},
)
CASTS = (
    pl.String,
    pl.Float64,
    pl.Int64,
    pl.UInt8,
    pl.Float32,
    pl.Boolean,
    pl.Categorical,
    pl.Binary,
    pl.Date,
    pl.Datetime("ms"),
    pl.Datetime("ns", "UTC"),
    pl.Duration("us"),
    pl.Decimal(38, 6),
    pl.Null,
)


def odd_frame(chance: Random, cells: dict[str, Any]) -> pl.DataFrame:
    """A table with the usual names and unusual types; columns may be absent."""
    height = chance.choice((0, 1, 2, 3))
    columns = []
    for name, cell in cells.items():
        if chance.random() < 0.15:
            continue
        drawn = chance.choice((cell, cell, cell, chance.choice(ODD)))
        column = pl.Series(name, [drawn] * height, strict=False)
        if chance.random() < 0.3:
            with suppress(pl.exceptions.PolarsError):
                column = column.cast(chance.choice(CASTS), strict=False)
        columns.append(column)
    return pl.DataFrame(columns)


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


# -- files ------------------------------------------------------------------------------------------------


def book_csv() -> str:
    return (
        ",".join(BOOK_CELLS)
        + "\nalice,BTC-PERP,0.5,62000,USDC,5000,cross,10\nbob,BTC-PERP,-3,61000.5,BTC,0.1,,\n"
        "carol,,,,USDC,1e3,cross,\ndan,BTC-PERP,1.25,60_000,USDC,2000.000001,isolated,5\n"
    ).replace("60_000", "60000")


def bars_csv() -> str:
    rows = [f"{T0 + 60 * n},{100 + n},{110 + n},{95 + n},{105 + n % 3}" for n in range(4)]
    return "ts,open,high,low,close\n" + "\n".join(rows) + "\n"


def klines_csv() -> str:
    rows = [
        f"{(T0 + 60 * n) * 1000},{100 + n},110,90,{101 + n},1.5,{(T0 + 60 * n) * 1000 + 59999},15.0,1,0.7,7,0"
        for n in range(3)
    ]
    return "\n".join(rows) + "\n"


def trades_csv() -> str:
    rows = [
        f"binance,BTCUSDT,{(T0 + n) * 10**6},{(T0 + n) * 10**6 + 9},{n},buy,{100.5 + n},0.1" for n in range(4)
    ]
    return "exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n" + "\n".join(rows) + "\n"


def iso_csv() -> str:
    return "time,price\n2025-10-10T00:00:00Z,100.5\n2025-10-10 00:01,101\n2025-10-10T02:02:00+02:00,99\n"


def depth_csv() -> str:
    rows = [
        f"2025-10-10 00:0{n}:00,{p},{100 * abs(p) + n + (p > 0)},{(100 * abs(p) + n + (p > 0)) * (100 + p)}"
        for n in range(4)
        for p in (-5, -2, -1, 1, 2, 5)
    ]
    return "timestamp,percentage,depth,notional\n" + "\n".join(rows) + "\n"


def parquet(frame: pl.DataFrame, **options: Any) -> bytes:
    held = io.BytesIO()
    frame.write_parquet(held, **options)
    return held.getvalue()


def frame_of(text: str, **options: Any) -> pl.DataFrame:
    return pl.read_csv(io.BytesIO(text.encode()), **options)


# -- journals ---------------------------------------------------------------------------------------------


@cache
def rules() -> Rulebook:
    return read(MINI)


def life(rulebook: Rulebook) -> list[cmd.AnyCommand]:
    """Some commands of every family, in an order that makes most of them succeed."""
    a, b = HOUSE_ACCOUNTS, HOUSE_ACCOUNTS + 1
    price = [
        cmd.SourcePrice("BTC-PERP", source, 600_000, T0 * SECOND) for source in ("alpha", "beta", "gamma")
    ]
    given: list[tuple[Any, dict[str, Any]]] = [
        (cmd.OpenAccount, {"account": a, "owner": "ann"}),
        (cmd.OpenAccount, {"account": b}),
        (cmd.Deposit, {"account": a, "asset": "USDC", "amount_atoms": 9_000 * 10**6}),
        (cmd.ReportPrices, {"prices": tuple(price)}),
        (
            cmd.ReportFill,
            {
                "instrument": "BTC-PERP",
                "size_lots": 1_000,
                "price_ticks": 600_000,
                "buyer": a,
                "seller": MARKET,
                "taker_is_buyer": True,
            },
        ),
        (
            cmd.PlaceOrder,
            {"account": a, "order": 1, "instrument": "BTC-PERP", "size_lots": -5, "price_ticks": 610_000},
        ),
        (cmd.ApplyFunding, {"instrument": "BTC-PERP", "rate_ppb": 100_000}),
        (cmd.Withdraw, {"account": b, "asset": "USDC", "amount_atoms": 1}),
        (
            cmd.Override,
            {
                "by": "ann",
                "role": "guardian",
                "action": "open",
                "instrument": "",
                "close": True,
                "until_ns": (T0 + 9) * SECOND,
            },
        ),
        (cmd.Propose, {"by": "ann", "proposal": 1, "rulebook": msgspec.json.encode(rulebook)}),
        (cmd.Approve, {"by": "bob", "proposal": 1}),
        (cmd.ReportPrices, {"prices": tuple(msgspec.structs.replace(p, price_ticks=530_000) for p in price)}),
        (cmd.Tick, {}),
    ]
    return [kind(time_ns=T0 * SECOND + n, **fields) for n, (kind, fields) in enumerate(given)]


def sound_journal(folder: Path) -> Path:
    """The journal of `life`, written once per folder; it holds a snapshot."""
    path = folder / "sound.db"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with Recorder.create(path, rules(), batch_records=7, digest_every=5) as run:
            for command in life(rules()):
                run.step(command)
        (folder / "sound.db.lock").unlink(missing_ok=True)
    return path


def record_bytes() -> list[bytes]:
    engine = Engine(rules())
    return [part for command in life(rules()) for part in encode_step(command, engine.step(command))]


def snapshot_bytes() -> bytes:
    engine = Engine(rules())
    engine.step_many(life(rules()))
    return engine.state.to_bytes()


# -- all of them ------------------------------------------------------------------------------------------


def packed() -> list[bytes]:
    text, held = bars_csv().encode(), io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", text)
    return [b"g" + gzip.compress(text), b"G" + text, b"z" + held.getvalue(), b"Z" + text]


def corpus(name: str, folder: Path) -> list[bytes]:
    """Where a target starts from."""
    prices = [bars_csv(), klines_csv(), trades_csv(), iso_csv()]
    if name in ("journal", "snapshot"):
        path = sound_journal(folder / "sound")
        return [path.read_bytes()] if name == "journal" else [snapshot_bytes()]
    words: dict[str, list[str]] = {
        "rulebook": [MINI],
        "book_csv": [book_csv()],
        "book_frame": [str(n) for n in range(50)],
        "prices_frame": [str(n) for n in range(50)],
        "prices_csv": prices,
        "depth": [depth_csv()],
        "shock": ["BTC:-30%:20m", "BTC:-0.3:90s:1h:50%", "ETH:+5%:2d:0:1"],
        "plan": [
            "\n\n60\nBTC:-30%:20m",
            "1970-01-01T00:10:00Z\n1970-01-01T00:20:00Z\n1.5\nBTC:-0.3:90s:1h:50%",
        ],
        "fault": [
            "source_out:alpha,from=21 h,for=10 min",
            "source_late,delay=90 s",
            "latency,delay=1_000 ms",
        ],
        "marks": ["BTC=60000", "BTC-PERP=60012.5\nBTC=6e4", "BTC=1/3"],
        "numbers": [
            "2025-10-10T20:00:00Z",
            "1_234.50",
            "12.5 bp",
            "30 s",
            "BTC=x.csv",
            "1/6",
            "-1e-8",
            "2 %",
        ],
    }
    if name in words:
        return [text.encode() for text in words[name]]
    return {
        "proposal": [msgspec.json.encode(rules())],
        "book_parquet": [parquet(frame_of(book_csv(), infer_schema=False))],
        "prices_parquet": [parquet(frame_of(text)) for text in (bars_csv(), iso_csv())]
        + [parquet(frame_of(trades_csv(), try_parse_dates=True), compression="uncompressed")],
        "prices_packed": packed(),
        "record": record_bytes(),
    }[name]
