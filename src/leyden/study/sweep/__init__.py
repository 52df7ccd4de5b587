"""Grids and searches: the runs of a study, and what came of them. Torch-free until a run starts."""
