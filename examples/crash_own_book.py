"""A venue crashes its own book: a fall of BTC that partly comes back, with and without its forced selling.

Run it with `python examples/crash_own_book.py [FOLDER]`. With a folder, journal, tables and page are kept.
"""

import sys
from pathlib import Path

import seawall as sw

BOOK = Path(__file__).with_name("book.csv")


def main(folder: str | None = None) -> None:
    run = sw.simulate("harbor", book=BOOK, shock="BTC:-25%:15m:2m:40%", step_seconds=30.0, out=folder)
    run.show()
    table = run.tables["accounts"]
    hit = table.filter((table["run"] == "with") & (table["outcome"] != "untouched"))
    print("\nwho was hit (with feedback)")
    for row in hit.iter_rows(named=True):
        before, after = row["equity_before"], row["equity_after"]
        name = run.summary["account_names"][str(row["account"])]
        print(f"  {name}: {row['outcome']}, {before:,.0f} -> {after:,.0f} USDC")
    if run.journal:
        print(f"\nkept in {folder}; replay gives the same bytes:", sw.replay(run.journal).equal)


if __name__ == "__main__":
    main(*sys.argv[1:2])
