"""`sw.simulate` in a notebook: tables, summary, a folder that can be loaded again, and many paths."""

from __future__ import annotations

import pytest

import seawall as sw
from seawall.api.fan import quantile
from seawall.errors import InputError
from seawall.report.tables import SCHEMAS

SMALL = {
    "accounts": 50,
    "open_interest_usd": 3e7,
    "start": "2025-10-10T21:14:00Z",
    "end": "2025-10-10T21:18:00Z",
}


def test_a_run_has_tables_a_summary_and_can_be_saved_and_loaded(tmp_path, capsys):
    run = sw.simulate("harbor", **SMALL)
    assert set(run.tables) == set(SCHEMAS) and run.journal is None
    assert run.tables["prices"].height > 0 and run.summary["seed"] == 0
    names = {path.name for path in run.save(tmp_path / "run")}
    assert {"summary.json", "report.html", "prices.parquet"} <= names
    again = sw.load_run(tmp_path / "run")
    assert again.summary["runs"] == run.summary["runs"]
    run.show()
    assert "liquidated" in capsys.readouterr().out


def test_a_kept_journal_replays_and_explains(tmp_path):
    run = sw.simulate("harbor", **SMALL, out=tmp_path / "run")
    assert sw.replay(run.journal).equal
    assert sw.check_journal(run.journal).ok
    assert sw.explain(run.journal, 1)[0].kind == "OpenAccount"


def test_a_wrong_setup_is_refused_before_a_folder_is_made(tmp_path):
    with pytest.raises(InputError, match="--accounts"):
        sw.simulate("harbor", accounts=0, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_file_where_the_folder_should_be_is_refused(tmp_path):
    path = tmp_path / "file"
    path.write_text("")
    with pytest.raises(InputError, match="is a file"):
        sw.simulate("harbor", **SMALL, out=path)


@pytest.mark.parametrize(
    ("share", "expected"), [(0.5, 5.0), (0.9, 9.0), (0.91, 10.0), (1.0, 10.0), (0.01, 1.0)]
)
def test_a_quantile_is_a_figure_of_a_real_path(share, expected):
    values = [float(k) for k in range(10, 0, -1)]
    assert quantile(values, share) == expected


def test_one_path_has_no_spread():
    setup = sw.CrashSetup(rulebook=sw.load_rulebook("harbor"))
    with pytest.raises(InputError, match="no spread"):
        sw.fan(setup)
