"""The page: complete in itself, escaped, the same bytes for the same run, and with every figure."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest

from seawall.report import RunTables, render_html, write_html
from tests.report.demo import EIGHT, demo

EVIL = "</script><script>alert('x')</script><img src=x onerror=alert(1)>\"&'"
VOID = {"meta", "link", "img", "br", "hr", "input"}

CASES: dict[str, dict[str, Any]] = {
    "one": {"names": {"BTC-PERP": 121_500.0}},
    "eight": {"names": EIGHT},
    "calm": {"calm": True},
    "no accounts": {"with_accounts": False},
    "cheap": {"names": {"SHIB": 1e-4}},
    "dear": {"names": {"BTC": 1e5}},
    "made-up clock": {"start_ns": 0},
    "one step": {"steps": 1},
    "no instrument": {"names": {"GONE": 1.0}},
}


def tables_of(case: str) -> RunTables:
    tables = demo(**{"count": 300, "steps": 40, **CASES[case]})
    if case == "no instrument":
        empty = {name: RunTables.empty(name) for name in tables.frames()}
        return RunTables(**empty, summary=tables.summary)
    return tables


class Reader(HTMLParser):
    """Collects tags, attributes and text, and checks that every tag is closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-3:]}"
        self.open.pop()

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader


def leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner)
    else:
        yield value


@pytest.mark.parametrize("case", CASES)
def test_every_kind_of_run_gives_a_whole_page(case: str) -> None:
    page = render_html(tables_of(case))
    reader = read(page)
    ids = [a["id"] for _, a in reader.tags if "id" in a]
    assert len(ids) == len(set(ids))
    numbers = [
        v for tag, a in reader.tags if tag in ("rect", "line", "circle", "path", "text") for v in a.values()
    ]
    assert not [v for v in numbers if v and re.search(r"nan|inf\b", v)]
    assert not [t for t in reader.text if re.search(r"\bnan\b|^\s*None\s*$", t)]


@pytest.mark.parametrize("case", ["one", "eight", "calm"])
def test_the_page_loads_nothing(case: str) -> None:
    page = render_html(tables_of(case))
    assert not re.search(r"https?:|url\(|@import|//[a-z0-9-]+\.[a-z]", page)
    for tag, attributes in read(page).tags:
        for name in ("src", "srcset", "data", "action", "poster"):
            assert name not in attributes, f"<{tag} {name}>"
        assert attributes.get("href", "#").startswith(("#", "data:,"))


def test_the_policy_of_the_page_allows_its_own_script_and_style_only() -> None:
    page = render_html(demo(count=50, steps=10))
    policy = next(
        a["content"] for t, a in read(page).tags if a.get("http-equiv") == "Content-Security-Policy"
    )
    for tag in ("style", "script"):
        inside = re.findall(f"<{tag}>(.*?)</{tag}>", page, re.S)
        assert len(inside) == 1
        digest = base64.b64encode(hashlib.sha256(inside[0].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert not re.search(r"<[^>]+\s(on[a-z]+|style)=", page)


def test_names_from_outside_stay_text() -> None:
    tables = demo({EVIL: 10.0, "ETH": 4000.0}, count=50, steps=20)
    tables = msgspec.structs.replace(
        tables,
        accounts=tables.accounts.with_columns(pl.lit(EVIL).alias("role"), pl.lit(EVIL).alias("outcome")),
        payers=tables.payers.with_columns(pl.lit(EVIL).alias("payer")),
        flow=tables.flow.with_columns(pl.lit(EVIL).alias("step")),
    )
    tables.summary.update(title=EVIL, numeraire=EVIL, command=EVIL, notes=[EVIL], **{EVIL: {EVIL: EVIL}})
    tables.summary["rulebook"]["tag"] = EVIL
    tables.summary["runs"]["with"][EVIL] = EVIL
    page = render_html(tables)
    reader = read(page)
    plain = render_html(demo({"BTC": 10.0, "ETH": 4000.0}, count=50, steps=20))
    # The only scripts are the page's own and the data of its charts; no image, no handler came in.
    assert page.count("<script>") == plain.count("<script>") == 1
    assert not [t for t, a in reader.tags if t == "img" or any(k.startswith("on") for k in a)]
    assert "alert('x')</script>" not in page
    assert any(EVIL in text for text in reader.text)


def test_the_same_run_gives_the_same_page() -> None:
    assert render_html(demo(EIGHT, count=100, steps=30)) == render_html(demo(EIGHT, count=100, steps=30))


def test_the_page_does_not_know_how_long_the_run_took() -> None:
    tables = demo(count=50, steps=10)
    before = render_html(tables)
    tables.summary["wall_seconds"] = 7654.321
    assert render_html(tables) == before


@pytest.mark.parametrize("case", ["one", "calm"])
def test_every_figure_of_the_summary_is_on_the_page(case: str) -> None:
    tables = tables_of(case)
    summary = {k: v for k, v in tables.summary.items() if k != "wall_seconds"}
    shown = set("\n".join(read(render_html(tables)).text).split("\n"))
    for value in leaves(summary):
        wanted = "–" if value is None else str(value) if isinstance(value, str) else repr(value)
        assert wanted in shown, wanted


def test_the_story_gives_the_main_figures() -> None:
    text = "".join(read(render_html(tables_of("one"))).text).replace("\u00a0", " ")
    assert "worth 489 M USDT in all" in text
    assert "the cascade made it 1.89 times as large" in text
    assert "the insurance fund paid 23 M" in text
    assert "a price they depend on was not known: 3." in text


def test_a_calm_run_says_so() -> None:
    text = "".join(read(render_html(tables_of("calm"))).text)
    for words in (
        "No position was liquidated.",
        "No account lost more than it had.",
        "No margin call was made",
        "Nothing was liquidated in this run.",
        "No position would be liquidated anywhere",
    ):
        assert words in text


def test_a_run_without_its_twin_needs_no_second_column() -> None:
    tables = demo(count=100, steps=20)
    del tables.summary["runs"]["without"]
    alone = {
        name: frame.filter(pl.col("run") == "with") if "run" in frame.columns else frame
        for name, frame in tables.frames().items()
    }
    alone["prices"] = tables.prices.with_columns(pl.lit(None, dtype=pl.Float64).alias("without_feedback"))
    text = "".join(read(render_html(RunTables(**alone, summary=tables.summary))).text)
    # Only the explanation still speaks of the other run.
    assert "furthest price without feedback" not in text
    assert "after, without feedback" not in text


def test_an_unknown_price_leaves_a_gap_and_not_a_zero() -> None:
    tables = demo(count=50, steps=20)
    holes = pl.when(pl.int_range(pl.len()).is_in([5, 6])).then(None).otherwise(pl.col("with_feedback"))
    tables = msgspec.structs.replace(tables, prices=tables.prices.with_columns(holes.alias("with_feedback")))
    page = render_html(tables)
    path = next(a["d"] for t, a in read(page).tags if t == "path" and a.get("class") == "line with")
    assert path is not None and path.count("M") == 2 and path.count("L") == 16


def test_a_page_is_light_enough_to_send(tmp_path: Path) -> None:
    path = write_html(demo(EIGHT), tmp_path / "deep" / "page.html")
    assert path.stat().st_size < 1_000_000
