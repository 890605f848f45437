"""Twenty thousand options accounts through recorded option chains, in the engine (`python -m benchmarks.february`)."""
