"""Pretrained weights that a model would download."""

from pathlib import Path
from typing import Any

import pytest


def skip_pretrained(model: Any, name: str) -> None:
    """Skip the test of a model that would download weights.

    Args:
        model: its configuration.
        name: name of the tested model or experiment.
    """
    if key := _downloaded(model):
        pytest.skip(f"{name} is not tested: {key} is set, and pretrained weights are downloaded")


def _downloaded(node: Any, key: str = "model") -> str:
    """The first setting with pretrained weights, or an empty string."""
    if isinstance(node, list):
        return next((setting for value in node if (setting := _downloaded(value, key))), "")
    if not isinstance(node, dict):
        return ""
    for name, value in node.items():
        is_name = isinstance(value, str) and value != "???" and not Path(value).is_file()
        if (name == "pretrained" and value is True) or (str(name).startswith("weights") and is_name):
            return f"{key}.{name}={value}"
        if setting := _downloaded(value, f"{key}.{name}"):
            return setting
    return ""
