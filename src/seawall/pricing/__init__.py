"""Option prices, Greeks, implied vols and surfaces over arrays: checked inputs around the kernels of floor 0."""
