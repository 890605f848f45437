"""The laboratory: seeded price paths, shocks, depth and books. Drives the engine, never decides for it."""
