"""Names of the version before. They work in this one, with a warning that gives the new name, and in no later one."""

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
SETTINGS = {
    "callbacks.optimization": "callbacks.gradients",
    "callbacks.pictures": "callbacks.plots",
    "data.residence": "data.storage",
}
# Options of groups, and values of settings.
CHOICES = {
    "data.on_bad_box=mend": "data.on_bad_box=fix",
    "data.too_long=cut": "data.too_long=truncate",
    "model.too_short=say": "model.too_short=warn",
    "model=text/convnet": "model=text/text_cnn",
    "model=text/embedding_bag": "model=text/fasttext",
}


def renamed_override(word: str) -> str:
    """An override with the new names in it."""
    prefix, rest = re.fullmatch(r"([+~]*)(.*)", word, flags=re.DOTALL).groups()  # pyrefly: ignore[missing-attribute]
    if rest in CHOICES:
        return prefix + _warned(f"override {word}", rest, CHOICES[rest])
    for old, new in SETTINGS.items():
        if re.match(rf"{re.escape(old)}(?![\w-])", rest):
            rest = _warned(f"override {word}", old, new) + rest.removeprefix(old)
    for old, new in TARGETS.items():
        if re.search(rf"{re.escape(old)}(?!\w)", rest):
            rest = rest.replace(old, _warned(f"override {word}", old, new))
    return prefix + rest


def renamed(config: Any, place: str) -> Any:
    """A configuration, as plain values, with the new names in it; the same object where none is old.

    Args:
        config: of a file, or of a run.
        place: where it is, for the warning.
    """
    config = _with_targets(config, place)
    for old, new in SETTINGS.items():
        (group, name), (_, new_name) = old.split("."), new.split(".")
        if isinstance(config, dict) and isinstance(part := config.get(group), dict) and name in part:
            _warned(place, old, new)
            config = config | {group: {new_name if key == name else key: value for key, value in part.items()}}
    for old, new in CHOICES.items():
        group, _, name = old.partition("=")[0].partition(".")
        part = config.get(group) if isinstance(config, dict) else None
        if isinstance(part, dict) and name and f"{group}.{name}={part.get(name)}" == old:
            _warned(place, old, new)
            config = config | {group: part | {name: new.partition("=")[2]}}
    return config


def _with_targets(node: Any, place: str) -> Any:
    if isinstance(node, list):
        return [_with_targets(value, place) for value in node]
    if not isinstance(node, dict):
        return node
    node = {name: _with_targets(value, place) for name, value in node.items()}
    target = node.get("_target_")
    if isinstance(target, str) and target in TARGETS:
        node["_target_"] = _warned(place, target, TARGETS[target])
    return node


@cache
def _warned(place: str, old: str, new: str) -> str:
    print(f"warning: {place}: {old} is now {new}; the old name works in this version alone", file=sys.stderr)
    return new
