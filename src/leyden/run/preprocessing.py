"""Preprocessing of pretrained weights: the network provides it, and data settings of the same names use it."""

import json
import logging
from collections.abc import Iterator
from contextlib import suppress
from inspect import signature
from pathlib import Path
from typing import Any

from hydra.utils import get_object

from ..config.build import MISSING, build
from ..io import write_atomically

log = logging.getLogger("leyden")
FILE = "preprocessing.json"
LOGGED_SETTINGS = ("image_size", "mean", "std")  # users may override these, but should know


def provided(config: dict[str, Any], folder: Path | None = None) -> dict[str, Any]:
    """Return the data settings that the network of a configuration provides.

    Args:
        config: The configuration of a run.
        folder: Run directory to store them in, because another version of a library may have other weights.

    Raises:
        UserError: The weights do not exist.
    """
    if folder and (folder / FILE).is_file():
        return json.loads((folder / FILE).read_text(encoding="utf-8"))
    network = config["model"].get("network") if isinstance(config.get("model"), dict) else None
    settings = {name: value for node in _nodes(network) for name, value in _provided_by(node).items()}
    if folder and settings:
        write_atomically(folder / FILE, json.dumps(settings, indent=1))
    return settings


def taking(data: dict[str, Any], settings: dict[str, Any]) -> dict[str, Any]:
    """Return the data configuration with null settings replaced by those of the network."""
    return data | {name: value for name, value in settings.items() if name in data and data[name] in (None, MISSING)}


def report(data: Any, config: dict[str, Any], settings: dict[str, Any]) -> None:
    """Log the settings taken from the weights, and warn about settings that contradict them."""
    logged = {name: settings[name] for name in LOGGED_SETTINGS if name in settings and hasattr(data, name)}
    taken = [name for name in logged if config.get(name, 0) in (None, MISSING)]
    if taken:
        log.info("set by the pretrained weights: %s", ", ".join(f"data.{name}={logged[name]}" for name in taken))
    others = [name for name, value in logged.items() if not _is_same(getattr(data, name), value)]
    if others:
        log.warning(
            "%s, but the pretrained weights were trained with %s; to use these, set %s",
            ", ".join(f"data.{name}={getattr(data, name)}" for name in others),
            ", ".join(f"{name}={logged[name]}" for name in others),
            " ".join(f"data.{name}=null" for name in others),
        )


def _is_same(first: Any, second: Any) -> bool:
    """Whether two settings are equal, where a single number stands for all channels or both sides."""
    a, b = (list(value) if isinstance(value, (list, tuple)) else [value] for value in (first, second))
    return a == b * len(a) if len(b) == 1 else a * (len(b) if len(a) == 1 else 1) == b


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    """Yield all nodes with a target, children before parents."""
    for value in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _nodes(value)
    if isinstance(node, dict) and node.get("_target_", MISSING) != MISSING:
        yield node


def _provided_by(node: dict[str, Any]) -> dict[str, Any]:
    target, given = get_object(node["_target_"]), dict(node)
    rule = getattr(target, "provides", None)
    if rule is None and getattr(target, "__module__", "").startswith("torchvision.models."):
        with suppress(ImportError):  # a project without images
            from ..networks.vision.torchvision_weights import preprocessing as rule

            given["builder"] = target
    if rule is None:
        return {}
    arguments = {name: given[name] for name in signature(rule).parameters if given.get(name, MISSING) != MISSING}
    return rule(**{name: _without_missing(value) for name, value in arguments.items()})


def _without_missing(value: Any) -> Any:
    """Build an argument without its values that are inferred from the data, which no rule needs."""
    if not isinstance(value, dict):
        return value
    return build({name: item for name, item in value.items() if item != MISSING}, {})
