"""Text to integers with units: exact, refused where a unit is wrong, traceable to a source."""

from __future__ import annotations

import pytest

from seawall.errors import RulebookError
from tests.rulebooks.mini import MINI, changed, read

SECOND = 10**9


def test_text_with_units_becomes_the_integers_it_says():
    rulebook = read(MINI)
    initial = rulebook.margin.instruments["BTC-PERP"].schedules["initial"]
    assert [(tier.floor_atoms, tier.rate_ppb) for tier in initial.tiers] == [
        (0, 2 * 10**7),
        (10**12, 4 * 10**7),
    ]
    assert rulebook.instrument("BTC-PERP").value_num == 100
    assert rulebook.instrument("BTC-PERP").max_size_lots == 10_000_000
    assert rulebook.oracles["BTC-PERP"].max_age_ns == 30 * SECOND
    assert rulebook.margin.weights["all"]["BTC"].cap_atoms == 1_000 * 10**8
    assert rulebook.liquidation.steps[1].only_above_atoms == 100_000 * 10**6
    assert rulebook.funds.insurance_atoms == {"USDC": 1_000 * 10**6}


def test_a_rate_that_is_no_whole_number_of_parts_is_rounded_against_the_account():
    rulebook = read(
        changed(
            (
                'rate = "2 %" },\n    { from = "1_000_000 USDC", rate = "4 %"',
                'rate = "1/30" },\n    { from = "1_000_000 USDC", rate = "1/15"',
            ),
            ("max_leverage = 50", "max_leverage = 29"),
            ('{ from = "0 BTC", weight = "95 %" }', '{ from = "0 BTC", weight = "2/3" }'),
            ('weight = "90 %"', 'weight = "1/3"'),
        )
    )
    assert rulebook.margin.instruments["BTC-PERP"].schedules["initial"].tiers[0].rate_ppb == 33_333_334
    assert rulebook.margin.weights["all"]["BTC"].tiers[0].weight_ppb == 666_666_666
    assert rulebook.margin.level("backstop").factor_ppb == 666_666_667


def test_like_gives_another_entry_the_very_same_rules():
    oracles = read(MINI).oracles
    assert oracles["BTC-SPOT"] == oracles["BTC-PERP"]


UNIT_MISTAKES = [
    ('max_age = "30 s"', 'max_age = "30"', 'oracles."BTC-PERP".max_age', "no unit"),
    ('max_age = "30 s"', "max_age = 30", 'oracles."BTC-PERP".max_age', "is 30"),
    ('max_age = "30 s"', 'max_age = "-30 s"', 'oracles."BTC-PERP".max_age', "negative"),
    ('only_above = "100_000 USDC"', 'only_above = "2 %"', "liquidation.steps[1].only_above", "a rate"),
    (
        'only_above = "100_000 USDC"',
        'only_above = "100_000"',
        "liquidation.steps[1].only_above",
        "without a unit",
    ),
    ('only_above = "100_000 USDC"', 'only_above = "5 BTC"', "liquidation.steps[1].only_above", "in BTC"),
    (
        'only_above = "100_000 USDC"',
        'only_above = "-1 USDC"',
        "liquidation.steps[1].only_above",
        "below zero",
    ),
    (
        'only_above = "100_000 USDC"',
        'only_above = "0.0000001 USDC"',
        "liquidation.steps[1].only_above",
        "finer",
    ),
    ('outlier = "2 %"', 'outlier = "2"', 'oracles."BTC-PERP".outlier', "not a rate"),
    ('outlier = "2 %"', "outlier = 0.02", 'oracles."BTC-PERP".outlier', "not exact"),
    ('outlier = "2 %"', 'outlier = "-2 %"', 'oracles."BTC-PERP".outlier', "below zero"),
    ('outlier = "2 %"', 'outlier = "2 USDC"', 'oracles."BTC-PERP".outlier', "not a rate"),
    ('max_size = "10_000 BTC"', 'max_size = "10_000 USDC"', 'instruments."BTC-PERP".max_size', "in USDC"),
    ('max_size = "10_000 BTC"', 'max_size = "0.0005 BTC"', 'instruments."BTC-PERP".max_size', "finer"),
    ("quorum = 2", 'quorum = "2"', 'oracles."BTC-PERP".quorum', "is '2'"),
    ("quorum = 2", "quorum = true", 'oracles."BTC-PERP".quorum', "is True"),
    ('insurance = ["1_000 USDC"]', 'insurance = ["1_000 ETH"]', "funds.insurance", "does not have"),
    ('insurance = ["1_000 USDC"]', 'insurance = ["1 USDC", "2 USDC"]', "funds.insurance", "twice"),
    ('insurance = "60 %"', 'insurance = "1/3"', "liquidation.steps[1].fees.insurance", "finer"),
    (
        'requirement = "1.2 x maintenance"',
        'requirement = "120 %"',
        "margin.levels.restore.requirement",
        "factor",
    ),
]


@pytest.mark.parametrize(("old", "new", "place", "what"), UNIT_MISTAKES)
def test_a_wrong_unit_is_refused_at_its_place(old, new, place, what):
    with pytest.raises(RulebookError) as refusal:
        read(changed((old, new)))
    first = str(refusal.value).splitlines()[0]
    assert first.startswith(f"mini.toml: {place}")
    assert what in str(refusal.value)


def test_an_unknown_key_is_refused_with_the_nearest_known_one():
    with pytest.raises(RulebookError, match=r'mini.toml: oracles."BTC-PERP".outlyer .*\n.*\'outlier\''):
        read(changed(('outlier = "2 %"', 'outlier = "2 %"\noutlyer = "2 %"')))


def test_a_misspelt_required_key_is_found_by_its_neighbour():
    with pytest.raises(RulebookError, match=r'oracles."BTC-PERP".outlier is missing\n.*outlyer'):
        read(changed(('outlier = "2 %"', 'outlyer = "2 %"')))


@pytest.mark.parametrize("table", ["[waterfal]", "[[liquidation.step]]", "[margin.weight.all.USDC]"])
def test_an_unknown_table_is_refused(table):
    with pytest.raises(RulebookError, match="is not a key this table has"):
        read(f"{MINI}\n{table}\nkey = 1\n")


def test_an_unknown_word_is_refused_with_the_nearest_one():
    with pytest.raises(RulebookError, match=r"steps\[1\].action is 'reduse'.*\n.*'reduce'"):
        read(changed(('action = "reduce"', 'action = "reduse"')))


def test_a_key_of_another_schedule_kind_is_refused():
    with pytest.raises(RulebookError, match=r"maintenance.step_rate belongs to kind \'steps\'"):
        read(
            changed(
                (
                    "[margin.instruments.BTC-PERP.maintenance]",
                    '[margin.instruments.BTC-PERP.maintenance]\nstep_rate = "1 %"',
                )
            )
        )


def test_parameters_without_a_source_are_refused():
    with pytest.raises(RulebookError, match=r"mini.toml: funds has the parameter 'insurance' but no source"):
        read(changed(('[funds]\nsource = "doc"', "[funds]")))


def test_a_source_that_is_not_listed_is_refused_with_the_nearest_one():
    with pytest.raises(RulebookError, match=r"funds.source is 'docs'.*\n.*'doc'"):
        read(changed(('[funds]\nsource = "doc"', '[funds]\nsource = "docs"')))


def test_an_assumption_must_give_a_reason():
    with pytest.raises(RulebookError, match="without a reason"):
        read(changed(('[funds]\nsource = "doc"', '[funds]\nsource = "assumption:"')))


def test_every_number_of_the_file_can_be_traced_to_unit_and_source():
    rulebook = read(
        changed(
            (
                '[funds]\nsource = "doc"',
                '[funds]\nsource = "doc"\nsource_of = { backstop = "assumption: chosen for this test" }',
            )
        )
    )
    trace = rulebook.provenance
    assert trace['margin.instruments."BTC-PERP".initial.tiers[1].from'] == ("atoms of USDC", "a document")
    assert trace['oracles."BTC-PERP".max_age'] == ("ns", "a document")
    assert trace["liquidation.steps[1].fees.fee"] == ("ppb", "a document")
    assert trace["funds.insurance"] == ("atoms of the asset named", "a document")
    assert trace["funds.backstop"] == ("atoms of the asset named", "assumption: chosen for this test")
    assert all(unit and source for unit, source in trace.values())


def test_broken_toml_is_refused_with_its_place():
    with pytest.raises(RulebookError, match=r"mini.toml: not valid TOML: .*line 2"):
        read("[venue]\nname = \n")


def test_an_expiry_is_read_as_nanoseconds_since_1970():
    text = changed(
        ('kind = "linear_perpetual"', 'kind = "linear_future"\nexpiry = "2026-12-25T08:00:00Z"'),
        (MINI[MINI.index("[funding.BTC-PERP]") :], ""),
    )
    assert read(text).instrument("BTC-PERP").expiry_ns == 1_798_185_600 * SECOND


@pytest.mark.parametrize("text", ["2026-02-30", "26-01-01", "2026-13-01", "today"])
def test_a_day_that_is_in_no_calendar_is_refused(text):
    with pytest.raises(RulebookError, match=r"mini.toml: venue.effective is .* which is no date"):
        read(changed(('effective = "2026-01-01"', f'effective = "{text}"')))


def test_a_cap_on_value_and_a_share_of_the_whole_notional_are_read_in_the_numeraire():
    rulebook = read(
        changed(
            ('cap = "1_000 BTC"', 'cap = "1_000 BTC"\ncap_value = "5_000 USDC"'),
            (
                '[margin.levels.initial]\nrequirement = "initial"',
                '[margin.levels.initial]\nrequirement = "initial"\nmin_of_total = "10 %"',
            ),
        )
    )
    assert rulebook.margin.weights["all"]["BTC"].cap_value_atoms == 5_000 * 10**6
    assert rulebook.margin.level("initial").min_total_ppb == 10**8
