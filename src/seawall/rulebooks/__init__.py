"""The venues as data: one TOML per venue and date, the loader and its checks."""
