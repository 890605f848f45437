"""Benchmarks: each figure beside a named peer in the same run, as a ratio. Run with `make bench`."""
