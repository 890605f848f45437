"""What the tests of the command line share: a tiny crash, a tiny book, and an answer."""

from __future__ import annotations

from typing import NamedTuple

# The worst minutes of the embedded day with fifty accounts.
SMALL = [
    "--accounts", "50", "--open-interest", "3e7",
    "--from", "2025-10-10T21:14:00Z", "--to", "2025-10-10T21:24:00Z",
]  # fmt: skip

BOOK = """account,instrument,size,entry_price,collateral_asset,collateral_amount,margin_mode
alice,BTC-PERP,0.5,62000,USDC,5000,cross
alice,ETH-PERP,-3,3000,BTC,0.1,cross
bob,SOL-PERP,100,150,USDC,2000,isolated
carol,AVAX-PERP,100,15,USDC,200,cross
"""
MARKS = ["--mark", "BTC=60000", "ETH=3100", "SOL=140.5"]


class Said(NamedTuple):
    """Exit code, and what went to stdout and stderr."""

    code: int
    out: str
    err: str

    def refuses(self, *parts: str) -> None:
        """Exit code 2, every part in the message, and no traceback."""
        assert self.code == 2, self
        assert "Traceback" not in self.err, self.err
        for part in parts:
            assert part in self.err, (part, self.err)
