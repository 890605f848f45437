"""Option families: listing by name, the hash, and what contradicts itself."""

from __future__ import annotations

import msgspec
import pytest

from seawall.engine.state import State
from seawall.errors import RulebookError
from seawall.margin.option_schedule import ShortTerms
from seawall.rulebooks.check import check_rulebook, contradictions
from seawall.rulebooks.load import load_rulebook

NAMES = {
    "deribit-standard": ["BTC-27MAR26-92000-P", "BTC_USDC-27MAR26-92000-C", "SOL_USDC-27MAR26-92d5-C"],
    "derive-srm": ["ETH-20240126-1800-C", "BTC-20261225-100000-P"],
    "paradex": ["BTC-USD-27MAR26-92000-P"],
    "bybit-options": ["BTC-27MAR26-92000-C-USDT"],
    "cboe-strategy": ["SPY   241220C00600000", "TQQQ  241220P00080000"],
}


@pytest.mark.parametrize("name", sorted(NAMES))
def test_listed_options_are_sound_and_make_an_engine(name):
    rulebook = load_rulebook(name)
    listed = rulebook.with_options(NAMES[name])
    assert not contradictions(listed)
    assert [i.name for i in listed.instruments] == [
        *(i.name for i in rulebook.instruments),
        *sorted(NAMES[name]),
    ]
    assert listed.sha256 != rulebook.sha256
    assert listed.with_options(NAMES[name]) == listed
    state = State(listed)
    assert sum(row >= 0 for row in state.underlying_row) == len(NAMES[name])
    assert State.from_bytes(listed, state.to_bytes()).digest() == state.digest()


def test_the_order_of_names_does_not_change_the_hash():
    rulebook, names = load_rulebook("derive-srm"), NAMES["derive-srm"]
    assert rulebook.with_options(names).sha256 == rulebook.with_options(reversed(names)).sha256


def test_a_name_that_no_family_knows_is_refused():
    with pytest.raises(RulebookError, match="no option family"):
        load_rulebook("derive-srm").with_options(["DOGE-20261225-1-C"])
    with pytest.raises(RulebookError, match="no option family"):
        load_rulebook("harbor").with_options(["BTC-27MAR26-92000-P"])


def test_long_dated_options_are_listed_by_naming_their_family():
    rulebook, name = load_rulebook("cboe-strategy"), "SPY   261218C00600000"
    rates = []
    for family in ("", "SPY-LONG-DATED"):
        margin = rulebook.with_options([name], family=family).margin.instruments[name]
        rates.append(margin.schedules["margin"].option.long_mark_ppb)
    assert rates == [10**9, 750_000_000]


def changed(rulebook, schedule: str, **terms):
    family = rulebook.option_families[0]
    plan = family.schedules[schedule]
    call = msgspec.structs.replace(plan.option.call, **terms)
    plan = msgspec.structs.replace(plan, option=msgspec.structs.replace(plan.option, call=call))
    family = msgspec.structs.replace(family, schedules={**family.schedules, schedule: plan})
    return msgspec.structs.replace(rulebook, option_families=(family, *rulebook.option_families[1:]))


@pytest.mark.parametrize(
    ("schedule", "terms", "match"),
    [
        (
            "initial",
            {"spot_ppb": 0, "floor_ppb": 80_000_000},
            "asks less than margin.levels.maintenance of a call",
        ),
        ("maintenance", {"floor_ppb": 0}, "asks nothing of an option sold"),
        ("maintenance", {"fee_ppb": 2**63}, "Give a rate from 0"),
        ("maintenance", {"premium_ppb": -1}, "Give a rate from 0"),
        ("initial", {"least_of": "nothing"}, "which is no schedule"),
        ("initial", {"least_of": "initial"}, "a least of its own"),
    ],
)
def test_contradictions_of_a_family_are_found(schedule, terms, match):
    with pytest.raises(RulebookError, match=match):
        check_rulebook(changed(load_rulebook("derive-srm"), schedule, **terms))


def test_a_family_without_its_underlying_is_found():
    rulebook = load_rulebook("derive-srm")
    family = msgspec.structs.replace(rulebook.option_families[0], underlying="ETH-PERP")
    with pytest.raises(RulebookError, match="no market in BTC"):
        check_rulebook(msgspec.structs.replace(rulebook, option_families=(family,)))


def test_listed_options_must_fit_their_underlying():
    rulebook = load_rulebook("derive-srm").with_options(["ETH-20240126-1800-C"])
    for change, match in (
        ({"strike": "1800.005"}, "between two ticks"),
        ({"underlying": "BTC-PERP"}, "no market"),
    ):
        *others, option = rulebook.instruments
        bad = msgspec.structs.replace(option, **change)
        with pytest.raises(RulebookError, match=match):
            check_rulebook(msgspec.structs.replace(rulebook, instruments=(*others, bad)))


def test_terms_that_only_say_least_ask_what_the_other_asks():
    terms = ShortTerms(least_of="maintenance")
    rulebook = changed(
        load_rulebook("derive-srm"), "initial", **{n: getattr(terms, n) for n in ("least_of", "least_ppb")}
    )
    assert not contradictions(rulebook)
