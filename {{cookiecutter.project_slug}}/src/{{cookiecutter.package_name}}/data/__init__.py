"""Datasets: one `DataModule` a file."""
