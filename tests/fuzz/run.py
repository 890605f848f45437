"""Fuzz the readers: `python -m tests.fuzz.run TARGET... [--runs N] [--seed N] [--guided]`.

Without --guided inputs come from the seeded mutator, so a finding repeats with the same seed on any machine;
with it from atheris, which follows the coverage of our code. Memory is capped for the whole process, so a
reader that believes a length in the input fails here. A finding is kept in .cache/fuzz; the exit code is 1.
"""

from __future__ import annotations

import argparse
import hashlib
import resource
import shutil
import sys
import tempfile
import time
import traceback
from pathlib import Path
from random import Random

ROOT = Path(__file__).resolve().parents[2]
FOUND = ROOT / ".cache" / "fuzz"
MEMORY_BYTES = 6 << 30  # address space: most of it LLVM, thread stacks and libraries that are only mapped
SHARES = {  # inputs out of a thousand; what is slow gets less (Parquet takes a process for each file)
    "rulebook": 40, "proposal": 40, "book_csv": 70, "book_parquet": 1, "book_frame": 20, "prices_csv": 80,
    "prices_parquet": 1, "prices_frame": 20, "prices_packed": 30, "depth": 40, "journal": 20, "record": 240,
    "snapshot": 18, "shock": 100, "plan": 20, "fault": 100, "marks": 60, "numbers": 100,
}  # fmt: skip


def scratch() -> tempfile.TemporaryDirectory[str]:
    """In memory where the system offers it: a million small files are written."""
    memory = Path("/dev/shm")
    return tempfile.TemporaryDirectory(prefix="seawall-fuzz-", dir=memory if memory.is_dir() else None)


def report(name: str, data: bytes) -> Path:
    """Keep the input that went wrong, and say so."""
    FOUND.mkdir(parents=True, exist_ok=True)
    path = FOUND / f"{name}-{hashlib.sha256(data).hexdigest()[:16]}"
    path.write_bytes(data)
    print(f"\nFOUND {name}: {len(data)} bytes kept in {path.relative_to(ROOT)}", flush=True)
    traceback.print_exc()
    return path


def mutate(name: str, runs: int, seed: int, *, keep_going: bool) -> int:
    """Run one target over seeded mutations. Returns how many findings there were."""
    from tests.fuzz import targets
    from tests.fuzz.corpora import corpus
    from tests.fuzz.mutate import mutated

    chance, findings, started = Random(f"{name}/{seed}"), 0, time.monotonic()
    with scratch() as place:
        folder = Path(place) / "in"
        folder.mkdir()
        entries = corpus(name, Path(place))
        target = targets.TARGETS[name]
        taken = sum(targets.attempt(target, folder, data) for data in entries)
        for _ in range(runs):
            data = mutated(chance, entries)
            try:
                taken += targets.attempt(target, folder, data)
            except (SystemExit, KeyboardInterrupt):
                raise
            except BaseException:  # Polars panics with an exception that is no Exception
                report(name, data)
                findings += 1
                if not keep_going:
                    break
                for path in folder.iterdir():
                    path.unlink()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    print(
        f"{name:15} {runs:9,} inputs, {taken:8,} taken, {findings} findings, "
        f"{time.monotonic() - started:6.1f} s, peak {peak} MiB",
        flush=True,
    )
    return findings


def guided(name: str, runs: int) -> None:
    """The same target under atheris. Does not return: libFuzzer ends the process."""
    import atheris  # the extra `fuzz`

    with atheris.instrument_imports(include=["seawall"]):
        from tests.fuzz import targets
        from tests.fuzz.corpora import corpus

    place = FOUND / "scratch" / name  # libFuzzer ends the process without cleaning up, so not in memory
    shutil.rmtree(place, ignore_errors=True)
    folder, seeds = place / "in", place / "seeds"
    folder.mkdir(parents=True)
    seeds.mkdir()
    for number, data in enumerate(corpus(name, place)):
        (seeds / str(number)).write_bytes(data)

    def one(data: bytes) -> None:
        try:
            targets.attempt(targets.TARGETS[name], folder, data)
        except BaseException:
            report(name, data)
            raise

    flags = [
        f"-runs={runs}",
        "-rss_limit_mb=4096",
        "-timeout=60",
        "-verbosity=0",
        "-max_len=65536",
        f"-artifact_prefix={FOUND}/",
    ]
    atheris.Setup([name, *flags, str(seeds)], one)
    atheris.Fuzz()


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(SHARES)} (all)")
    parser.add_argument(
        "--runs", type=int, default=20_000, help="inputs: each, or in all where none is named"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--guided", action="store_true", help="by coverage, with atheris; name one target")
    parser.add_argument("--keep-going", action="store_true", help="do not stop at the first finding")
    asked = parser.parse_args(words)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, resource.RLIM_INFINITY))
    if asked.guided:
        guided(asked.targets[0], asked.runs)
    shares = {name: asked.runs for name in asked.targets}
    shares = shares or {name: max(asked.runs * share // 1000, 1) for name, share in SHARES.items()}
    found = [mutate(name, runs, asked.seed, keep_going=asked.keep_going) for name, runs in shares.items()]
    print(f"{sum(shares.values()):,} inputs, {sum(found)} findings")
    return 1 if any(found) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
