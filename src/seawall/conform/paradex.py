"""Paradex: cross margin with open orders, partial liquidation, socialised loss, and which orders go first.

The worked table of the liquidation page uses a fee of 50 % where its text says 70 %: the table's is taken
where none is given. Its example of a socialised loss counts the users' balances without the fund's.
Portfolio margin is elsewhere.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from seawall.conform.bench import Bench, flat_rate, level, make_rulebook, perpetual
from seawall.conform.grid import Grid, linear_grid
from seawall.conform.model import Vector
from seawall.conform.option_book import Leg, OptionBook, short_terms
from seawall.conform.reading import Adapter, Answer, as_number, find, flat, number, numbers, rate_ppb
from seawall.engine import commands as cmd
from seawall.errors import Unsupported
from seawall.instruments.model import Asset
from seawall.liquidation.partial import ShareTaken, orders_kept, shares_to_take, smallest_share
from seawall.liquidation.socialise import withdrawal_fee
from seawall.margin.option_schedule import OptionTerms
from seawall.units import PPB

ATOMS, CENT = 10**12, Fraction(1, 100)
STEP, MOST_RATIO, TABLE_FEE = Fraction(20, 100), Fraction(90, 100), Fraction(50, 100)


def orders(vector: Vector) -> Answer:
    """Initial margin on the worse of all bids and all offers filled."""
    given = vector.inputs
    held, mark = number(given, "pos", "position", "size"), number(given, "mark", "mark_price")
    bids, offers = number(given, "bids", default=0), number(given, "offers", "asks", default=0)
    grid = linear_grid([held, bids, offers, abs(held) + bids + offers], [mark])
    bench = _market(grid, {"X": rate_ppb(number(given, "imf", "im"))}, orders=True)
    ticks = grid.ticks(mark)
    bench.price(X=ticks)
    account, bought, sold = bench.account(), bench.account(), bench.account()
    for one in (account, bought, sold):
        _fill(bench, one, grid.lots(held), ticks)
    _fill(bench, bought, grid.lots(bids), ticks)
    _fill(bench, sold, -grid.lots(offers), ticks)
    bench.deposit(account, grid.atoms(mark * (abs(held) + bids + offers)))
    for number_, lots in enumerate((grid.lots(bids), -grid.lots(offers)), start=1):
        if lots:
            bench.give(
                cmd.PlaceOrder,
                account=account,
                order=number_,
                instrument="X",
                size_lots=lots,
                price_ticks=ticks,
            )
    asked = bench.position(bench.pot(account), "initial", "X").amount_atoms
    lot = Fraction(grid.lot)
    return {
        "buy_open": max(bench.lots(bought, "X"), 0) * lot,
        "sell_open": max(-bench.lots(sold, "X"), 0) * lot,
        "net_imr": grid.money(asked),
    }


def _fill(bench: Bench, account: int, lots: int, ticks: int) -> None:
    if lots:
        bench.trade(account, "X", lots, ticks)


def _market(grid: Grid, rates: dict[str, int], **terms: Any) -> Bench:
    """Perpetuals at a flat rate each."""
    money = Asset(name="USDC", decimals=grid.decimals)
    return Bench(
        make_rulebook(
            assets=(money,),
            instruments=tuple(perpetual(name, money, lot=grid.lot, tick=grid.tick) for name in rates),
            schedules={name: {"initial": flat_rate(rate)} for name, rate in rates.items()},
            levels=(level("initial", **terms),),
        )
    )


def partial(vector: Vector) -> Answer:
    """The account's own statement, the table of shares, and its balance once the share is taken."""
    given = vector.inputs
    held = {name: value for name, value in given.items() if isinstance(value, dict)}
    size = {name: number(one, "q", "size") for name, one in held.items()}
    entry = {name: number(one, "entry") for name, one in held.items()}
    mark = {name: number(one, "mark") for name, one in held.items()}
    cash, rate = number(given, "collateral"), rate_ppb(number(given, "mmf", "mm"))
    # A hundredth of every size is a whole number of lots, so that any share of it can be closed.
    grid = linear_grid([q * CENT for q in size.values()], [*entry.values(), *mark.values()], [100 * cash])
    bench = _market(grid, dict.fromkeys(held, rate))
    bench.price(**{name: grid.ticks(price) for name, price in entry.items()})
    account = bench.account(grid.atoms(cash))
    for name in held:
        bench.trade(account, name, grid.lots(size[name]), grid.ticks(entry[name]))
    bench.price(**{name: grid.ticks(price) for name, price in mark.items()})
    pot = bench.pot(account)
    now = bench.statement(pot, "initial")
    table = shares_to_take(
        worth_atoms=now.equity_atoms,
        requirement_atoms=now.requirement_atoms,
        step_ppb=rate_ppb(number(given, "step", default=STEP)),
        fee_ppb=rate_ppb(number(given, "fee", "liquidation_fee", default=TABLE_FEE)),
    )
    found = smallest_share(table, most_ratio_ppb=rate_ppb(MOST_RATIO))
    share = 1 if found is None else Fraction(found.share_ppb, PPB)
    profit = sum(bench.position(pot, "initial", name).profit_atoms for name in held)
    for name in held:
        bench.trade(account, name, -grid.lots(size[name] * share), grid.ticks(mark[name]))
    left = bench.balance(pot, "USDC") - (found.penalty_atoms if found else 0)
    return {
        "upnl": grid.money(profit),
        "mmr": grid.money(now.requirement_atoms),
        "account_value": grid.money(now.equity_atoms),
        "table_share_newMMR_penalty_newAV": [_row(grid, row) for row in table],
        "share": share,
        "collateral_after": grid.money(left),
    }


def _row(grid: Grid, row: ShareTaken) -> list[Fraction]:
    money = (row.requirement_atoms, row.penalty_atoms, row.worth_atoms)
    return [Fraction(row.share_ppb, PPB), *(grid.money(atoms) for atoms in money)]


def socialised(vector: Vector) -> Answer:
    """The bankrupt user is one of those listed; what the fund cannot pay is withheld from withdrawals."""
    given = vector.inputs
    users, fund = numbers(given, "users"), number(given, "if_balance", "fund")
    lost = next((value for key, value in given.items() if flat(key).endswith("upnl")), None)
    shortfall = _atoms(max(-(as_number(lost, "upnl") + users[0]) - fund, Fraction(0)))
    balances = _atoms(sum(users, Fraction(0)))
    drawn = _atoms(number(given, "withdraw", default=0))
    return {
        "exchange_bankruptcy": Fraction(shortfall, ATOMS),
        "factor": Fraction(withdrawal_fee(ATOMS, balances, shortfall), ATOMS),
        "withdraw_fee": Fraction(withdrawal_fee(drawn, balances, shortfall), ATOMS),
    }


def cut_orders(vector: Vector) -> Answer:
    rows = find(vector.inputs, "orders")
    if not isinstance(rows, list) or not all(isinstance(row, list) and len(row) == 3 for row in rows):
        raise Unsupported("orders is not a list of [side, size, price]")
    sides = [1 if row[0] == "buy" else -1 for row in rows]
    scaled = [
        (side * _atoms(as_number(row[1], "size")), _atoms(as_number(row[2], "price")))
        for side, row in zip(sides, rows, strict=True)
    ]
    kept = orders_kept(_atoms(number(vector.inputs, "position")), scaled)
    return {"kept": [rows[place] for place in kept]}


def option(vector: Vector) -> Answer:
    """Cross margin of one option, bought or sold, at the page's parameters (maintenance is half)."""
    given = vector.inputs
    size = number(given, "size", "q", "pos", default=-1)
    tenths = {"initial": Fraction(1), "maintenance": Fraction(1, 2)}
    schedules = {}
    for name, share in tenths.items():
        sold: dict[str, Fraction | str | int] = {
            "spot": Fraction(15, 100) * share,
            "floor": Fraction(10, 100) * share,
        }
        sold["premium"] = 0
        schedules[name] = OptionTerms(
            call=short_terms(**sold),
            put=short_terms(**sold, strike_cap=Fraction(50, 100)),
            long_mark_ppb=rate_ppb(share),
            long_spot_ppb=rate_ppb(Fraction(20, 100) * share),
        )
    told = str(find(given, "type", "right", "option_type") or vector.id)
    book = OptionBook(
        [
            Leg(
                is_call="put" not in told.lower() and not told.upper().startswith("P"),
                strike=number(given, "strike", "K"),
                size=size,
                mark=number(given, "mark", "option_mark", "premium"),
            )
        ],
        spot=number(given, "spot", "S", "index"),
        schedules=schedules,
        levels=(level("initial"), level("maintenance")),
    )
    initial, maintenance = book.position("initial"), book.position("maintenance")
    return {"imr": initial, "mmr": maintenance, "IM": initial, "MM": maintenance}


def _atoms(amount: Fraction) -> int:
    return int(amount * ATOMS)


ADAPTERS = (
    Adapter("paradex-xm", ("pos|position|size", "bids", "offers|asks", "imf|im", "mark"), orders),
    Adapter("paradex-", ("strike|K", "spot|S|index", "mark|option_mark|premium"), option),
    Adapter("paradex-liq", ("collateral", "mmf|mm"), partial),
    Adapter("paradex-social", ("users", "if_balance|fund"), socialised),
    Adapter("paradex-deleverage", ("position", "orders"), cut_orders),
)
