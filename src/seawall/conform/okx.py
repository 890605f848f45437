"""OKX: the threshold of deleveraging, and the partial liquidation of a large position.

Portfolio margin is elsewhere. Sources: OKX help pages on ADL and on partial liquidation.
"""

from __future__ import annotations

from fractions import Fraction

from seawall.conform.bench import Bench, level, make_rulebook, perpetual
from seawall.conform.grid import linear_grid
from seawall.conform.model import Vector
from seawall.conform.reading import Adapter, Answer, number, rate_ppb
from seawall.engine.decide.select import closing_size
from seawall.instruments.model import Asset
from seawall.liquidation.adl import adl_trigger_average
from seawall.liquidation.rules import Step
from seawall.margin.rules import Schedule, Tier

ATOMS = 10**6
DROP, LEAST_DROP = Fraction(30, 100), 50_000
RATES = (10_000_000, 20_000_000)  # of the first tier and beyond: only where the edge lies matters


def threshold(vector: Vector) -> Answer:
    given = vector.inputs
    runs, atoms = adl_trigger_average(
        balance_atoms=int(number(given, "current", "balance") * ATOMS),
        average_atoms=int(number(given, "avg_8h", "average") * ATOMS),
        drop_ppb=rate_ppb(number(given, "drop", default=DROP)),
        least_drop_atoms=int(number(given, "min_drop", default=LEAST_DROP) * ATOMS),
    )
    return {"threshold": Fraction(atoms, ATOMS), "adl": runs}


def partial(vector: Vector) -> Answer:
    """A position beyond the first tier is cut to the most that tier holds: a step down to its edge."""
    given = vector.inputs
    held, edge = number(given, "held", "position"), number(given, "tier1_max", "tier_max")
    grid = linear_grid([held, edge], [Fraction(1)])
    money = Asset(name="MONEY", decimals=grid.decimals)
    tiers = (Tier(floor_atoms=0, rate_ppb=RATES[0]), Tier(floor_atoms=grid.atoms(edge), rate_ppb=RATES[1]))
    step = Step(name="partial", action="reduce", size="step_down")
    bench = Bench(
        make_rulebook(
            assets=(money,),
            instruments=(perpetual("X", money, lot=grid.lot, tick=grid.tick),),
            schedules={"X": {"maintenance": Schedule(tiers=tiers)}},
            levels=(level("maintenance"),),
            steps=(step,),
            trigger="maintenance",
        )
    )
    bench.price(X=grid.ticks(Fraction(1)))
    account = bench.account()
    bench.trade(account, "X", grid.lots(held), grid.ticks(Fraction(1)))
    lots = closing_size(bench.state, bench.pot(account), 0, step)
    return {"to_close": lots * Fraction(grid.lot)}


ADAPTERS = (
    Adapter("okx-adl", ("avg_8h|average", "current|balance"), threshold),
    Adapter("okx-partial", ("held|position", "tier1_max|tier_max"), partial),
)
