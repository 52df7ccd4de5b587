"""Weights that a model would download."""

from pathlib import Path
from typing import Any

import pytest


def skip_pretrained(model: Any, name: str) -> None:
    """Skips the test of a model whose weights are downloaded.

    Args:
        model: its configuration.
        name: of what is tested.
    """
    if key := _downloaded(model):
        pytest.skip(f"{name} is not tested: {key} is set, and pretrained weights are downloaded")


def _downloaded(node: Any, key: str = "model") -> str:
    """The first setting that names pretrained weights, or nothing."""
    if isinstance(node, list):
        return next((found for value in node if (found := _downloaded(value, key))), "")
    if not isinstance(node, dict):
        return ""
    for name, value in node.items():
        is_name = isinstance(value, str) and value != "???" and not Path(value).is_file()
        if (name == "pretrained" and value is True) or (str(name).startswith("weights") and is_name):
            return f"{key}.{name}={value}"
        if found := _downloaded(value, f"{key}.{name}"):
            return found
    return ""
