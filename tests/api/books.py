"""A small market and a book of options that several tests ask about."""

from __future__ import annotations

from seawall.api.market_table import MarketTable, read_market

NOW = "2026-02-05T08:00:00Z"
HELD = [
    {"instrument": "BTC-27MAR26-60000-P", "size": "-4"},
    {"instrument": "BTC-27MAR26-90000-C", "size": "-3"},
    {"instrument": "BTC-27FEB26-50000-P", "size": "4"},
    {"instrument": "BTC-27MAR26", "size": "0.5"},
    {"instrument": "BTC-PERPETUAL", "size": "-0.8"},
    {"instrument": "USDC", "size": "60000"},
]
MARKET = [
    {"instrument": "BTC", "mark": "71470"},
    {"instrument": "BTC-PERPETUAL", "mark": "71480"},
    {"instrument": "BTC-27MAR26", "mark": "71800"},
    {"instrument": "BTC-27MAR26-60000-P", "forward": "71800", "iv": "0.58"},
    {"instrument": "BTC-27MAR26-90000-C", "forward": "71800", "iv": "52%"},
    {"instrument": "BTC-27MAR26-70000-C", "forward": "71800", "iv": "0.53"},
    {"instrument": "BTC-27FEB26-50000-P", "forward": "71600", "iv": "0.71"},
]


def market(**marks: str) -> MarketTable:
    return read_market(MARKET, at=NOW, marks=marks)


def csv_of(rows: list[dict[str, str]]) -> str:
    heads = list(dict.fromkeys(key for row in rows for key in row))
    return (
        "\n".join([",".join(heads), *(",".join(row.get(head, "") for head in heads) for row in rows)]) + "\n"
    )
