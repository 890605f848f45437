"""From the engine's columns to the plain values of `views`: one pot at one level, and its price lines.

Amounts atoms of the pot's unit, prices ticks, sizes lots; equity rounds down, requirements up, as the kernel
gives them. Figures that do not fit 64 bits are an error that names the account, never a wrapped number.
"""

from __future__ import annotations

from seawall.api.amounts import amount_text, price_text, size_text
from seawall.api.pricing import coin_of
from seawall.api.views import PotStatement, PriceLine, Term, Together
from seawall.engine.state import WORTH, State
from seawall.errors import NumberError
from seawall.ledger.columns import NONE
from seawall.margin.compiled import MarketView
from seawall.margin.solve import Crossing, liquidation_price
from seawall.margin.statement import Part, Statement, health, statement
from seawall.units import PPB

WAYS: tuple[Together, ...] = ("alone", "coin", "all")


def pots_to_show(state: State, account: int) -> list[int]:
    """Pots that hold something; the first one where none does."""
    book = state.book
    pots = sorted(state.pots_of(account))
    full = [pot for pot in pots if book.balances[pot].any() or book.positions(pot)]
    return full or pots[:1]


def pot_name(state: State, pot: int) -> str:
    """cross, `cross USDT` where each settlement asset has its own, or `isolated BTC-PERP`."""
    instrument = int(state.book.pot_instrument[pot])
    if instrument >= 0:
        return f"isolated {state.instruments[instrument].name}"
    if state.rulebook.margin.scope == "account":
        return "cross"
    return f"cross {state.rulebook.assets[int(state.book.pot_unit[pot])].name}"


def pot_statement(state: State, market: MarketView, pot: int, level: str, account: str) -> PotStatement:
    """One pot at one level. Raises NumberError where its figures do not fit 64 bits."""
    try:
        found = statement(state.book, state.margin, market, pot, level)
    except OverflowError:
        raise NumberError(
            f"account {account}, {pot_name(state, pot)}: its figures at level {level!r} do not fit 64 bits\n"
            "  Check sizes and prices of this account; no venue holds such a position."
        ) from None
    rulebook, unit, known = state.rulebook, found.unit, found.known

    def text(atoms: int) -> str | None:
        return amount_text(rulebook, unit, atoms) if known else None

    return PotStatement(
        account=account,
        pot=pot_name(state, pot),
        level=level,
        unit=rulebook.assets[unit].name,
        unknown_price="" if known else state.instruments[found.unknown].name,
        equity_atoms=found.equity_atoms if known else None,
        requirement_atoms=found.requirement_atoms if known else None,
        equity=text(found.equity_atoms),
        requirement=text(found.requirement_atoms),
        margin=text(found.equity_atoms - found.requirement_atoms),
        terms=tuple(_term(state, found, part) for part in found.parts),
    )


def _term(state: State, found: Statement, part: Part) -> Term:
    rulebook = state.rulebook
    amount = amount_text(rulebook, found.unit, part.amount_atoms)
    if part.kind == "collateral":
        return Term(
            kind="collateral",
            name=rulebook.assets[part.name].name,
            amount_atoms=part.amount_atoms,
            amount=amount,
            size=amount_text(rulebook, part.name, part.size),
            profit_atoms=part.profit_atoms,
            profit=amount_text(rulebook, part.name, part.profit_atoms),
            profit_asset=rulebook.assets[part.name].name,
        )
    if part.kind == "flat":
        return Term(kind="flat", name="per account", amount_atoms=part.amount_atoms, amount=amount)
    instrument = state.instruments[part.name]
    if part.kind == "max_loss":
        name = f"options of {instrument.underlying}, netted"
        return Term(kind="max_loss", name=name, amount_atoms=part.amount_atoms, amount=amount)
    settle = state.settle_row[part.name]
    return Term(
        kind="position",
        name=instrument.name,
        amount_atoms=part.amount_atoms,
        amount=amount,
        size=size_text(instrument, part.size),
        profit_atoms=part.profit_atoms,
        profit=amount_text(rulebook, settle, part.profit_atoms),
        profit_asset=rulebook.assets[settle].name,
        price=price_text(instrument, part.price_ticks),
    )


def price_lines(state: State, market: MarketView, pot: int, level: str, account: str) -> list[PriceLine]:
    """Per instrument held, and per way of moving: where `level` fails and where the pot is worth nothing.

    A pot of loans, without positions, has the prices of its balances, each alone. An option moves alone and
    stands still when others move: nothing here reprices it.
    """
    book = state.book
    now = health(book, state.margin, market, pot, level)
    if not now.known:
        return []
    held = sorted(int(book.pos_instrument[slot]) for slot in book.positions(pot) if book.pos_lots[slot])
    lines, several = [], len(held) > 1 or (held and _moves_collateral(state, pot))
    for row in held or _priced_balances(state, pot):
        for together in WAYS if several and not state.instruments[row].kind.option else ("alone",):
            betas = _betas(state, market, row, together)
            fails = liquidation_price(book, state.margin, market, pot, level, row, betas_ppb=betas)
            empty = liquidation_price(book, state.margin, market, pot, WORTH, row, betas_ppb=betas)
            mark = int(market.mark[row])
            safe = now.margin_atoms >= 0
            lines.append(_line(state, pot, row, level, account, together, mark, safe, fails, empty))
    return lines


def _priced_balances(state: State, pot: int) -> list[int]:
    """Instruments that price the balances of a pot that owes; without a debt none can be its end."""
    balances = state.book.balances[pot].tolist()
    if min(balances) >= 0:
        return []
    return sorted({state.priced_by[asset] for asset, atoms in enumerate(balances) if atoms} - {NONE})


def _moves_collateral(state: State, pot: int) -> bool:
    """Whether the pot holds a coin whose worth moves with a price."""
    unit = int(state.book.pot_unit[pot])
    return any(int(atoms) for asset, atoms in enumerate(state.book.balances[pot]) if asset != unit)


def _betas(state: State, market: MarketView, row: int, together: Together) -> dict[int, int]:
    coin = coin_of(state.instruments[row])
    return {
        other: PPB
        for other, entry in enumerate(state.instruments)
        if other != row and market.mark[other] and together != "alone" and not entry.kind.option
        and (together == "all" or coin_of(entry) == coin)
    }  # fmt: skip


Pair = tuple[Crossing | None, Crossing | None]


def _line(
    state: State, pot: int, row: int, level: str, account: str, together: Together, mark: int, safe: bool,
    fails: Pair, empty: Pair,
) -> PriceLine:  # fmt: skip
    instrument = state.instruments[row]
    ends = [_end(crossing, mark) if safe else None for crossing in fails]
    worthless = [_end(crossing, mark) for crossing in empty]
    texts = [None if ticks is None else price_text(instrument, ticks) for ticks in (*ends, *worthless)]
    moves = [None if ticks is None else ticks / mark - 1.0 for ticks in ends]
    return PriceLine(
        account=account,
        pot=pot_name(state, pot),
        instrument=instrument.name,
        level=level,
        together=together,
        mark=price_text(instrument, mark),
        failing_now=not safe,
        below=texts[0],
        above=texts[1],
        below_move=moves[0],
        above_move=moves[1],
        bankrupt_below=texts[2],
        bankrupt_above=texts[3],
    )


def _end(crossing: Crossing | None, mark: int) -> int | None:
    """The failing tick, where it lies beyond the safe one as seen from the mark."""
    if crossing is None or abs(crossing.failing_ticks - mark) < abs(crossing.safe_ticks - mark):
        return None
    return crossing.failing_ticks
