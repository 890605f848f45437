"""Incidents: runs of the published size, what could be seen first, safeguards that hold, broken files."""

from __future__ import annotations

from pathlib import Path

import pytest

from seawall.api.incident import IncidentReport, list_incidents, read_incident, run_incident
from seawall.errors import InputError

FILES = Path(__file__).parent.parent.parent / "src" / "seawall" / "incidents"
# Figures that must come out within a tenth of what was published.
FOLLOWS = {
    "aave-capo-2026-03-10": ("bonus_eth", "accounts", "bad_debt_usd"),
    "aave-crv-2022-11-22": ("bad_debt_usd", "liquidations", "minutes"),
    "compound-dai-2020-11-26": ("users_lose_usd",),
    "moonwell-cbeth-2026-02-15": ("bad_debt_usd",),
    "venus-luna-2022-05-12": ("loss_usd",),
    "mango-2022-10-11": ("withdrawn_usd",),
    "binance-2025-10-10": ("compensation_usd",),
}
FIRST = {
    "aave-capo-2026-03-10": {"CONFIG_CHANGE_PRECEDES_ANOMALY", "LIQUIDATIONS_WITHOUT_MARKET_MOVE"},
    "aave-crv-2022-11-22": {"POSITION_VS_DEPTH", "DEBT_VS_DEPTH"},
    "compound-dai-2020-11-26": {"SINGLE_VENUE_DEVIATION"},
    "moonwell-cbeth-2026-02-15": {"ORACLE_JUMP", "UNIT_OR_SCALE_CHANGE", "CONFIG_CHANGE_PRECEDES_ANOMALY"},
    "venus-luna-2022-05-12": {"FEED_AT_FLOOR"},
    "mango-2022-10-11": {"POSITION_VS_DEPTH", "UNREALISED_PNL_WITHDRAWAL"},
    "binance-2025-10-10": {"SINGLE_VENUE_DEVIATION", "REDEMPTION_VALUE_GAP"},
}
RUNS: dict[str, IncidentReport] = {}


def ran(name: str) -> IncidentReport:
    if name not in RUNS:
        RUNS[name] = run_incident(name)
    return RUNS[name]


def test_every_incident_is_tested() -> None:
    assert set(list_incidents()) == set(FOLLOWS) == set(FIRST)


@pytest.mark.parametrize("name", list_incidents())
def test_a_run_is_of_the_incidents_size_and_its_safeguard_holds(name: str) -> None:
    report = ran(name)
    rows = {figure: (published, was, kept) for figure, published, was, kept in report.rows()}
    for figure in FOLLOWS[name]:
        published, was, kept = rows[figure]
        assert was is not None and kept is not None
        assert was == pytest.approx(published, rel=0.1), figure
        if figure not in ("minutes", "liquidations"):
            assert kept <= 0.15 * was, figure
    for one in (report.as_it_was, report.with_safeguard):
        assert not one.outcome.halted


@pytest.mark.parametrize("name", list_incidents())
def test_what_fires_first_is_what_the_record_names(name: str) -> None:
    fired = ran(name).as_it_was.fired
    assert [one.after_s for one in fired] == sorted(one.after_s for one in fired)
    early = {one.name for one in fired[: max(len(FIRST[name]), 3)]}
    assert FIRST[name] <= early


def test_the_bonus_of_a_price_read_too_low_is_the_misreading_and_the_bonus() -> None:
    """Aave's cap: what is repaid buys collateral at 0.9715 of its worth, and one per cent more of it."""
    figures = ran("aave-capo-2026-03-10").as_it_was.figures
    assert figures["bonus"] / figures["taken"] == pytest.approx(1 - 0.9715 / 1.01, abs=2e-4)


def test_a_loan_larger_than_its_market_moves_it_past_the_point_of_no_return() -> None:
    report = ran("aave-crv-2022-11-22")
    toxic = next(one for one in report.as_it_was.fired if one.name == "TOXIC_LTV")
    assert toxic.measured > 1.0 and report.as_it_was.figures["deficit"] > 0
    told = [step.price_usd["CRV"] for step in report.as_it_was.outcome.steps]
    outside = [step.outside_usd["CRV"] for step in report.as_it_was.outcome.steps]
    assert max(a / b for a, b in zip(told, outside, strict=True)) > 1.02  # their own buying


def test_the_same_incident_twice_is_the_same() -> None:
    assert run_incident("moonwell-cbeth-2026-02-15") == ran("moonwell-cbeth-2026-02-15")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("count = 180", "count = 'many'", "Expected `int`"),
        ("count = 180", "number = 180", "number"),
        ("[market]", "[markets]", "market"),
        ('bad_debt_usd = "deficit"', 'bad_deed_usd = "deficit"', "bad_deed_usd: stands beside no published"),
        ("says = 1.12", "says = -1", "Give a positive multiple"),
        ('asset = "cbETH"\nfrom', 'asset = "DOGE"\nfrom', "misread of DOGE: no loan is valued by it"),
        ('debt = "USDC"', 'debt = "DAI"', "DAI has no price"),
        ('ltv = "80 %"', 'ltv = "190 %"', "loan to value"),
        ('what = "a step', 'size = 1.5\nwhat = "a step', "safeguard.size"),
        ("title = ", "title = = ", "Correct the scenario file"),
        ("[rules.venue]", '[rules]\nbuiltin = "aave-v3.3"\n[rules.venue]', "Write the rules out"),
        ("shocks = [", 'shocks = ["ETH:-1%:10m", ', "there is no such asset"),
    ],
)
def test_a_scenario_that_cannot_be_run_is_refused_with_its_place(
    tmp_path: Path, old: str, new: str, told: str
) -> None:
    text = (FILES / "moonwell-cbeth-2026-02-15.toml").read_text()
    assert old in text
    path = tmp_path / "mine.toml"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(InputError, match=told.replace(".", r"\.").replace("(", r"\(")):
        run_incident(path)


def test_a_name_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(InputError, match="aave-crv-2022-11-22"):
        run_incident("aave-crv")
    with pytest.raises(InputError, match=r"cannot be read"):
        run_incident("nowhere.toml")


def test_a_visitor_needs_what_has_a_price_and_what_is_lent(tmp_path: Path) -> None:
    text = (FILES / "venus-luna-2022-05-12.toml").read_text()
    assert read_incident(text, where="x").visitors[0].borrows == "USDT"
    for old, new, told in (
        ('asset = "LUNA"\ncoins', 'asset = "XYZ"\ncoins', "brings XYZ"),
        ('borrows = "USDT"\n\n[safe', 'borrows = "LUNA"\n\n[safe', "borrows LUNA"),
        ("coins = 225_000_000", "coins = 0", "positive coins"),
    ):
        assert old in text
        broken = tmp_path / "broken.toml"
        broken.write_text(text.replace(old, new, 1))
        with pytest.raises(InputError, match=told):
            run_incident(broken)
