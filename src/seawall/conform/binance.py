"""Binance: liquidation prices, brackets, deleveraging score and the parts of the portfolio-margin example.

A published maintenance amount (`cum`) comes without the bracket floors it belongs to; the bracket with that
amount is found by asking the engine for deductions. Sources are in the vectors: Binance FAQ and API.
"""

from __future__ import annotations

from fractions import Fraction

import msgspec
import numpy as np

from seawall.conform.answers import answer_all
from seawall.conform.bench import WORTH, level, weight
from seawall.conform.compare import names_asked
from seawall.conform.model import Vector
from seawall.conform.reading import (
    Adapter,
    Answer,
    as_number,
    find,
    maybe,
    number,
    rate_ppb,
    side_of,
)
from seawall.conform.scores import scores
from seawall.conform.single import Case, Single, bracket
from seawall.conform.wallet import Coin, Wallet, wallet_grid
from seawall.engine.decide.deleverage import adl_candidates
from seawall.errors import Unsupported
from seawall.liquidation.adl_rank import AdlCandidates, rank
from seawall.margin.compiled import tier_deductions
from seawall.margin.lending import loan_margin_atoms
from seawall.margin.rules import Tier
from seawall.units import PPB

MONEY_DECIMALS = 8
SIZE = ("q", "qty", "amount", "size", "position_amt", "contracts")
ENTRY = ("ep", "entry", "entry_price", "open_rate")
RATE = ("mmr", "maintenance_rate", "mm_ratio", "maint_margin_ratio", "maint_margin_rate")
AMOUNT = ("cum", "maintenance_amount", "maint_amount")
WALLET = ("wb", "wallet_balance", "wallet", "isolated_wallet", "margin")


def linear_price(vector: Vector) -> Answer:
    """USD-M: the account's other positions stand still, as TMM and UPNL say."""
    given = vector.inputs
    case = Case(
        size=abs(number(given, *SIZE)),
        entry=number(given, *ENTRY),
        side=side_of(vector),
        deposit=number(given, *WALLET),
        maintenance=number(given, *RATE),
        deduction=number(given, *AMOUNT, default=0),
        other_maintenance=number(given, "tmm", default=0),
        other_profit=number(given, "upnl", default=0),
    )
    return answer_all(vector, Single(case))


def isolated_price(vector: Vector) -> Answer:
    """USD-M isolated: the wallet is the initial margin of the chosen leverage."""
    given = vector.inputs
    case = Case(
        size=abs(number(given, *SIZE, default=1)),
        entry=number(given, *ENTRY),
        side=side_of(vector),
        leverage=number(given, "leverage"),
        maintenance=number(given, *RATE),
        deduction=number(given, *AMOUNT, default=0),
    )
    return answer_all(vector, Single(case))


def coin_price(vector: Vector) -> Answer:
    """COIN-M: size in dollars, or in contracts of a size; wallet and amounts in coin."""
    given = vector.inputs
    contract = number(given, "contract_size", "cs", "multiplier", default=1)
    case = Case(
        inverse=True,
        size=abs(number(given, *SIZE, "usd", "notional")) * contract,
        entry=number(given, *ENTRY),
        side=side_of(vector),
        deposit=number(given, *WALLET),
        maintenance=number(given, *RATE),
        deduction=number(given, *AMOUNT, default=0),
    )
    return answer_all(vector, Single(case))


def marks(vector: Vector) -> Answer:
    """Maintenance and profit of each position of an account, by name."""
    answer: Answer = {}
    for name, given in vector.inputs.items():
        if not isinstance(given, dict):
            raise Unsupported(f"input {name} is not a position")
        single = Single(
            Case(
                size=abs(number(given, *SIZE)),
                entry=number(given, *ENTRY),
                mark=number(given, "mark"),
                side=side_of(msgspec.structs.replace(vector, inputs=given, description="")),
                deposit=number(given, "mark"),
                maintenance=number(given, "mmr"),
                deduction=number(given, "cum", default=0),
            )
        )
        answer[f"mm_{name.lower()}"] = single.requirement("maintenance")
        answer[f"upnl_{name.lower()}"] = single.profit
    return answer


def next_bracket(vector: Vector) -> Answer:
    """The amount of a bracket from its floor and the bracket before it."""
    given = vector.inputs
    before = bracket(rate_ppb(number(given, "mmr_prev")), _atoms(number(given, "cum_prev")))
    last = Tier(floor_atoms=_atoms(number(given, "floor_n")), rate_ppb=rate_ppb(number(given, "mmr_n")))
    return {"cum_n": _money(tier_deductions((*before, last))[-1])}


def one_bracket(vector: Vector) -> Answer:
    """Maintenance of a notional in a bracket with this amount."""
    given = vector.inputs
    case = Case(
        size=number(given, "notional"),
        entry=Fraction(1),
        leverage=Fraction(1),
        maintenance=number(given, "mmr"),
        deduction=number(given, "cum", default=0),
    )
    return answer_all(vector, Single(case))


def brackets(vector: Vector) -> Answer:
    """All amounts of a bracket table."""
    rows = find(vector.inputs, "floors_and_mmr")
    if not isinstance(rows, list) or not all(isinstance(row, list) and len(row) == 2 for row in rows):
        raise Unsupported("floors_and_mmr is not a list of [floor, rate]")
    tiers = tuple(
        Tier(floor_atoms=_atoms(as_number(floor, "floor")), rate_ppb=rate_ppb(as_number(rate, "rate")))
        for floor, rate in rows
    )
    return {"cum": [_money(amount) for amount in tier_deductions(tiers)]}


def adl_score(vector: Vector) -> Answer:
    """The ranking score of an account; its maintenance is the printed margin ratio of what it is worth.

    PnL% alone is the score of the same account at a margin ratio of one.
    """
    given = vector.inputs
    profit = number(given, "upnl")
    ratio = maybe(given, "margin_ratio")
    single = Single(
        Case(
            size=Fraction(1),
            entry=2 * abs(profit) + 1,
            mark=2 * abs(profit) + 1 + profit,
            deposit=number(given, "wallet"),
        )
    )
    state = single.bench.state
    pot = np.array([single.pot], np.int64)
    slot = np.array([state.book.position(int(pot[0]), 0)], np.int64)
    found = adl_candidates(state, 0, pot, slot)
    worth = int(found.account_value_atoms[0])

    def score(margin_ratio: Fraction) -> Fraction:
        owed = max(single.grid.atoms_up(single.grid.money(worth) * margin_ratio), 0)
        asked: AdlCandidates = msgspec.structs.replace(found, maintenance_atoms=np.array([owed], np.int64))
        return scores(rank(asked, "binance", unit_atoms=10**single.grid.decimals))[0]

    if ratio is None:
        ratio = number(given, "mm", "maintenance_margin") / single.grid.money(worth)
    return {"pnl_percent": score(Fraction(1)), "leverage_pnl": score(ratio)}


def portfolio_parts(vector: Vector) -> Answer:
    """Margin on each loan, in its coin, and the profit of each linear contract, of the uniMMR example."""
    given = vector.inputs
    rate = number(given, "loan_mmr_at_3x", "loan_mmr")
    loans = {
        name[: -len("_loan")]: as_number(value, name)
        for name, value in given.items()
        if name.endswith("_loan")
    }
    answer: Answer = {f"margin_mm_{coin.lower()}": _loan_margin(owed, rate) for coin, owed in loans.items()}
    for name, position in given.items():
        if isinstance(position, dict) and {"side", "q", "entry", "mark"} <= set(position):
            own = msgspec.structs.replace(vector, inputs=position, description="")
            profit = Single(
                Case(
                    size=number(position, "q"),
                    entry=number(position, "entry"),
                    mark=number(position, "mark"),
                    side=side_of(own),
                    deposit=number(position, "entry"),
                )
            ).profit
            answer["upnl_perp" if name.upper().endswith("PERP") else "upnl_q"] = profit
    missing = [name for name in names_asked(vector.expected) if name not in answer]
    if missing:
        raise Unsupported(f"uniMMR example: nothing here answers to {', '.join(missing)}")
    return answer


def _loan_margin(owed: Fraction, rate: Fraction) -> Fraction:
    """A loan in a coin at price 1, beside enough money: what it weighs beyond its worth at the loan level."""
    coin = Coin(name="LOAN", owed=owed, weights={"loans": weight(liability_ppb=PPB + rate_ppb(rate))})
    levels = (level("loans", schedule="none", weights="loans"),)
    wallet = Wallet((coin,), grid=wallet_grid((coin,), (), 10 * owed), levels=levels, money=10 * owed)
    at_worth, weighted = (wallet.bench.statement(wallet.pot, name) for name in (WORTH, "loans"))
    row = wallet.bench.state.asset_row["LOAN"]
    return wallet.grid.money(loan_margin_atoms(at_worth, weighted, row))


def _atoms(amount: Fraction) -> int:
    return int(amount * 10**MONEY_DECIMALS)


def _money(atoms: int) -> Fraction:
    return Fraction(atoms, 10**MONEY_DECIMALS)


ANY_RATE, ANY_ENTRY, ANY_WALLET, ANY_SIZE = ("|".join(names) for names in (RATE, ENTRY, WALLET, SIZE))

ADAPTERS = (
    Adapter("binance-coinm", (ANY_RATE, ANY_ENTRY, ANY_WALLET), coin_price),
    Adapter("binance-", ("floor_n", "mmr_n", "mmr_prev", "cum_prev"), next_bracket),
    Adapter("binance-", ("floors_and_mmr",), brackets),
    Adapter("binance-", ("notional", ANY_RATE), one_bracket),
    Adapter("binance-", ("loan_mmr_at_3x|loan_mmr",), portfolio_parts),
    Adapter("binance-adl", ("wallet", "upnl"), adl_score),
    Adapter("binance-usdm", (ANY_WALLET, ANY_SIZE, ANY_ENTRY, ANY_RATE), linear_price),
    Adapter("binance-usdm", ("leverage", ANY_ENTRY, ANY_RATE), isolated_price),
    Adapter("binance-usdm-tmm", (), marks),
    Adapter("binance-usdm-upnl", (), marks),
)
