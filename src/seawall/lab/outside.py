"""Where liquidators of loans trade: a pool per asset against the numeraire, or a fixed price without impact.

Amounts atoms. What a sale brings rounds down, what a purchase costs up. Pools are exact (market.amm); a fixed
price is for what the run takes as given, such as a dollar coin that holds.
"""

from __future__ import annotations

from fractions import Fraction
from math import inf, isqrt, sqrt

import msgspec

from seawall.errors import InputError
from seawall.market.amm.constant_product import ConstantProductPool, amount_in, amount_out, swap
from seawall.rulebooks.model import Rulebook


class Outside:
    """The pools, which trades change, and the fixed prices, which nothing does."""

    def __init__(
        self, rulebook: Rulebook, pools: dict[str, ConstantProductPool], fixed_usd: dict[str, float]
    ) -> None:
        self.pools, self.fixed_usd = dict(pools), dict(fixed_usd)
        self.numeraire = rulebook.margin.numeraire
        self._units = {asset.name: asset.atoms_per_unit for asset in rulebook.assets}
        for name, usd in fixed_usd.items():
            if name in pools:
                raise InputError.at(name, "has a pool and a fixed price", "Give one of the two.")
            if name not in self._units or not 0.0 < usd < inf:
                what = f"{usd!r} USD, or {rulebook.name} has no such asset"
                raise InputError.at(f"fixed price of {name}", what, "Give a positive price of an asset.")
        self._rate = {name: Fraction(usd) / self._per_usd(name) for name, usd in fixed_usd.items()}

    def _per_usd(self, name: str) -> Fraction:
        """Atoms of an asset over atoms of the numeraire, for one unit of each."""
        return Fraction(self._units[name], self._units[self.numeraire])

    def trades(self, name: str) -> bool:
        return name == self.numeraire or name in self.pools or name in self._rate

    def price(self, name: str) -> float:
        """USD per coin, before any trade."""
        if name in self._rate:
            return self.fixed_usd[name]
        return float(self.pools[name].price * self._per_usd(name))

    def proceeds(self, name: str, atoms: int) -> int:
        """Numeraire that a sale brings."""
        if name == self.numeraire or atoms <= 0:
            return max(atoms, 0)
        if name in self._rate:
            value = atoms * self._rate[name]
            return value.numerator // value.denominator
        return amount_out(self.pools[name], atoms)

    def cost(self, name: str, atoms: int) -> int | None:
        """Numeraire that a purchase costs; None where the pool does not hold as much."""
        if name == self.numeraire or atoms <= 0:
            return max(atoms, 0)
        if name in self._rate:
            value = atoms * self._rate[name]
            return -(-value.numerator // value.denominator)
        pool = self.pools[name]
        return None if atoms >= pool.reserve0_atoms else amount_in(pool, atoms, zero_for_one=False)

    def sell(self, name: str, atoms: int) -> int:
        got = self.proceeds(name, atoms)
        if name in self.pools and atoms > 0:
            got, self.pools[name] = swap(self.pools[name], atoms)
        return got

    def buy(self, name: str, atoms: int) -> int:
        """InputError where the pool does not hold as much."""
        paid = self.cost(name, atoms)
        if paid is None:
            raise InputError.at(name, f"the pool does not hold {atoms} atoms", "Buy fewer.")
        if name in self.pools and atoms > 0:
            _got, self.pools[name] = swap(self.pools[name], paid, zero_for_one=False)
        return paid

    def recover(self, name: str, usd: float, share: float) -> None:
        """Traders bring the pool that share of the way (in roots of price) to a price; x * y stays."""
        pool = self.pools[name]
        target = Fraction(usd) / self._per_usd(name)
        root = (1.0 - share) * sqrt(pool.price) + share * sqrt(target)
        product = pool.reserve0_atoms * pool.reserve1_atoms
        other = isqrt(product * int(Fraction(root * root) * 2**64) >> 64)
        self.pools[name] = msgspec.structs.replace(
            pool, reserve0_atoms=-(-product // other), reserve1_atoms=other
        )
