"""Loggers are imported by file, not from here: Weights & Biases may not be installed."""
