"""Everything drawn from a seed has recorded bytes: a change here changes every stored scenario."""

from __future__ import annotations

import hashlib

from seawall.lab.october import october_path
from seawall.lab.process import random_path
from seawall.lab.shock import Shock, shock_path
from seawall.lab.synthetic import markets_at, synthetic_book

START = {"BTC": 100_000.0, "ETH": 4_000.0}


def digest(*parts: bytes) -> str:
    return hashlib.blake2b(b"".join(parts), digest_size=8).hexdigest()


def test_the_october_path_has_its_recorded_bytes() -> None:
    assert digest(october_path(exogenous_share=0.75, seed=1).price.tobytes()) == "2f116b704468dae6"


def test_a_random_path_has_its_recorded_bytes() -> None:
    assert digest(random_path(START, seed=1, crash=True).price.tobytes()) == "aab384a3eac89c68"


def test_a_shock_path_has_its_recorded_bytes() -> None:
    path = shock_path(START, [Shock("BTC", -0.3, 1200.0)], noise_daily_vol=0.03)
    assert digest(path.price.tobytes()) == "2d81826ca0652c1b"


def test_a_synthetic_book_has_its_recorded_bytes() -> None:
    markets = markets_at({"BTC": 116_600.0, "ETH": 3_995.0, "SOL": 206.5})
    book = synthetic_book(markets, accounts=5_000, seed=1)
    columns = [getattr(book, field).tobytes() for field in book.__struct_fields__[2:]]
    assert digest(*columns) == "1f0ef878814e225d"
