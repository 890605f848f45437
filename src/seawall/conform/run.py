"""Reading vector files and running each vector through the engine. Nothing is skipped, nothing stops the run.

A folder's files are taken in path order, keyed by their path below it without ending; a single file by its
name. A vector that cannot be read or run is `unsupported` with the reason; a failure of our own (an
invariant, a bug) is a difference. Numbers are read as exact fractions of their decimal text.
"""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec

from seawall.conform.compare import compare, names_asked
from seawall.conform.coverage import lookup
from seawall.conform.model import Conformance, Differs, FileResult, Mismatch, NotSupported, Vector
from seawall.errors import InputError, SeawallError, Unsupported

WHOLE_FILE = "*"
# What inputs of a form nobody foresaw raise when they are read.
UNFORESEEN = (LookupError, TypeError, ValueError, ArithmeticError)


def run_conformance(path: Path, *more: Path) -> Conformance:
    """Run every vector of a file, or of all `.json` files below a folder; of several, one after the other.

    Of several folders each file's name begins with its folder's. InputError if a path is not there or a
    folder holds no such file.
    """
    if not more:
        return _of_one(Path(path))
    files: dict[str, FileResult] = {}
    for one in (Path(path), *more):
        under = f"{one.resolve().name}/" if one.is_dir() else ""
        for name, result in _of_one(one).files.items():
            if under + name in files:
                raise InputError.at(str(one), f"{under + name} was given already", "Name each once.")
            files[under + name] = result
    return Conformance(files=files)


def _of_one(root: Path) -> Conformance:
    if root.is_file():
        return Conformance(files={root.stem: run_file(root, root.stem)})
    found = sorted(root.rglob("*.json")) if root.is_dir() else []
    if not found:
        raise InputError.at(
            str(root), "no vector files (.json) here", "Give a folder or a file of published numbers."
        )
    names = {file.relative_to(root).with_suffix("").as_posix(): file for file in found}
    return Conformance(files={name: run_file(file, name) for name, file in names.items()})


def run_file(file: Path, name: str) -> FileResult:
    """All vectors of one file, in order."""
    result = FileResult()
    try:
        text = file.read_text(encoding="utf-8")
        exact = json.loads(text, parse_float=Fraction, parse_constant=_not_a_number)
        raw = json.loads(text)
    except (OSError, ValueError, ZeroDivisionError, RecursionError) as error:
        result.unreadable = f"cannot be read as JSON: {error}"
    else:
        if not isinstance(exact, list):
            result.unreadable = f"holds {type(exact).__name__}, not a list of vectors"
        else:
            tables = [entry for entry in exact if isinstance(entry, dict)]
            beside = {str(e.get("id")): e["inputs"] for e in tables if "inputs" in e}
            for place, (entry, printed) in enumerate(zip(exact, raw)):
                _run_entry(result, name, place, entry, printed, beside)
    if result.unreadable:
        result.unsupported.append(NotSupported(id=WHOLE_FILE, reason=result.unreadable))
    return result


def _not_a_number(text: str) -> Any:
    raise ValueError(f"{text} is not a number")


def _run_entry(
    result: FileResult, file: str, place: int, entry: Any, printed: Any, beside: dict[str, Any]
) -> None:
    identity = str(entry.get("id", "")) if isinstance(entry, dict) else ""
    vector = _vector(file, entry, printed, beside)
    if isinstance(vector, str):
        result.unsupported.append(NotSupported(id=identity or f"#{place}", reason=vector))
        return
    outcome = run_vector(vector)
    if isinstance(outcome, str):
        result.unsupported.append(NotSupported(id=vector.id, reason=outcome))
    elif outcome is None:
        result.reproduced.append(vector.id)
    else:
        result.differs.append(outcome)


def _vector(file: str, entry: Any, printed: Any, beside: dict[str, Any]) -> Vector | str:
    """The entry as a vector, or what is wrong with its form."""
    if not isinstance(entry, dict):
        return f"is {type(entry).__name__}, not a table with id, inputs and expected"
    for key, kind in (("id", str), ("inputs", dict), ("expected", dict)):
        if not isinstance(entry.get(key), kind) or not entry[key]:
            if key != "inputs" or not isinstance(entry.get(key), dict):
                return f"has no usable '{key}'"
    return Vector(
        file=file,
        id=entry["id"],
        inputs=entry["inputs"],
        expected=entry["expected"],
        raw_expected=printed["expected"],
        tolerance=entry.get("tolerance"),
        status=str(entry.get("status", "")),
        description=str(entry.get("description", "")),
        source=str(entry.get("source", "")),
        beside=beside,
    )


def run_vector(vector: Vector) -> Differs | str | None:
    """None if reproduced, the difference if not, or in words why it cannot be run."""
    adapter = lookup(vector)
    if isinstance(adapter, str):
        return adapter
    try:
        got = adapter.answer(vector)
        missing = [name for name in names_asked(vector.expected) if name not in got]
        if missing:
            return f"nothing here answers to {', '.join(missing)}"
        mismatches = compare(vector.expected, got, vector.tolerance)
    except Unsupported as error:
        return str(error)
    except SeawallError as error:
        return f"the engine cannot take these inputs: {' '.join(str(error).split())}"
    except UNFORESEEN as error:
        return f"inputs not understood: {type(error).__name__}: {' '.join(str(error).split())}"
    except Exception as error:
        # Not the vector's fault but ours: it must not pass for a case that is merely not covered.
        return _broken(vector, f"{type(error).__name__}: {' '.join(str(error).split())}")
    if not mismatches:
        return None
    asked = {name: got[name] for name in names_asked(vector.expected)}
    return _differs(vector, asked, mismatches)


def _broken(vector: Vector, error: str) -> Differs:
    told = f"failed: {error}"
    mismatch = Mismatch(path="", expected=vector.raw_expected, got=told)
    return msgspec.structs.replace(_differs(vector, {"error": told}, (mismatch,)), excused=False)


def _differs(vector: Vector, got: Any, mismatches: tuple[Mismatch, ...]) -> Differs:
    return Differs(
        id=vector.id,
        expected=vector.raw_expected,
        got=got,
        mismatches=mismatches,
        excused=vector.contradicts_its_rule,
    )
