"""Early warning: how much may be liquidated where, how it feeds on itself, which signatures a market shows.

Indicators of positions and depth (`cascade`, `signals`), and detectors of known failures
(`detectors`, with thresholds in `thresholds.toml`). Plain numbers in and out; nothing here changes a state.
"""
