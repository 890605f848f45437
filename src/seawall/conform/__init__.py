"""Published numbers against the engine: `run_conformance(dir)` says which come out and which do not."""

from seawall.conform.model import Conformance
from seawall.conform.run import run_conformance

__all__ = ["Conformance", "run_conformance"]
