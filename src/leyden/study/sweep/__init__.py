"""Grids and searches: the runs of a study and their results. Torch-free until a run starts."""
