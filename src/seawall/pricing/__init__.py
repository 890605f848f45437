"""Option prices, Greeks and implied vols over arrays: checked inputs around the kernels of floor 0."""
