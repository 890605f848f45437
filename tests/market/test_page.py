"""The numbers that docs/reference/amm.md gives are the numbers the code gives."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from seawall.market.amm.bands import WAD, Grid
from seawall.market.amm.constant_product import ConstantProductPool, sell
from seawall.market.amm.llamma import Llamma, convert_all, deposit
from seawall.market.amm.lp_value import impermanent_loss
from seawall.market.amm.swap_step import swap_step
from seawall.market.routing import Bid, ConstantProduct, route_sale

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "reference" / "amm.md").read_text(encoding="utf-8")
TEXT = " ".join(PAGE.split())
RESERVES = {"reserve0_atoms": 10_000 * WAD, "reserve1_atoms": 20_000_000 * WAD}


def test_the_sale():
    sold = sell(ConstantProductPool(**RESERVES), 100 * WAD)
    assert f"bring {sold.amount_out_atoms} atoms" in TEXT
    assert f"{float(sold.slippage) * 100:.3f} % below mid" in TEXT
    assert f"{float(sold.price_impact) * 100:.3f} % lower" in TEXT


def test_the_step():
    done = swap_step(1 << 96, 250541448375047931186413801569, 2 * WAD, WAD, 600)
    for number in (done.amount_in_atoms, done.amount_out_atoms, done.fee_atoms, done.sqrt_next_x96):
        assert str(number) in TEXT


def test_the_split():
    pool = ConstantProduct(ConstantProductPool(**RESERVES, fee_numerator=0, fee_denominator=1))
    levels = ((1999, 20), (1995, 50), (1980, 100), (1900, 300))
    bids = [Bid(price=Fraction(price), size_atoms=size * WAD) for price, size in levels]
    routed, alone = route_sale(200 * WAD, bids, pool), route_sale(200 * WAD, [], pool)
    assert f"{routed.pool_atoms / WAD:.9f} go to the pool" in TEXT
    assert f"{routed.proceeds_atoms / WAD:,.4f}".replace(",", " ") in TEXT
    assert f"{(routed.proceeds_atoms - alone.proceeds_atoms) / WAD:,.2f} more".replace(",", " ") in TEXT


def test_the_loan_and_the_loss():
    grid = Grid(amplification=100, base_price_wad=3000 * WAD, band_root_wad=1005037815259212160)
    loan, market = deposit(Llamma(grid=grid, fee_wad=0), 10 * WAD, 5, 14)
    assert str(convert_all(market, loan, 3000 * WAD, to_collateral=False)) in TEXT
    assert impermanent_loss(Fraction(4)) == Fraction(-1, 5) and "r = 4: −1/5" in TEXT
