"""An explanation reaches the command behind a record, in names and human units, and invents nothing."""

from __future__ import annotations

import typing
from fractions import Fraction
from pathlib import Path

import pytest

from seawall.engine import events as ev
from seawall.engine.commands import AnyCommand, Command
from seawall.engine.engine import Engine
from seawall.errors import JournalError
from seawall.journal import JournalReader, Recorder, explain
from seawall.journal.explain import record_text, render
from seawall.journal.names import Names, decimal_text
from seawall.units import format_units
from tests.journal.crash import crash_commands, harbor


@pytest.fixture(scope="module")
def crash(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("explain") / "crash.journal"
    with Recorder.create(path, harbor()) as run:
        for command in crash_commands():
            run.step(command)
            run.commit()
    return path


def first(path: Path, kind: type) -> typing.Any:
    with JournalReader(path) as reader:
        return next(event for step in reader.steps() for event in step.events if isinstance(event, kind))


def test_a_liquidation_order_is_explained_back_to_the_prices_behind_it(crash: Path) -> None:
    order = first(crash, ev.LiquidationOrderSent)
    found = explain(crash, order.seq)
    assert [record.kind for record in found] == ["LiquidationOrderSent", "LiquidationStarted", "ReportPrices"]
    assert [record.relation for record in found] == ["asked", "cause", "cause"]
    assert isinstance(found[-1].record, Command)
    assert [record.seq for record in found[1:]] == [record.record.cause_seq for record in found[:-1]]
    assert "account 7  BTC-PERP  size -1.000 BTC" in found[0].text
    assert found[0].rule.endswith("liquidation.ease") and found[0].rule.startswith("harbor@2026-01-01#")
    started = found[1].record
    equity, requirement = (format_units(a, 6) for a in (started.equity_atoms, started.requirement_atoms))
    text = f"equity {equity} USDC < requirement {requirement} USDC  account 7"
    assert found[1].text == f"{text}  exit level restore  BTC-PERP  size +1.000 BTC"
    lines = render(found).splitlines()
    assert lines[0].startswith(f"{order.seq}  LiquidationOrderSent")
    assert lines[1].startswith(f"{started.seq}  └─ LiquidationStarted")
    assert lines[2].startswith(f"{found[2].seq}     └─ ReportPrices")
    assert lines[3].strip() == f"at {found[0].time}"


def test_what_a_record_caused_is_found_in_the_whole_journal(crash: Path) -> None:
    started = first(crash, ev.LiquidationStarted)
    with JournalReader(crash) as reader:
        caused = [
            event.seq for step in reader.steps() for event in step.events if event.cause_seq == started.seq
        ]
    found = explain(crash, started.seq, effects=True)
    assert [record.seq for record in found if record.relation == "effect"] == caused != []


def test_a_refusal_shows_its_numbers_in_the_units_of_the_account(crash: Path) -> None:
    refused = first(crash, ev.Refused)
    assert explain(crash, refused.seq)[0].text == (
        "command Withdraw  reason the balance is too small  account 7  balance 2,973.000000 USDC  "
        "amount 2,999.000000 USDC"
    )


def test_trades_and_transfers_name_accounts_and_units(crash: Path) -> None:
    assert explain(crash, first(crash, ev.Traded).seq)[0].text == (
        "BTC-PERP  fill  price 60,000.0  account 7 +1.000 BTC  account 8 -1.000 BTC"
    )
    assert explain(crash, first(crash, ev.Transferred).seq)[0].text == (
        "deposit  external -3,000.000000 USDC  account 7 +3,000.000000 USDC"
    )
    assert explain(crash, first(crash, ev.SourcesSeen).seq)[0].text.startswith("BTC-PERP 60,000.0 by alpha")


def test_a_command_and_the_genesis_are_their_own_explanation(crash: Path) -> None:
    assert [record.kind for record in explain(crash, 1)] == ["ReportPrices"]
    assert [record.kind for record in explain(crash, 0, effects=True)] == ["Genesis"]
    assert "rulebook harbor" in explain(crash, 0)[0].text


@pytest.mark.parametrize("seq", [-1, 10**9])
def test_a_record_that_is_not_there_is_refused_with_the_range(crash: Path, seq: int) -> None:
    with pytest.raises(JournalError, match=f"there is no record {seq}\n  Give a number from 0 to "):
        explain(crash, seq)


def filled(kind: type) -> typing.Any:
    """A record of this kind with something in every field."""
    plain = {int: 3, str: "x", bytes: bytes(16), bool: True}
    values = {}
    for name, hint in typing.get_type_hints(kind).items():
        if name not in kind.__struct_fields__:
            continue
        if typing.get_origin(hint) is tuple:
            part = typing.get_args(hint)[0]
            values[name] = tuple(plain.get(part) or filled(part) for _ in range(6))
        elif typing.get_origin(hint) is dict:
            values[name] = {"needs_atoms": 5, "has": 2}
        else:
            values[name] = plain[hint]
    return kind(**values)


@pytest.mark.parametrize("kind", [*typing.get_args(AnyCommand), *typing.get_args(ev.AnyEvent)])
@pytest.mark.parametrize("known", [True, False])
def test_every_kind_of_record_has_a_text_also_where_its_names_are_unknown(
    crash: Path, kind: type, known: bool
) -> None:
    with JournalReader(crash) as reader:
        names = Names.load(reader, reader.head()[0])
    if not known:
        names = names._replace(pots={}, rulebook=type(names.rulebook)(**{
            **{name: getattr(names.rulebook, name) for name in names.rulebook.__struct_fields__},
            "assets": (), "instruments": (), "oracles": {}}))  # fmt: skip
    text = record_text(names, filled(kind))
    assert (
        "<" not in text.replace(" < ", "")
        and "Entry(" not in text
        and "Leg(" not in text
        and "\n" not in text
    )


@pytest.mark.parametrize(
    ("count", "step", "text"),
    [
        (551_234, "1/10", "55,123.4"),
        (-7, "1/1000", "-0.007"),
        (3, "5", "15"),
        (-3, "1/2", "-1.5"),
        (2, "1/3", "2/3"),
    ],
)
def test_steps_are_written_exactly(count: int, step: str, text: str) -> None:
    assert decimal_text(count, Fraction(step)) == text


def test_house_accounts_have_names(crash: Path) -> None:
    with JournalReader(crash) as reader:
        names = Names.load(reader, reader.head()[0])
    engine = Engine(harbor())
    assert [names.account(account) for account in range(len(engine.state.account_pot))] == list(names.house)
    assert names.account(9) == "account 9"
