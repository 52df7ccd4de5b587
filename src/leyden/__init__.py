"""Leyden: a research template for Lightning."""
