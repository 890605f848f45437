"""From a book of positions to the commands that build it in an engine.

Sizes lots, prices ticks, money atoms. Decimal text becomes integers through units, never floats; a
synthetic book's USD figures are rounded to atoms (collateral up, so that nobody starts short by
rounding). Every position is opened at its entry price against the outside market (account 5).
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache

import msgspec

from seawall.engine.commands import AnyCommand, Deposit, OpenAccount, ReportDebt, ReportFill, Transfer
from seawall.engine.state import HOUSE_ACCOUNTS, MARKET
from seawall.errors import BookError, InputError, NumberError
from seawall.instruments.model import Asset, Instrument, InstrumentKind
from seawall.lab.bookfile import BookRow
from seawall.lab.synthetic import Market, SyntheticBook
from seawall.ledger.trade import fee_atoms, notional
from seawall.rulebooks.model import Rulebook
from seawall.units import PPB, parse_decimal, scale


class LoadedBook(msgspec.Struct, frozen=True, kw_only=True):
    """The commands, and what each account is: its name in the source and its role (trader, market_maker)."""

    commands: tuple[AnyCommand, ...]
    names: tuple[str, ...]
    roles: tuple[str, ...]


def tradable(rulebook: Rulebook, assets: tuple[str, ...]) -> tuple[Instrument, ...]:
    """Perpetuals of the rulebook whose base has a price, in the order of `assets`."""
    kinds = (InstrumentKind.LINEAR_PERPETUAL, InstrumentKind.INVERSE_PERPETUAL)
    aliases = {"XBT": "BTC"}
    found = []
    for asset in assets:
        rows = [i for i in rulebook.instruments if i.kind in kinds and aliases.get(i.base, i.base) == asset]
        rows.sort(key=lambda instrument: (instrument.kind, instrument.name))
        found += rows[:1]
    if not found:
        bases = ", ".join(sorted({i.base for i in rulebook.instruments}))
        raise BookError(
            f"{rulebook.name}: none of its perpetuals has prices ({', '.join(assets)} given)\n"
            f"  Give prices for one of: {bases}, as NAME=path if the file is called otherwise."
        )
    return tuple(found)


def markets(instruments: tuple[Instrument, ...], prices: dict[str, float]) -> tuple[Market, ...]:
    """What the synthetic book draws positions in; an inverse lot is worth lot / price coins."""
    rows = []
    for instrument in instruments:
        asset = "BTC" if instrument.base == "XBT" else instrument.base
        price, lot = prices[asset], float(instrument.lot_units)
        rows.append(Market(instrument.name, asset, price, lot / price if instrument.kind.inverse else lot))
    return tuple(rows)


def commands_for_synthetic(
    rulebook: Rulebook, book: SyntheticBook, *, time_ns: int, prices: dict[str, float]
) -> LoadedBook:
    """Open, fund and fill every account of a synthetic book."""
    commands: list[AnyCommand] = []
    names, roles, account = [], [], HOUSE_ACCOUNTS
    known = {instrument.name: instrument for instrument in rulebook.instruments}
    for row in range(len(book.account)):
        instrument = known[book.instrument(row)]
        coin = book.collateral_names[int(book.collateral[row])]
        asset = _collateral_asset(rulebook, instrument, coin, bool(book.isolated[row]))
        atoms = _usd_to_atoms(rulebook, asset, float(book.collateral_usd[row]), prices)
        ticks = max(round(float(book.entry_price[row]) / float(instrument.tick_units)), 1)
        lots = int(book.size_lots[row])
        fee_ppb = max(instrument.taker_fee_ppb, 0)
        atoms += _usd_to_atoms(rulebook, asset, float(book.notional_usd[row]) * fee_ppb / PPB, prices)
        commands += _one_account(
            account, time_ns, asset, atoms, instrument, lots, ticks, isolated=bool(book.isolated[row])
        )
        names.append(str(int(book.account[row])))
        roles.append("market_maker" if book.maker[row] else "trader")
        account += 1
    return LoadedBook(commands=tuple(commands), names=tuple(names), roles=tuple(roles))


def commands_for_rows(rulebook: Rulebook, rows: list[BookRow], *, time_ns: int) -> LoadedBook:
    """Open, fund and fill the accounts of a book file; rows may share one. Raises BookError."""
    commands: list[AnyCommand] = []
    numbers: dict[str, int] = {}
    known = {instrument.name: instrument for instrument in rulebook.instruments}
    assets = {asset.name: asset for asset in rulebook.assets}
    for row in rows:
        if row.account not in numbers:
            numbers[row.account] = HOUSE_ACCOUNTS + len(numbers)
            commands.append(OpenAccount(time_ns=time_ns, account=numbers[row.account], owner=row.account))
    try:
        # Isolated money first: it leaves a cross pot that holds nothing yet which would need a price.
        for row in sorted(rows, key=lambda row: row.margin_mode != "isolated"):
            commands += _row_commands(rulebook, known, assets, row, numbers[row.account], time_ns)
    except NumberError as error:
        raise BookError(str(error)) from None
    return LoadedBook(commands=tuple(commands), names=tuple(numbers), roles=("trader",) * len(numbers))


def _row_commands(
    rulebook: Rulebook,
    known: dict[str, Instrument],
    assets: dict[str, Asset],
    row: BookRow,
    account: int,
    time_ns: int,
) -> Iterator[AnyCommand]:
    instrument = None
    if row.instrument is not None:
        instrument = known.get(row.instrument)
        if instrument is None:
            raise BookError(
                f"{row.where}: {rulebook.name} lists no instrument {row.instrument!r}\n"
                f"  It lists: {', '.join(known)}."
            )
    isolated = row.instrument if row.margin_mode == "isolated" and row.instrument else ""
    if row.collateral_asset is not None and row.collateral_amount is not None:
        if row.collateral_asset not in assets:
            raise BookError(
                f"{row.where}: {rulebook.name} has no asset {row.collateral_asset!r}\n"
                f"  It has: {', '.join(assets)}."
            )
        asset = assets[row.collateral_asset]
        atoms = _whole(row.collateral_amount, Fraction(1, asset.atoms_per_unit), row.where)
        if atoms < 0:
            if rulebook.curve(asset.name) is None:
                raise _not_lent(rulebook, row, asset)
            yield ReportDebt(time_ns=time_ns, account=account, asset=asset.name, amount_atoms=-atoms)
        elif atoms:
            yield from _money(account, time_ns, asset.name, atoms, isolated)
    if instrument is not None and row.size is not None and row.entry_price is not None:
        lots = _whole(row.size, instrument.lot_units, row.where, "size")
        ticks = _whole(row.entry_price, instrument.tick_units, row.where, "entry_price")
        if lots:
            # The book says what an account has now: the fee of recording is given back beforehand.
            fee = fee_atoms(notional(instrument, lots, ticks), _loading_fee_ppb(instrument))
            if fee > 0:
                yield from _money(account, time_ns, instrument.settle, fee, isolated)
            yield _fill(account, time_ns, instrument, lots, ticks, isolated=bool(isolated))


def _money(account: int, time_ns: int, asset: str, atoms: int, isolated: str) -> Iterator[AnyCommand]:
    """Into the cross pot, and on into an isolated one where it is for that."""
    yield Deposit(time_ns=time_ns, account=account, asset=asset, amount_atoms=atoms)
    if isolated:
        yield Transfer(
            time_ns=time_ns,
            from_account=account,
            to_account=account,
            asset=asset,
            amount_atoms=atoms,
            to_isolated=isolated,
        )


def _not_lent(rulebook: Rulebook, row: BookRow, asset: Asset) -> InputError:
    return BookError.at(
        f"{row.where}, column collateral_amount",
        f"{row.collateral_amount} is owed, and {rulebook.name} lends no {asset.name}",
        f"Give a balance of zero or more, or take a rulebook with [interest.{asset.name}].",
    )


def _whole(text: str, unit: Fraction, where: str, column: str = "") -> int:
    """How many of a unit a number is, exactly; NumberError says where it stands and why it is none."""
    try:
        return _counted(text, unit.numerator, unit.denominator)
    except NumberError:
        value = parse_decimal(text, where=where)
        return scale(value, 1 / unit, where=f"{where}: {column}" if column else where)


@lru_cache(maxsize=1 << 16)  # books repeat sizes and prices, and fractions are slow
def _counted(text: str, numerator: int, denominator: int) -> int:
    """By the unit's two integers: a fraction is slow to look up."""
    return scale(parse_decimal(text), Fraction(denominator, numerator))


def _loading_fee_ppb(instrument: Instrument) -> int:
    """What a fill without prices costs: of an option, whose spot is not known yet, the cap on its price."""
    option = instrument.kind.option and instrument.taker_fee_ppb > 0
    return instrument.fee_cap_ppb if option else instrument.taker_fee_ppb


def _one_account(
    account: int,
    time_ns: int,
    asset: str,
    atoms: int,
    instrument: Instrument,
    lots: int,
    ticks: int,
    *,
    isolated: bool,
) -> Iterator[AnyCommand]:
    yield OpenAccount(time_ns=time_ns, account=account)
    yield from _money(account, time_ns, asset, atoms, instrument.name if isolated else "")
    yield _fill(account, time_ns, instrument, lots, ticks, isolated=isolated)


def _fill(
    account: int, time_ns: int, instrument: Instrument, lots: int, ticks: int, *, isolated: bool
) -> ReportFill:
    buys = lots > 0
    return ReportFill(
        time_ns=time_ns,
        instrument=instrument.name,
        size_lots=abs(lots),
        price_ticks=ticks,
        buyer=account if buys else MARKET,
        seller=MARKET if buys else account,
        taker_is_buyer=buys,
        buyer_isolated=isolated and buys,
        seller_isolated=isolated and not buys,
    )


def _collateral_asset(rulebook: Rulebook, instrument: Instrument, coin: str, isolated: bool) -> str:
    """The coin where the venue takes it as collateral, the settlement asset otherwise."""
    rules = rulebook.margin
    if rules.scope == "account" and not isolated and rules.collateral.get(coin):
        return coin
    return instrument.settle if isolated or rules.scope == "settlement" else rules.numeraire


def _usd_to_atoms(rulebook: Rulebook, asset: str, usd: float, prices: dict[str, float]) -> int:
    """USD at the opening price, grossed up by the haircut so that margin is as the book says; rounded up."""
    weights = [rulebook.margin.weights[name].get(asset) for name in sorted(rulebook.margin.weights)]
    least = min((w.tiers[0].weight_ppb for w in weights if w is not None and w.tiers), default=PPB)
    alias = "BTC" if asset == "XBT" else asset
    price = prices.get(alias, 1.0)
    units = Fraction(usd) * PPB / least / Fraction(price)
    atoms = units * rulebook.asset(asset).atoms_per_unit
    return max(-(-atoms.numerator // atoms.denominator), 1)
