"""Loggers. Import them from their modules, since Weights & Biases may not be installed."""
