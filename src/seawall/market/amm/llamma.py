"""LLAMMA: a lending market that sells collateral band by band as its price falls, and buys it back.

x in atoms of the borrowed coin, y in atoms of the collateral (18 decimals each), prices and fees in wads.
Rounding: in the order of the deployed contract; what a trader gets is cut off, what a band keeps is not.
A loss here depends on the path, not on where the price ends: walk it.
Source: Curve stablecoin whitepaper (Egorov, 2022); published outputs of the deployed version 2.
"""

from __future__ import annotations

from math import isqrt

import msgspec

from seawall.errors import InputError
from seawall.market.amm.bands import WAD, Curve, Grid, band_price, curve, distance_fee, oracle_up
from seawall.market.amm.words import positive

DEAD_SHARES = 1000  # counted in every band, so that no first share can be made too dear
MOST_BANDS = 50


class Llamma(msgspec.Struct, frozen=True, kw_only=True):
    """The pool of a market. Columns run from band `first`, at most 0, to the last one used."""

    grid: Grid
    fee_wad: int
    active_band: int = 0
    first: int = 0
    x: tuple[int, ...] = (0,)
    y: tuple[int, ...] = (0,)
    shares: tuple[int, ...] = (0,)

    @property
    def last(self) -> int:
        return self.first + len(self.x) - 1

    def held(self, band: int) -> tuple[int, int]:
        """(x, y) of a band; nothing beyond the ends."""
        place = band - self.first
        return (self.x[place], self.y[place]) if 0 <= place < len(self.x) else (0, 0)


class Loan(msgspec.Struct, frozen=True, kw_only=True):
    """A borrower's shares in consecutive bands from `first`."""

    first: int
    shares: tuple[int, ...]


class Traded(msgspec.Struct, frozen=True, kw_only=True):
    """What was taken in and paid out, in atoms, and the market after it."""

    amount_in_atoms: int
    amount_out_atoms: int
    market: Llamma


def deposit(market: Llamma, collateral_atoms: int, first: int, last: int) -> tuple[Loan, Llamma]:
    """Spread collateral over bands `first` to `last`; the remainder goes into the first.

    InputError for no collateral, too many bands, or a band at or above the active one that holds coins.
    """
    positive(collateral_atoms, "collateral_atoms")
    count = last - first + 1
    if not 1 <= count <= MOST_BANDS or collateral_atoms < count:
        raise InputError.at("bands", f"{first} to {last}", f"Give 1 to {MOST_BANDS} bands in order.")
    if any(market.held(band)[0] for band in range(first, last + 1)):
        raise InputError.at("bands", f"{first} to {last} hold borrowed coins", "Use bands below the price.")
    begin, end = min(market.first, first), max(market.last, last)
    x, y, shares = (
        [0] * (market.first - begin) + list(column) + [0] * (end - market.last)
        for column in (market.x, market.y, market.shares)
    )
    each, mine = collateral_atoms // count, []
    for band in range(first, last + 1):
        amount = each if band > first else collateral_atoms - each * (count - 1)
        place = band - begin
        new = (shares[place] + DEAD_SHARES) * amount // (y[place] + 1)
        if new <= 0:
            raise InputError.at("collateral_atoms", f"{amount} in band {band}", "Deposit more.")
        mine.append(new)
        shares[place] += new
        y[place] += amount
    after = msgspec.structs.replace(market, first=begin, x=tuple(x), y=tuple(y), shares=tuple(shares))
    return Loan(first=first, shares=tuple(mine)), after


def price(market: Llamma, oracle_wad: int) -> int:
    """What the pool asks for collateral now, in wads."""
    x, y = market.held(market.active_band)
    up = oracle_up(market.grid, market.active_band)
    return band_price(market.grid.amplification, x, y, positive(oracle_wad, "oracle_wad"), up)


def buy_collateral(market: Llamma, oracle_wad: int, paid_atoms: int, *, jump_fee_wad: int = 0) -> Traded:
    """Pay borrowed coins in, take collateral out, upwards from the active band. Nothing is taken for what
    no band can give: the amount in is then less than what was offered. InputError for a bad amount or price.
    """
    return _trade(market, oracle_wad, paid_atoms, max(market.fee_wad, jump_fee_wad), buying=True)


def sell_collateral(market: Llamma, oracle_wad: int, paid_atoms: int, *, jump_fee_wad: int = 0) -> Traded:
    """Pay collateral in, take borrowed coins out, downwards from the active band."""
    return _trade(market, oracle_wad, paid_atoms, max(market.fee_wad, jump_fee_wad), buying=False)


def _trade(market: Llamma, oracle_wad: int, paid_atoms: int, fee_wad: int, *, buying: bool) -> Traded:
    positive(paid_atoms, "paid_atoms")
    positive(oracle_wad, "oracle_wad")
    a = market.grid.amplification
    x, y = list(market.x), list(market.y)
    # Seen from the trade: `into` is the column that is paid into, `out_of` the one that is taken from.
    into, out_of = (x, y) if buying else (y, x)
    band, stop, way = market.active_band, market.last if buying else market.first, 1 if buying else -1
    up = oracle_up(market.grid, band)
    left, out, visited, active = paid_atoms, 0, 0, market.active_band
    while True:
        place = band - market.first
        if x[place] or y[place]:
            visited, active = visited + 1, band
            inside = curve(a, x[place], y[place], oracle_wad, up)
            rate = WAD * WAD // (WAD - min(max(distance_fee(a, oracle_wad, up), fee_wad), WAD - 1))
            gained, used = _within(inside, into[place], out_of[place], left, rate, buying)
            out, left = out + gained, left - used
            into[place], out_of[place] = into[place] + used, out_of[place] - gained
        if not left or band == stop or visited == MOST_BANDS:
            break
        band += way
        up = up * (a - 1) // a if buying else up * a // (a - 1)
    if not out:  # nobody pays for nothing
        return Traded(amount_in_atoms=0, amount_out_atoms=0, market=market)
    after = msgspec.structs.replace(market, x=tuple(x), y=tuple(y), active_band=active)
    return Traded(amount_in_atoms=paid_atoms - left, amount_out_atoms=out, market=after)


def _within(inside: Curve, into: int, out_of: int, left: int, rate: int, buying: bool) -> tuple[int, int]:
    """(taken out, paid in) inside one band, with `left` to pay and `rate` paid in for one that trades."""
    near, far = (inside.f, inside.g) if buying else (inside.g, inside.f)
    if not out_of or not far:
        return 0, 0
    trading = inside.product // far - near - into
    cost = trading * rate // WAD
    if cost >= left:
        trading = left * WAD // rate
        kept = min(inside.product // (near + into + trading) - far + 1, out_of)
        return out_of - kept, left
    return out_of, max(cost, 1)  # at least one atom, so that no band is emptied for nothing


def holding(market: Llamma, loan: Loan) -> tuple[int, int]:
    """(x, y) in atoms that a loan's shares stand for now, each band's cut off."""
    total_x = total_y = 0
    for offset, mine in enumerate(loan.shares):
        x, y = market.held(loan.first + offset)
        all_shares = market.shares[loan.first + offset - market.first] + DEAD_SHARES
        total_x += (x + 1) * mine // all_shares
        total_y += (y + 1) * mine // all_shares
    return total_x, total_y


def convert_all(market: Llamma, loan: Loan, oracle_wad: int, *, to_collateral: bool) -> int:
    """What a loan's bands become if the price moves slowly past all of them: x_down, or y_up.

    First the band trades to the oracle's price, then slowly to its end. Atoms, cut off.
    """
    positive(oracle_wad, "oracle_wad")
    a = market.grid.amplification
    total, down = 0, oracle_up(market.grid, loan.first)
    for offset, mine in enumerate(loan.shares):
        band = loan.first + offset
        x, y = market.held(band)
        up, down = down, down * (a - 1) // a
        if not (x or y) or not mine:
            continue
        all_shares = market.shares[band - market.first] + DEAD_SHARES
        total += _converted(market.grid, x, y, oracle_wad, up, down, to_collateral) * mine // all_shares
    return total


def _converted(grid: Grid, x: int, y: int, oracle: int, up: int, down: int, to_collateral: bool) -> int:
    """One band's coins, traded to the oracle's price and then slowly to one end of the band."""
    a = grid.amplification
    if (not x or not y) and not down <= oracle <= up:
        middle = oracle**2 // down * oracle // up
        if oracle > up:
            x, y = 0, y or x * WAD // middle
        else:
            x, y = x or y * middle // WAD, 0
    else:
        inside = curve(a, x, y, oracle, up)
        if oracle > up:
            x, y = 0, max(inside.product // inside.f, inside.g) - inside.g
        elif oracle < down:
            x, y = max(inside.product // inside.g, inside.f) - inside.f, 0
        else:
            y = a * inside.y0 * (oracle - down) // oracle
            x = max(inside.product // (inside.g + y), inside.f) - inside.f
            if to_collateral:
                return y + x * WAD // isqrt(up * oracle)
            return x + y * isqrt(down * oracle) // WAD
    root = grid.width_root_wad
    if to_collateral:
        return y if not x else x * root // up
    return x if not y else y * up // root
