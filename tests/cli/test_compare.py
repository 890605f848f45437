"""`compare` and `diff` as a person runs them."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from seawall.cli.main import main
from seawall.rulebooks.load import list_rulebooks, load_rulebook
from seawall.rulebooks.primitives import PRIMITIVES, differences, layout

BOOK = str(Path(__file__).parent.parent.parent / "examples" / "book.csv")
MARKS = ["--mark", "BTC=113000", "ETH=3850", "SOL=195"]


def test_compare_prints_a_line_per_rulebook_and_a_row_per_account(capsys):
    assert main(["compare", BOOK, "--rulebooks", "harbor,hyperliquid", *MARKS, "--account", "momentum"]) == 0
    shown = capsys.readouterr()
    assert "harbor@" in shown.out and "hyperliquid@" in shown.out and "momentum" in shown.out
    assert "hyperliquid@2025-10-10" in shown.err and "left out" in shown.err


def test_compare_as_json_has_every_account_and_its_parts(capsys):
    assert main(["compare", BOOK, "--rulebooks", "harbor,drift-v2", *MARKS, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert len(found["standings"]) == 10
    parts = found["parts"]["retail-2"]
    assert all({"collateral", "requirement"} == {part["kind"] for part in one} for one in parts.values())


def test_compare_as_csv_is_one_line_per_account_and_rulebook(capsys):
    assert (
        main(["compare", BOOK, "--rulebooks", "harbor,drift-v2", *MARKS, "--csv", "--account", "basis"]) == 0
    )
    assert len(capsys.readouterr().out.splitlines()) == 3


def test_a_rulebook_of_another_kind_is_told_as_such(capsys):
    assert main(["diff", "harbor", "derive-pm2"]) == 2
    assert "portfolio margin" in capsys.readouterr().err


def test_an_account_that_is_not_there_is_refused(capsys):
    assert main(["compare", BOOK, "--rulebooks", "harbor", *MARKS, "--account", "nobody"]) == 2
    assert "nobody" in capsys.readouterr().err


@pytest.mark.parametrize("name", list_rulebooks())
def test_a_rulebook_does_not_differ_from_itself_and_says_something_of_its_primitives(name):
    book = load_rulebook(name)
    assert differences(book, book) == ()
    assert layout(book).keys() == PRIMITIVES.keys() and layout(book)["P7"] and layout(book)["P15"]


def test_a_changed_parameter_is_found_once_under_its_primitive():
    book = load_rulebook("harbor")
    first, *rest = book.instruments
    fee = first.taker_fee_ppb + 100_000
    changed = msgspec.structs.replace(
        book, instruments=(msgspec.structs.replace(first, taker_fee_ppb=fee), *rest)
    )
    (one,) = differences(book, changed)
    assert one.primitive == "P15" and one.path.endswith("taker_fee") and one.first != one.second
    funds = msgspec.structs.replace(book, waterfall=())
    assert {one.primitive for one in differences(book, funds)} <= {"P10", "P11", "P12"}


def test_no_term_of_ladder_or_instrument_can_differ_unseen():
    book = load_rulebook("harbor")
    for field in book.liquidation.__struct_fields__:
        ladder = msgspec.structs.replace(book.liquidation, **{field: () if field == "steps" else "changed"})
        found = differences(book, msgspec.structs.replace(book, liquidation=ladder))
        assert {one.primitive for one in found} == {"P9" if field == "steps" else "P8"}, field
    first, *rest = book.instruments
    for field in set(first.__struct_fields__) - {"name", "kind", "base", "value_num"}:
        other = msgspec.structs.replace(first, **{field: "changed"})
        found = differences(book, msgspec.structs.replace(book, instruments=(other, *rest)))
        assert {one.primitive for one in found} == {"P15"}, field


def test_diff_exits_with_one_where_they_differ(capsys):
    assert main(["diff", "harbor", "harbor"]) == 0
    assert "0 parameters differ" in capsys.readouterr().out
    assert main(["diff", "hyperliquid", "dydx-v4", "--only", "P3,P9"]) == 1
    shown = capsys.readouterr().out
    assert "P3 schedules" in shown and "P9 steps" in shown and "P12" not in shown
    assert main(["diff", "hyperliquid", "dydx-v4", "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["differences"]
    assert main(["diff", "hyperliquid", "dydx-v4", "--only", "P99"]) == 2
