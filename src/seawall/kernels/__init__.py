"""Leaf kernels: numpy and numba only, no state, no imports from the rest of the project."""
