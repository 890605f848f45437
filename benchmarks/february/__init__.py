"""Twenty thousand options accounts through recorded option chains (`python -m benchmarks.february`)."""
