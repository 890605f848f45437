"""Every contradiction the check knows is refused, at the right place of the file."""

from __future__ import annotations

import pytest

from seawall.errors import RulebookError
from seawall.rulebooks.check import contradictions
from seawall.rulebooks.parse import parse_rulebook
from tests.rulebooks.mini import MINI, changed, read

MAINTENANCE_TIERS = MINI[
    MINI.index("[margin.instruments.BTC-PERP.maintenance]") : MINI.index("[margin.levels.initial]")
]
LAST_TIER = '[[waterfall.tiers]]\nkind = "socialise"\nmethod = "positive_equity"\n'
STEP_1 = "liquidation.steps[1]"
ORACLE = 'oracles."BTC-PERP"'
PERPETUAL = 'kind = "linear_perpetual"\nbase = "BTC"\n'
LOT = '\nsettle = "USDC"\nlot = "0.001 BTC"\n'
SCHEDULES = 'margin.instruments."BTC-PERP"'
INVERSE = """
[instruments.BTCUSD]
source = "doc"
kind = "inverse_perpetual"
base = "BTC"
quote = "USD"
settle = "BTC"
lot = "1 USD"
tick = "0.5 USD"
maker_fee = "0 bp"
taker_fee = "5 bp"

[oracles.BTCUSD]
like = "BTC-PERP"

[margin.instruments.BTCUSD.initial]
rate = "2 %"
[margin.instruments.BTCUSD.maintenance]
rate = "1 %"
"""


def maintenance(text: str) -> tuple[str, str]:
    """The change that gives BTC-PERP another maintenance schedule."""
    return MAINTENANCE_TIERS, f"[margin.instruments.BTC-PERP.maintenance]\n{text}\n\n"


def test_the_sound_rulebook_has_no_contradiction():
    assert contradictions(parse_rulebook(MINI, file="mini.toml")) == ()
    assert read(MINI + INVERSE).tag.startswith("mini@2026-01-01#")


CONTRADICTIONS = {
    # schedules
    "rates fall with size": (
        f"{SCHEDULES}.maintenance.tiers[1].rate",
        [('rate = "2 %" },\n]', 'rate = "0.9 %" },\n]')],
    ),
    "floors do not rise": (
        f"{SCHEDULES}.maintenance.tiers[1].from",
        [maintenance('tiers = [{ from = "0 USDC", rate = "1 %" }, { from = "0 USDC", rate = "2 %" }]')],
    ),
    "first tier not at zero": (
        f"{SCHEDULES}.maintenance.tiers[0].from",
        [maintenance('tiers = [{ from = "5 USDC", rate = "1 %" }]')],
    ),
    "no tier": (f"{SCHEDULES}.maintenance", [maintenance("tiers = []")]),
    "a rate of zero": (f"{SCHEDULES}.maintenance.tiers[0].rate", [maintenance('rate = "0 %"')]),
    "a base of zero": (
        f"{SCHEDULES}.maintenance.base",
        [maintenance('kind = "size_linear"\nbase = "0 %"\nslope = "1 %"\nsize_unit = "1 BTC"')],
    ),
    "leverage above what the rate allows": (
        f"{SCHEDULES}.initial.max_leverage",
        [("max_leverage = 50", "max_leverage = 51")],
    ),
    "leverage cap without leverage": (f"{SCHEDULES}.initial.max_leverage", [("use_leverage = true\n", "")]),
    "open-interest ramp without room": (
        f"{SCHEDULES}.initial.open_interest.upper",
        [("max_leverage = 50", 'max_leverage = 50\nopen_interest = { lower = "5 BTC", upper = "5 BTC" }')],
    ),
    "a level's schedule is missing": (SCHEDULES, [('requirement = "initial"', 'requirement = "opening"')]),
    # levels against each other
    "initial below maintenance from the start": ("margin.levels.initial", [maintenance('rate = "2.1 %"')]),
    "initial below maintenance at one edge only": (
        "margin.levels.initial",
        [
            maintenance(
                'tiers = [{ from = "0 USDC", rate = "1 %" }, { from = "500_000 USDC", rate = "3.5 %" }]'
            )
        ],
    ),
    "initial below maintenance far out": (
        "margin.levels.initial",
        [
            maintenance(
                'tiers = [{ from = "0 USDC", rate = "1 %" }, { from = "1_000_000 USDC", rate = "4.0001 %" }]'
            )
        ],
    ),
    "initial and maintenance depend on different things": (
        "margin.levels.initial",
        [maintenance('kind = "size_linear"\nbase = "1 %"\nslope = "0.01 %"\nsize_unit = "1 BTC"')],
    ),
    "initial without maintenance's fee": (
        "margin.levels.initial",
        [('requirement = "maintenance"', 'requirement = "maintenance"\nclose_fee = "mark"')],
    ),
    "exit asks less than the trigger": (
        "margin.levels.restore",
        [('requirement = "1.2 x maintenance"', 'requirement = "0.9 x maintenance"')],
    ),
    "margin call after the liquidation": (
        "margin.levels.backstop",
        [('level = "restore"\ncure', 'level = "backstop"\ncure')],
    ),
    "call lifted while it still holds": (
        "margin.levels.maintenance",
        [('cure_level = "restore"', 'cure_level = "maintenance"')],
    ),
    "transfer below the trigger": (
        "margin.levels.transfer",
        [
            (
                "[margin.levels.restore]",
                '[margin.levels.transfer]\nrequirement = "0.5 x maintenance"\nweights = "all"\n\n'
                "[margin.levels.restore]",
            )
        ],
    ),
    "step left above the trigger": (
        "margin.levels.maintenance",
        [('leave_below = "backstop"', 'leave_below = "restore"')],
    ),
    "easier weights at the stricter level": (
        "margin.levels.initial",
        [
            (
                "[margin.weights.all.USDC]",
                '[margin.weights.easy]\nUSDC = { weight = "100 %" }\nBTC = { weight = "99 %" }\n\n'
                "[margin.weights.all.USDC]",
            ),
            ('weights = "all"\norders', 'weights = "easy"\norders'),
        ],
    ),
    "no initial level": ("margin.levels", [("[margin.levels.initial]", "[margin.levels.opening]")]),
    "strict price without a slow price": (
        "margin.levels.initial.price",
        [("orders = true", 'orders = true\nprice = "strict"')],
    ),
    # collateral
    "weight above one": ("margin.weights.all.BTC.tiers[0].weight", [('weight = "95 %"', 'weight = "101 %"')]),
    "weight rises with size": (
        "margin.weights.all.BTC.tiers[1].weight",
        [('weight = "90 %"', 'weight = "96 %"')],
    ),
    "debt counts for less": (
        "margin.weights.all.BTC.liability",
        [('liability = "105 %"', 'liability = "99 %"')],
    ),
    "collateral priced by an unknown instrument": (
        "margin.collateral.BTC",
        [('BTC = "BTC-SPOT"', 'BTC = "BTC-CASH"')],
    ),
    "collateral priced in another unit": (
        "margin.collateral.BTC",
        [
            ('BTC = "BTC-SPOT"', 'BTC = "BTCUSD"'),
            ("[margin.levels.initial]", f"{INVERSE}\n[margin.levels.initial]"),
        ],
    ),
    "collateral that is its own price": ("margin.collateral.BTC", [('BTC = "BTC-SPOT"', 'BTC = "itself"')]),
    "profit in an asset that is no collateral": (
        "margin.collateral",
        [
            ('BTC = "BTC-SPOT"\n', ""),
            ("[margin.weights.all.BTC]", "[margin.weights.all.USDC.x]"),
            (
                "[margin.weights.all.USDC.x]\n"
                'tiers = [{ from = "0 BTC", weight = "95 %" }, { from = "10 BTC", weight = "90 %" }]\n'
                'liability = "105 %"\ncap = "1_000 BTC"\n',
                "",
            ),
            ("[margin.levels.initial]", f"{INVERSE}\n[margin.levels.initial]"),
        ],
    ),
    "balances without a weight": (
        "margin.weights.all",
        [('[margin.weights.all.USDC]\nweight = "100 %"\n', "")],
    ),
    "weight of an asset nobody prices": ("margin.weights.all.BTC", [('BTC = "BTC-SPOT"\n', "")]),
    # instruments and prices
    "instrument without oracle": (
        'instruments."BTC-SPOT"',
        [('[oracles.BTC-SPOT]\nlike = "BTC-PERP"\n', "")],
    ),
    "contract without margin": (
        "instruments.BTCUSD",
        [("[margin.levels.initial]", f"{INVERSE[: INVERSE.index('[margin')]}\n[margin.levels.initial]")],
    ),
    "quanto contract": (
        'instruments."BTC-PERP".settle',
        [
            (
                f'{PERPETUAL}quote = "USDC"{LOT}tick = "0.1 USDC"',
                f'{PERPETUAL}quote = "USD"{LOT}tick = "0.1 USD"',
            )
        ],
    ),
    "oracle of no instrument": (
        "oracles.XRP",
        [("[oracles.BTC-SPOT]", '[oracles.XRP]\nlike = "BTC-PERP"\n\n[oracles.BTC-SPOT]')],
    ),
    "quorum above the sources": (f"{ORACLE}.quorum", [("quorum = 2", "quorum = 4")]),
    "quorum of none": (f"{ORACLE}.quorum", [("quorum = 2", "quorum = 0")]),
    "source named twice": (f"{ORACLE}.sources", [('"beta", "gamma"', '"beta", "beta"')]),
    "mark without clamp": (f"{ORACLE}.mark_clamp", [('mark_clamp = "3 %"', 'mark_clamp = "0 %"')]),
    "mark average over no time": (f"{ORACLE}.ema_tau", [('ema_tau = "150 s"', 'ema_tau = "0 s"')]),
    "mark from an unknown source": (
        f"{ORACLE}.mark_source",
        [('ema_tau = "150 s"', 'ema_tau = "150 s"\nmark_source = "delta"')],
    ),
    "mark keys that do nothing": (f"{ORACLE}.mark", [('mark = "basis_ema"', 'mark = "index"')]),
    "step guard over no time": (f"{ORACLE}.step_window", [('step_window = "30 s"', 'step_window = "0 s"')]),
    "funding of a spot market": (
        'funding."BTC-SPOT"',
        [("[funding.BTC-PERP]", '[funding.BTC-SPOT]\nlike = "BTC-PERP"\n\n[funding.BTC-PERP]')],
    ),
    "funding paid less than once": ('funding."BTC-PERP".payment', [('payment = "1 h"', 'payment = "9 h"')]),
    "funding cap below the interest": ('funding."BTC-PERP".cap', [('cap = "4 %"', 'cap = "0.5 bp"')]),
    # the ladder
    "unknown trigger": ("liquidation.trigger", [('trigger = "maintenance"', 'trigger = "maintenence"')]),
    "unknown leave_below": (
        f"{STEP_1}.leave_below",
        [('leave_below = "backstop"', 'leave_below = "backup"')],
    ),
    "left at the trigger itself": (
        f"{STEP_1}.leave_below",
        [('leave_below = "backstop"', 'leave_below = "maintenance"')],
    ),
    "fee shares do not add up": (f"{STEP_1}.fees", [('venue = "30 %"', 'venue = "29 %"')]),
    "a fraction of nothing": (f"{STEP_1}.fraction", [('fraction = "20 %"', 'fraction = "0 %"')]),
    "a fraction without its size rule": (f"{STEP_1}.fraction", [('size = "fraction"', 'size = "all"')]),
    "an offset without its price": (f"{STEP_1}.offset", [('price = "mark"', 'price = "bankruptcy"')]),
    "a step after one that is never left": (
        "liquidation.steps[2]",
        [('max_attempts = 3\nleave_below = "backstop"\n', "")],
    ),
    "a step left by the level that led to it": (
        "liquidation.steps[2].leave_below",
        [("max_attempts = 3\n", ""), ('action = "takeover"', 'action = "reduce"\nleave_below = "backstop"')],
    ),
    "stepping down without risk tiers": (
        f"{STEP_1}.size",
        [
            ('size = "fraction"\nfraction = "20 %"\nonly_above = "100_000 USDC"', 'size = "step_down"'),
            maintenance('rate = "1 %"'),
        ],
    ),
    "a vault without money": ("liquidation.steps[2]", [('backstop = ["1_000 USDC"]', "backstop = []")]),
    "unwinding never": (
        "liquidation.unwind_every",
        [('exit = "restore"', 'exit = "restore"\nunwind_fraction = "10 %"')],
    ),
    "two steps of one name": ("liquidation.steps[2].name", [('name = "vault"', 'name = "ease"')]),
    # losses
    "a loss left to an insurance fund and ADL": ("waterfall", [(LAST_TIER, "")]),
    "a loss left to a socialise tier that can refuse": (
        "waterfall",
        [('method = "positive_equity"', 'method = "positive_equity"\nmin_deficit = "5 USDC"')],
    ),
    "a tier after the one that takes all": (
        "waterfall.tiers[2]",
        [
            (
                '[[waterfall.tiers]]\nkind = "insurance"\nfund = "insurance"\n\n'
                '[[waterfall.tiers]]\nkind = "adl"\nranker = "pnl"\n\n' + LAST_TIER,
                '[[waterfall.tiers]]\nkind = "insurance"\nfund = "insurance"\n\n'
                + LAST_TIER
                + '\n[[waterfall.tiers]]\nkind = "adl"\nranker = "pnl"\n',
            )
        ],
    ),
    "an unknown fund": ("waterfall.tiers[0].fund", [('fund = "insurance"', 'fund = "rainy-day"')]),
    # safeguards
    "a breaker that forbids nothing": (
        "safeguards.breakers[0].forbids",
        [('forbids = ["open"]', "forbids = []")],
    ),
    "a breaker over no time": ("safeguards.breakers[0].for", [('\nfor = "5 min"', '\nfor = "0 s"')]),
    "a breaker at zero": ("safeguards.breakers[0].threshold", [('threshold = "10 %"', 'threshold = "0 %"')]),
    "a move over no window": ("safeguards.breakers[0].window", [('window = "5 min"', 'window = "0 s"')]),
    "a divergence beyond every clamp": (
        "safeguards.breakers[0].threshold",
        [
            (
                'when = "mark_move"\nthreshold = "10 %"\nwindow = "5 min"',
                'when = "divergence"\nthreshold = "3 %"',
            )
        ],
    ),
    "a proposer without approver": ("safeguards.governance.approvals", [("approvals = 2", "approvals = 0")]),
    "rules that loosen at once": (
        "safeguards.governance.timelock",
        [('timelock = "24 h"', 'timelock = "0 s"')],
    ),
}


@pytest.mark.parametrize(("place", "changes"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_a_contradiction_is_refused_at_its_place(place, changes):
    rulebook = parse_rulebook(changed(*changes), file="mini.toml")
    places = [finding.path for finding in contradictions(rulebook)]
    assert place in places
    assert len(places) <= 3, f"one change, but {places}"


def test_the_refusal_says_where_what_and_what_to_do():
    with pytest.raises(RulebookError) as refusal:
        read(changed(('rate = "2 %" },\n]', 'rate = "0.9 %" },\n]')))
    assert str(refusal.value) == (
        'mini.toml: margin.instruments."BTC-PERP".maintenance.tiers[1].rate is 0.9 %, '
        "below the tier before it (1 %)\n"
        "  A larger position may never need less margin. "
        "Raise it to 1 % or more, or reorder the tiers by 'from'."
    )


def test_a_shortfall_between_levels_is_told_with_its_numbers():
    with pytest.raises(
        RulebookError, match=r"of BTC-PERP: .* USDC against .* USDC at a notional of 1,000,000 USDC"
    ):
        read(
            changed(
                maintenance(
                    'tiers = [{ from = "0 USDC", rate = "1 %" }, { from = "500_000 USDC", rate = "3.5 %" }]'
                )
            )
        )


def test_a_loss_that_may_stay_open_is_allowed_once_it_is_stated():
    stated = changed(
        (LAST_TIER, ""), ('[waterfall]\nsource = "doc"', '[waterfall]\nsource = "doc"\nremainder = "halt"')
    )
    assert read(stated).remainder == "halt"


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        (
            'settle = "USDC"\nlot = "0.001 BTC"',
            'settle = "DAI"\nlot = "0.001 BTC"',
            'instruments."BTC-PERP".settle',
        ),
        ('[safeguards.governance]\napprovals = 2\ntimelock = "24 h"\n', "", "safeguards.governance"),
        ('value = ["wide"]', 'value = ["missing"]', 'oracles."BTC-PERP".tolerates.value'),
        (
            "[margin.levels.initial]",
            '[margin.instruments.XRP]\nlike = "BTC-PERP"\n[margin.levels.initial]',
            "margin.instruments.XRP",
        ),
    ],
)
def test_what_cannot_even_be_read_is_refused_at_its_place(old, new, place):
    with pytest.raises(RulebookError, match=r"^mini\.toml: ") as refusal:
        read(changed((old, new)))
    assert str(refusal.value).startswith(f"mini.toml: {place} ")


def test_fixed_amounts_are_refused_where_pots_have_several_units():
    text = (
        changed(('scope = "account"', 'scope = "settlement"'), ('BTC = "BTC-SPOT"', 'BTC = "itself"'))
        + INVERSE
    )
    places = [finding.path for finding in contradictions(parse_rulebook(text, file="mini.toml"))]
    assert places == ["liquidation.steps[1]"]
