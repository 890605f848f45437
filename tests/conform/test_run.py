"""The runner on small made-up files: what is reproduced, differs, cannot be run, and how it is told."""

from __future__ import annotations

import json

import pytest

from seawall.conform import run_conformance
from seawall.conform.command import conform_command
from seawall.conform.coverage import lookup
from seawall.conform.model import Vector
from seawall.errors import InputError, InvariantViolation

GOOD = {
    "id": "binance-usdm-cum-made-up",
    "inputs": {"floor_n": 1000, "mmr_n": 0.05, "mmr_prev": 0.025, "cum_prev": 0},
    "expected": {"cum_n": 25},
}
PLANTED = {
    "id": "margin.linear_liq_price",
    "inputs": {"entry": 100.0, "qty": 1.0, "margin": 10.0, "mmr": 0.0},
    "expected": {"long_liq": 90.0, "short_liq": 110.0, "long_bankrupt": 91.0, "short_bankrupt": 110.0},
    "tolerance": {"rel": 1e-9},
}
UNKNOWN = {"id": "nowhere-1", "inputs": {"a": 1}, "expected": {"b": 2}}


def write(folder, name, content):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def test_the_json_is_files_by_path_with_three_lists_each(tmp_path):
    write(tmp_path, "venues/made_up.json", [GOOD, UNKNOWN, PLANTED])
    found = run_conformance(tmp_path).to_json()
    assert list(found) == ["files"] and list(found["files"]) == ["venues/made_up"]
    result = found["files"]["venues/made_up"]
    assert sorted(result) == ["differs", "reproduced", "unsupported"]
    assert result["reproduced"] == [GOOD["id"]]
    assert [(u["id"], sorted(u)) for u in result["unsupported"]] == [("nowhere-1", ["id", "reason"])]
    assert json.loads(json.dumps(found)) == found


def test_a_planted_wrong_number_differs_and_both_numbers_are_told(tmp_path, capsys):
    path = write(tmp_path, "planted.json", [PLANTED])
    (differs,) = run_conformance(path).to_json()["files"]["planted"]["differs"]
    assert (differs["expected"]["long_bankrupt"], differs["got"]["long_bankrupt"]) == (91.0, 90)
    assert conform_command([path]) == 1
    text = capsys.readouterr().out
    assert "long_bankrupt: expected 91, got 90 (allowed: 1e-09 relative)" in text
    assert "short_bankrupt: expected" not in text


def test_keys_are_paths_below_the_folder_given(tmp_path):
    write(tmp_path, "venues/a.json", [GOOD])
    write(tmp_path, "quant/b.json", [GOOD])
    assert list(run_conformance(tmp_path).files) == ["quant/b", "venues/a"]
    assert list(run_conformance(tmp_path / "venues").files) == ["a"]
    assert list(run_conformance(tmp_path / "venues" / "a.json").files) == ["a"]


def test_a_number_its_own_file_calls_contradictory_does_not_fail_the_run(tmp_path, capsys):
    excused = {**PLANTED, "status": "recomputed: DISAGREES with the published number"}
    path = write(tmp_path, "planted.json", [excused])
    assert [d["id"] for d in run_conformance(path).to_json()["files"]["planted"]["differs"]] == [
        PLANTED["id"]
    ]
    assert conform_command([path], as_json=True) == 0
    assert json.loads(capsys.readouterr().out) == run_conformance(path).to_json()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[{", "cannot be read as JSON"),
        ('{"id": 1}', "holds dict, not a list"),
        ('[{"id": "x", "inputs": {"a": NaN}}]', "NaN is not a number"),
        ("\ufeff[]", "cannot be read as JSON"),
    ],
)
def test_a_file_that_is_no_list_of_vectors_is_told_and_fails_the_run(tmp_path, text, reason):
    write(tmp_path, "bad.json", text)
    write(tmp_path, "good.json", [GOOD])
    found = run_conformance(tmp_path)
    assert found.files["good"].reproduced == [GOOD["id"]]
    (entry,) = found.to_json()["files"]["bad"]["unsupported"]
    assert entry["id"] == "*" and reason in entry["reason"]
    assert not found.passed


@pytest.mark.parametrize(
    "entry",
    [
        7,
        None,
        {"inputs": {}, "expected": {"a": 1}},
        {"id": "x", "inputs": [], "expected": {"a": 1}},
        {"id": "x", "inputs": {}, "expected": 3},
        {"id": "x", "inputs": {}},
    ],
)
def test_an_entry_without_id_inputs_or_expected_is_unsupported_by_its_place(tmp_path, entry):
    path = write(tmp_path, "odd.json", [GOOD, entry])
    found = run_conformance(path).files["odd"]
    assert found.reproduced == [GOOD["id"]] and not found.differs
    assert found.unsupported[0].id in ("#1", "x") and found.unsupported[0].reason


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"inputs": {"surprise": 1}}, "unknown shape (surprise)"),
        ({"inputs": {**GOOD["inputs"], "mmr_n": "half"}}, "'half', not a number"),
        ({"inputs": {**GOOD["inputs"], "mmr_n": [1]}}, "not a number"),
        ({"expected": {"cum_n": 25, "colour": "red"}}, "nothing here answers to colour"),
        ({"tolerance": "some"}, "inputs not understood: ValueError"),
    ],
)
def test_shapes_nobody_foresaw_are_unsupported_with_the_reason(tmp_path, change, reason):
    path = write(tmp_path, "odd.json", [{**GOOD, **change}])
    (entry,) = run_conformance(path).files["odd"].unsupported
    assert reason in entry.reason


def test_what_the_engine_refuses_is_unsupported_in_the_engines_words(tmp_path):
    huge = {**PLANTED, "inputs": {**PLANTED["inputs"], "qty": 1e40}}
    path = write(tmp_path, "odd.json", [huge])
    assert run_conformance(path).files["odd"].unsupported[0].reason


@pytest.mark.parametrize("error", [InvariantViolation("books do not balance"), NameError("typo")])
def test_a_failure_of_our_own_is_a_difference_and_never_excused(tmp_path, monkeypatch, error):
    def fail(vector):
        raise error

    adapter = lookup(vector_of(GOOD))
    monkeypatch.setattr("seawall.conform.run.lookup", lambda vector: adapter._replace(answer=fail))
    path = write(tmp_path, "broken.json", [{**GOOD, "status": "DISAGREES"}])
    found = run_conformance(path)
    assert str(error) in found.to_json()["files"]["broken"]["differs"][0]["got"]["error"]
    assert not found.passed


def vector_of(entry) -> Vector:
    return Vector(file="x", id=entry["id"], inputs=entry["inputs"], expected=entry["expected"])


def test_a_folder_that_is_not_there_or_empty_is_refused(tmp_path):
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(InputError, match="no vector files"):
            run_conformance(path)


def test_running_twice_gives_the_same(tmp_path):
    path = write(tmp_path, "a.json", [GOOD, PLANTED, UNKNOWN])
    assert run_conformance(path).to_json() == run_conformance(path).to_json()


def test_several_folders_are_run_one_after_the_other(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "same.json").write_text("[]")
    found = run_conformance(tmp_path / "one", tmp_path / "two")
    assert list(found.files) == ["one/same", "two/same"]
    with pytest.raises(InputError, match="one/same was given already"):
        run_conformance(tmp_path / "one", tmp_path / "one")
