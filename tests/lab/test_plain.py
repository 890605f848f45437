"""The short way for small plain CSV: what it reads, Polars reads the same; the rest it leaves alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.errors import BookError
from seawall.lab import memory, plain
from seawall.lab.bookfile import read_book
from seawall.lab.frames import read_frame, text_column
from seawall.lab.plain import read_plain

CELL = st.text(alphabet=st.sampled_from("aZ09.-+ \té漢'#;"), max_size=6)
TABLE = st.integers(2, 4).flatmap(
    lambda width: st.lists(
        st.lists(CELL, min_size=width, max_size=width).map(",".join), min_size=1, max_size=6
    ).map(lambda rows: "\n".join([",".join(f"column {k}" for k in range(width)), *rows]))
)
ODD = st.text(alphabet=st.sampled_from('ab,,,\n\n"\r\0\ufeff '), max_size=40)


def same_as_polars(path: Path, data: bytes) -> bool:
    """Whether it was read; if so, cell by cell what Polars has."""
    path.write_bytes(data)
    found = read_plain(path)
    if found is None:
        return False
    frame, line = read_frame(path, headerless=False)
    assert line == 2
    assert found == {name: text_column(path, line, frame[name]) for name in frame.columns}
    return True


@given(text=TABLE, end=st.sampled_from(["", "\n"]))
def test_a_plain_table_is_read_and_has_the_cells_that_polars_finds(tmp_path_factory, text, end):
    assert same_as_polars(tmp_path_factory.getbasetemp() / "plain.csv", (text + end).encode())


@given(text=ODD)
def test_odd_text_is_left_alone_or_has_the_cells_that_polars_finds(tmp_path_factory, text):
    same_as_polars(tmp_path_factory.getbasetemp() / "odd.csv", ("a,b\n" + text).encode())


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\n", b"a,b", b"a,b\n", b"a,b\n1,2,3\n", b"a,b\n1\n", b"a,b\n1,2\n\n3,4\n",
        b"a,a\n1,2\n", b"a,\n1,2\n",
        b'a,b\n"1",2\n', b"a,b\r\n1,2\r\n", b"\xef\xbb\xbfa,b\n1,2\n", b"a,b\n\xff,2\n", b"a,b\n\0,2\n",
    ],
)  # fmt: skip
def test_what_is_not_plain_is_for_polars_to_read_or_refuse(tmp_path, data):
    assert not same_as_polars(tmp_path / "b.csv", data)


def test_a_file_that_is_large_packed_or_not_there_is_left_alone(tmp_path, monkeypatch):
    small = b"a,b\n1,2\n"
    assert same_as_polars(tmp_path / "b.csv", small)
    for name in ("b.parquet", "b.csv.gz", "b.csv.zip"):
        (tmp_path / name).write_bytes(small)
        assert read_plain(tmp_path / name) is None
    assert read_plain(tmp_path / "none.csv") is None
    monkeypatch.setattr(memory, "room_bytes", lambda: len(small) * plain.GROWTH - 1)
    assert read_plain(tmp_path / "b.csv") is None
    monkeypatch.undo()
    monkeypatch.setattr(plain, "MOST_BYTES", len(small) - 1)
    assert read_plain(tmp_path / "b.csv") is None


HEAD = "account,instrument,size,entry_price"


@pytest.mark.parametrize(
    "lines",
    [
        (HEAD, "a,X,1,2"), (HEAD.upper(), " a , X,1 ,2"), (HEAD, "a,X,nan,2"), (HEAD, "a,X,1,2", "b,X,,2"),
        (HEAD, "a,X,1,2", "a,X,3,2"), (HEAD, ",X,1,2"), (HEAD + ",colour", "a,X,1,2,red"),
        ("account,size", "a,1"), (HEAD + ", Size", "a,X,1,2,3"), (HEAD, ",,,"),
    ],
)  # fmt: skip
def test_a_book_is_read_or_refused_in_the_same_words_either_way(tmp_path, monkeypatch, lines):
    path = tmp_path / "b.csv"
    path.write_text("\n".join(lines) + "\n")

    def outcome():
        try:
            return read_book(path)
        except BookError as error:
            return str(error)

    assert read_plain(path) is not None
    short = outcome()
    monkeypatch.setattr(plain, "MOST_BYTES", 0)
    assert read_plain(path) is None
    assert outcome() == short
