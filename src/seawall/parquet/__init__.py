"""Parquet files read where a damaged one can do no harm: in a process of its own. Used by lab and report."""
