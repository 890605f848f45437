"""Option prices, Greeks, implied vols and surfaces: checked inputs around the kernels of floor 0."""
