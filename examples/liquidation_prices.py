"""A desk asks: at which prices is each of my accounts liquidated, and what if I trade?

Run it with `python examples/liquidation_prices.py`. Prices are quote units, exact to one tick; `together`
says what moves with the instrument: it alone, its coin, or everything in step.
"""

from pathlib import Path

import seawall as sw

BOOK = Path(__file__).with_name("book.csv")
MARKS = {"BTC": "113000", "ETH": "3850", "SOL": "195"}


def main() -> None:
    desk = sw.load_book(BOOK, "harbor", MARKS)

    print("who is closest to the line")
    for row in desk.statements().iter_rows(named=True):
        print(f"  {row['account']:<11} {row['pot']:<18} {row['used']:6.1%} of its equity is needed")

    print("\nwhere each one falls")
    for account in desk.accounts:
        for line in desk.liquidation_prices(account):
            end = line.below or line.above or "nowhere"
            print(f"  {account:<11} {line.instrument:<12} {line.together:<6} {line.mark:>10} -> {end:>10}")

    found = desk.whatif("momentum", trade="BTC-PERP -1", price={"BTC": "-6%"})
    print("\nmomentum, if", "; ".join(found.changes))
    for verdict in found.verdicts:
        print(" ", verdict)


if __name__ == "__main__":
    main()
