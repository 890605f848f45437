"""Where the paths of a sweep run: worker processes of joblib, or Ray.

A backend takes a setup, the numbers of its paths and (where all paths share one book) the book opened once,
and gives each path's rows in the order of the paths, as they are ready. It decides nothing: a path is a
function of setup and number, so every backend and any number of workers give the same bytes. The book is one
array of bytes; joblib maps it into every worker's memory, Ray keeps it in its object store.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from itertools import islice
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from seawall.api.setup import CrashSetup
from seawall.errors import InputError, SeawallError

Rows: TypeAlias = list[dict[str, Any]]
Handle: TypeAlias = "NDArray[np.uint8] | None"  # the encoded book, or None: every path opens its own
Task: TypeAlias = Callable[[CrashSetup, int, Handle], Rows]
Run: TypeAlias = Callable[[Task, CrashSetup, Handle], Iterator[Rows]]
BACKENDS = ("joblib", "ray")

RAY_BATCH = 4  # paths handed to Ray at once: a path takes tens of milliseconds or more, a Ray task half a one


@contextmanager
def workers_of(backend: str, workers: int) -> Iterator[Run]:
    """So many workers, as a function from a task, its setup and its book to the rows of each path in order.

    Raises SeawallError for a backend that is not there, and where a worker is lost.
    """
    if backend not in BACKENDS:
        raise InputError.at("--backend", f"there is no {backend!r}", f"Choose {' or '.join(BACKENDS)}.")
    if backend == "joblib":
        yield partial(_joblib_rows, workers)
        return
    with _ray(workers) as ray:
        yield partial(_ray_rows, ray, workers)


def _joblib_rows(workers: int, task: Task, setup: CrashSetup, handle: Handle) -> Iterator[Rows]:
    """Processes of loky, started once and kept; short paths are handed over in batches of about 0.2 s."""
    from joblib import Parallel, delayed

    pool = Parallel(n_jobs=workers, backend="loky", return_as="generator")
    try:
        with unheard_interrupts():
            found = pool(delayed(task)(setup, index, handle) for index in range(setup.paths))
        yield from found
    except BrokenProcessPool as error:
        raise _lost_worker(str(error)) from None


@contextmanager
def unheard_interrupts() -> Iterator[None]:
    """Ctrl-C is for the parent, which then stops the workers: what is started here does not hear it.

    Ignored, because only that outlives the start of another program. We are deaf meanwhile, for milliseconds.
    """
    if threading.current_thread() is not threading.main_thread():  # Python hears Ctrl-C there alone
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _ray(workers: int) -> Iterator[Any]:
    """Ray: the cluster at RAY_ADDRESS, one that this process has joined, or one of our own for the while."""
    try:
        import ray
    except ImportError:
        what = "Ray is not installed"
        raise InputError.at("--backend ray", what, "pip install 'seawall[ray]', or use joblib.") from None
    if ray.is_initialized():
        yield ray
        return
    address = os.environ.get("RAY_ADDRESS")
    where = {"address": address} if address else {"num_cpus": workers, "include_dashboard": False}
    with unheard_interrupts():
        ray.init(**where, log_to_driver=False, logging_level="error", runtime_env=_one_thread())
    try:
        yield ray
    finally:
        ray.shutdown()


def _one_thread() -> dict[str, Any]:
    """A worker is one core: compiled loops and Polars must not each start threads for all of them."""
    names = ("NUMBA_NUM_THREADS", "POLARS_MAX_THREADS", "OMP_NUM_THREADS")
    return {"env_vars": dict.fromkeys(names, "1")}


def _ray_rows(ray: Any, workers: int, task: Task, setup: CrashSetup, handle: Handle) -> Iterator[Rows]:
    """Batches in order, never more under way than the workers need."""
    shared = None if handle is None else ray.put(handle)
    remote = ray.remote(_batch)
    size = max(1, min(RAY_BATCH, setup.paths // (4 * workers)))
    jobs = (
        remote.remote(task, setup, range(first, min(first + size, setup.paths)), shared)
        for first in range(0, setup.paths, size)
    )
    under_way = list(islice(jobs, 2 * workers))
    while under_way:
        try:
            found = ray.get(under_way.pop(0))
        except ray.exceptions.RayTaskError as error:
            raise error.cause from None
        except ray.exceptions.RayError as error:
            raise _lost_worker(str(error)) from None
        under_way += islice(jobs, 1)
        yield from found


def _batch(task: Task, setup: CrashSetup, indices: Iterable[int], handle: Handle) -> list[Rows]:
    return [task(setup, index, handle) for index in indices]


def _lost_worker(what: str) -> SeawallError:
    lines = what.strip().splitlines()
    return SeawallError(
        f"a worker process ended before its path was done: {lines[0] if lines else 'no reason was given'}\n"
        "  Most often memory ran out: give fewer --workers, or fewer accounts."
    )
