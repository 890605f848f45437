"""An account after trades, withdrawals, and a move of prices and vols. Nothing is changed.

Trades come first, at the values the statement itself uses and without fees, so they leave equity as it is (to
an atom a leg); then what is withdrawn; then the moves, with vols staying at their strikes and futures keeping
their basis.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import msgspec

from seawall.api.market_table import MarketTable
from seawall.api.portfolio import make_portfolio
from seawall.api.portfolio_desk import Account, load_account, merged, pairs_of, question_of
from seawall.api.portfolio_files import Row, read_rows
from seawall.api.portfolio_names import read_contract_name
from seawall.errors import InputError
from seawall.margin.portfolio.evaluate import evaluate
from seawall.margin.portfolio.inputs import Portfolio
from seawall.margin.portfolio.levels import moved
from seawall.margin.portfolio.statement import PortfolioStatement
from seawall.units import parse_decimal

_MOVE = re.compile(r"(?:(?P<name>[A-Z0-9]+)=)?(?P<move>[+-]?[0-9._]+) ?%")


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """`trades`: contract -> size, negative sold; `moves`, `vols`: underlying (or "all") -> factor."""

    trades: dict[str, str] = {}
    withdraw: dict[str, str] = {}
    moves: dict[str, float] = {}
    vols: dict[str, float] = {}

    def __bool__(self) -> bool:
        return bool(self.trades or self.withdraw or self.moves or self.vols)

    def words(self) -> str:
        said = [f"{size} {name}" for name, size in self.trades.items()]
        said += [f"withdraw {amount} {asset}" for asset, amount in self.withdraw.items()]
        said += [f"{_of(name)} {factor - 1.0:+.2%}" for name, factor in self.moves.items()]
        said += [f"{_of(name)} vols {factor - 1.0:+.2%}" for name, factor in self.vols.items()]
        return "; ".join(said)


def _of(name: str) -> str:
    return "every underlying" if name == "all" else name


def read_moves(texts: Sequence[str], flag: str) -> dict[str, float]:
    """`BTC=-10%` or `-10%` (every underlying) as factors, by name. InputError for another form."""
    found = {}
    for text in texts:
        match = _MOVE.fullmatch(text.strip())
        if match is None:
            raise InputError.at(flag, f"{text!r} is no move", "Write it like BTC=-10%, or -10% for all.")
        share = parse_decimal(match["move"].removeprefix("+"), where=flag) / 100
        if share <= -1:
            raise InputError.at(flag, f"{text!r} leaves nothing", "A fall is less than 100 %.")
        found[match["name"] or "all"] = float(1 + share)
    return found


def change_account(account: Account, portfolio: object, market: MarketTable, change: Change) -> Account:
    """The account after the change; unknown where a traded contract has no quote. InputError, NumberError."""
    rows = read_rows(portfolio, ("instrument", "size"), name="portfolio")
    rows += [_trade(name, size) for name, size in change.trades.items()]
    traded = load_account(account.rulebook, rows, market)
    if not (traded.unknown or account.unknown):
        traded = _paid(account, traded)
    if change.withdraw:
        traded = _withdrawn(traded, change.withdraw)
    return _shifted(traded, change)


def _trade(name: str, size: str) -> Row:
    where = f"--trade {name}"
    if read_contract_name(name, where=where).kind == "spot":
        raise InputError.at(where, "is an asset, not a contract", "Use --withdraw, or change the portfolio.")
    return Row(where, {"instrument": name, "size": size.removeprefix("+")})


def _paid(before: Account, after: Account) -> Account:
    """Premiums taken from cash: what the options are worth more is what they cost."""
    values = {node.underlying: node.options_atoms for node in before.statement.nodes}
    cash = dict(after.portfolio.cash_atoms)
    for node in after.statement.nodes:
        paid = node.options_atoms - values.get(node.underlying, 0)
        cash[node.underlying] = cash.get(node.underlying, 0) - paid
    return _again(after, msgspec.structs.replace(after.portfolio, cash_atoms=cash))


def _withdrawn(account: Account, withdraw: Mapping[str, str]) -> Account:
    rules = account.rulebook.rules
    rows = [
        Row(f"--withdraw {asset}", {"instrument": asset, "size": size}) for asset, size in withdraw.items()
    ]
    gone = make_portfolio(rules, rows)
    held = account.portfolio
    cash = dict(held.cash_atoms)
    for node, atoms in gone.cash_atoms.items():
        cash[node] = cash.get(node, 0) - atoms
    negative = tuple(
        msgspec.structs.replace(position, size_steps=-position.size_steps) for position in gone.positions
    )
    left = merged(msgspec.structs.replace(held, positions=held.positions + negative, cash_atoms=cash))
    for position in left.positions:
        if position.contract.kind == "spot" and position.size_steps < 0:
            raise InputError.at(
                f"--withdraw {position.contract.name}", "is more than the account holds", "Withdraw less."
            )
    return _again(account, left)


def _shifted(account: Account, change: Change) -> Account:
    prices, vols = pairs_of(account, change.moves), pairs_of(account, change.vols)
    for name in dict.fromkeys([*prices, *vols]):
        if name not in account.market.underlyings:
            continue  # unknown already
        question = question_of(account, name, account.liquidated_at)
        held, market = moved(question, prices.get(name, 1.0), vols.get(name, 1.0))
        account = _again(msgspec.structs.replace(account, market=market), held)
    return account


def _again(account: Account, portfolio: Portfolio) -> Account:
    statement: PortfolioStatement = evaluate(portfolio, account.market, account.rulebook.rules)
    return msgspec.structs.replace(account, portfolio=portfolio, statement=statement)
