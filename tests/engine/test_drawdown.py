"""ADL by drawdown: once the insurance fund has fallen too far, winners are closed before it pays."""

from __future__ import annotations

from seawall.engine import events as ev
from seawall.engine.state import INSURANCE
from seawall.liquidation.tiers import AdlTier, DrawdownTrigger, InsuranceTier, SocialiseTier
from tests.engine.venue import DOLLAR, SECOND, VAULT, A, B, C, Venue, kinds, make_rulebook, only


def drawn_down() -> Venue:
    """Insurance of 100,000; ADL comes first once its profit has fallen by 5 % of the peak balance."""
    drawdown = DrawdownTrigger(start_drop_ppb=50_000_000, stop_drop_ppb=20_000_000)
    waterfall = (
        InsuranceTier(fund="insurance"),
        AdlTier(ranker="pnl", price="bankruptcy", drawdown=drawdown),
        SocialiseTier(method="positive_equity"),
    )
    venue = Venue(
        make_rulebook(steps=(VAULT,), waterfall=waterfall, insurance={"USDC": 100_000 * DOLLAR}), accounts=4
    )
    for account, dollars in ((A, 10_000), (B, 50_000), (C, 1_000)):
        venue.fund(account, dollars)
    return venue


def test_the_fund_pays_first_until_its_drawdown_turns_the_order_round() -> None:
    venue = drawn_down()
    venue.trade(A, 1_000, 500_000, against=B)
    found = venue.btc(34_000)  # A is 6,000 short: 6 % of the fund
    assert venue.balance(INSURANCE) == 94_000 * DOLLAR
    alert = only(found, ev.AdlAlerted)
    assert (alert.active, alert.drop_atoms, alert.peak_atoms) == (True, 6_000 * DOLLAR, 100_000 * DOLLAR)
    venue.trade(C, 100, 340_000, against=B)
    found = venue.btc(20_000)
    assert venue.balance(INSURANCE) == 94_000 * DOLLAR
    assert [e.kind for e in found if isinstance(e, ev.TierPassed)] == ["adl"]


def test_while_the_drawdown_lasts_the_vault_takes_nobody_over() -> None:
    venue = drawn_down()
    venue.trade(A, 1_000, 500_000, against=B)
    venue.btc(34_000)
    venue.trade(C, 100, 340_000, against=B)
    found = venue.btc(25_500)  # C has 150 left and needs 127.5: safe; then 24,900: 90 left
    found = venue.btc(24_900)
    assert "winners are closed instead" in only(found, ev.StepEntered).why
    assert "adl" in [e.kind for e in found if isinstance(e, ev.Traded)]
    assert venue.lots(C) == 0


def test_the_alert_ends_when_the_fund_has_recovered_or_the_peak_is_eight_hours_old() -> None:
    venue = drawn_down()
    venue.trade(A, 1_000, 500_000, against=B)
    venue.btc(34_000)
    # Paying money in is no profit: the drop stands.
    venue.fund(INSURANCE, 50_000)
    assert "AdlAlerted" not in kinds(venue.btc(34_000))
    assert "AdlAlerted" not in kinds(venue.btc(34_000, 8 * 3600 - 120))
    assert not only(venue.btc(34_000, 180), ev.AdlAlerted).active


def bankrupt_by_a_fill(venue: Venue, mark_ticks: int) -> tuple[ev.AnyEvent, ...]:
    """C has 1,000 and pays 1,500 too much."""
    return venue.trade(C, 10, mark_ticks + 1_500_000, against=B)


def test_hours_that_passed_without_a_price_end_the_alert_before_the_waterfall_is_asked() -> None:
    venue = drawn_down()
    venue.trade(A, 1_000, 500_000, against=B)
    venue.btc(34_000)
    venue.now += (8 * 3600 + 60) * SECOND
    found = bankrupt_by_a_fill(venue, 340_000)
    alert = only(found, ev.AdlAlerted)
    assert not alert.active and alert.cause_seq == found[0].cause_seq
    assert next(e.kind for e in found if isinstance(e, ev.TierPassed)) == "insurance"
    assert venue.balance(INSURANCE) == 93_500 * DOLLAR


def test_money_paid_into_an_empty_fund_starts_the_alert_before_the_waterfall_is_asked() -> None:
    """The rule is silent while the balance is not above its minimum, here 0."""
    venue = drawn_down()
    venue.trade(A, 3_000, 500_000, against=B)
    assert "AdlAlerted" not in kinds(venue.btc(13_000))  # A is 101,000 short: all of the fund, and more
    venue.fund(INSURANCE, 1_000)
    found = bankrupt_by_a_fill(venue, 130_000)
    assert only(found, ev.AdlAlerted).active
    assert [e.kind for e in found if isinstance(e, ev.TierPassed)] == ["adl"]
    assert venue.balance(INSURANCE) == 1_000 * DOLLAR and not venue.lots(C)
