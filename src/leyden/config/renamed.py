"""Deprecated names of the previous version: they work in this version, with a warning, and are removed in the next."""

import re
import sys
from functools import cache
from typing import Any

TARGETS = {
    "leyden.callbacks.Optimization": "leyden.callbacks.GradientMonitor",
    "leyden.callbacks.Pictures": "leyden.callbacks.PredictionPlots",
    "leyden.networks.text.EmbeddingBag": "leyden.networks.text.FastText",
    "leyden.networks.text.WordConvNet": "leyden.networks.text.TextCNN",
}
# Applied in order: a setting may have moved with its parent.
SETTINGS = {
    "callbacks.optimization": "callbacks.gradients",
    "callbacks.pictures": "callbacks.plots",
    "callbacks.plots.num_rows": "callbacks.plots.num_samples",
    "data.residence": "data.storage",
}
# Options of config groups, and values of settings.
CHOICES = {
    "data.on_bad_box=mend": "data.on_bad_box=fix",
    "data.too_long=cut": "data.too_long=truncate",
    "model.too_short=say": "model.too_short=warn",
    "model=text/convnet": "model=text/text_cnn",
    "model=text/embedding_bag": "model=text/fasttext",
}


def renamed_override(word: str) -> str:
    """Replace deprecated names in an override."""
    prefix, rest = re.fullmatch(r"([+~]*)(.*)", word, flags=re.DOTALL).groups()  # pyrefly: ignore[missing-attribute]
    if rest in CHOICES:
        return prefix + _warn(f"override {word}", rest, CHOICES[rest])
    for old, new in SETTINGS.items():
        if re.match(rf"{re.escape(old)}(?![\w-])", rest):
            rest = _warn(f"override {word}", old, new) + rest.removeprefix(old)
    for old, new in TARGETS.items():
        if re.search(rf"{re.escape(old)}(?!\w)", rest):
            rest = rest.replace(old, _warn(f"override {word}", old, new))
    return prefix + rest


def renamed(config: Any, origin: str) -> Any:
    """Replace deprecated names in a configuration.

    Args:
        config: Plain dicts, lists and values of a file or a run; changed in place.
        origin: The file or run, for the warning.
    """
    config = _with_targets(config, origin)
    for old, new in SETTINGS.items():
        key, name = old.split("."), new.rpartition(".")[2]
        if key[-1] in _node(config, key[:-1]):
            _warn(origin, old, new)
            _rename(_node(config, key[:-1]), key[-1], name)
    for old, new in CHOICES.items():
        (key, _, value), chosen = old.partition("="), new.partition("=")[2]
        *path, name = key.split(".")
        if path and _node(config, path).get(name) == value:
            _warn(origin, old, new)
            _node(config, path)[name] = chosen
    return config


def _node(config: Any, path: list[str]) -> dict[str, Any]:
    """Return the node at a path; empty if there is none."""
    for name in path:
        config = config.get(name) if isinstance(config, dict) else None
    return config if isinstance(config, dict) else {}


def _rename(node: dict[str, Any], old: str, new: str) -> None:
    """Rename a key and keep the order of keys."""
    items = [(new if name == old else name, value) for name, value in node.items()]
    node.clear()
    node.update(items)


def _with_targets(node: Any, origin: str) -> Any:
    """Return a copy with the new names of classes."""
    if isinstance(node, list):
        return [_with_targets(value, origin) for value in node]
    if not isinstance(node, dict):
        return node
    node = {name: _with_targets(value, origin) for name, value in node.items()}
    target = node.get("_target_")
    if isinstance(target, str) and target in TARGETS:
        node["_target_"] = _warn(origin, target, TARGETS[target])
    return node


@cache
def _warn(origin: str, old: str, new: str) -> str:
    print(f"warning: {origin}: {old} is deprecated and removed in the next version; use {new}", file=sys.stderr)
    return new
