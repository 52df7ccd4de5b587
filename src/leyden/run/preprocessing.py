"""What pretrained weights dictate to the data: the network provides it, and settings of the same names take it."""

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
SPOKEN_OF = ("image_size", "mean", "std")  # settings that a user may well want otherwise, but should know of


def provided(config: dict[str, Any], folder: Path | None = None) -> dict[str, Any]:
    """What the network of a configuration provides for its data.

    Args:
        config: of a run.
        folder: a run directory that keeps it: a newer library may have other weights of the same name.

    Raises:
        UserError: there are no such weights.
    """
    if folder and (folder / FILE).is_file():
        return json.loads((folder / FILE).read_text(encoding="utf-8"))
    network = config["model"].get("network") if isinstance(config.get("model"), dict) else None
    found = {name: value for node in _nodes(network) for name, value in _provided_by(node).items()}
    if folder and found:
        write_atomically(folder / FILE, json.dumps(found, indent=1))
    return found


def taking(data: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """The configuration of data in which settings that are null have what the network provides; others stay."""
    return data | {name: value for name, value in found.items() if name in data and data[name] in (None, MISSING)}


def report(data: Any, config: dict[str, Any], found: dict[str, Any]) -> None:
    """Logs which settings of a data module were taken, and warns of those that contradict the weights."""
    shown = {name: found[name] for name in SPOKEN_OF if name in found and hasattr(data, name)}
    taken = [name for name in shown if config.get(name, 0) in (None, MISSING)]
    if taken:
        log.info("as the pretrained weights expect: %s", ", ".join(f"data.{name}={shown[name]}" for name in taken))
    others = [name for name, value in shown.items() if not _same(getattr(data, name), value)]
    if others:
        log.warning(
            "%s, but the pretrained weights were trained with %s; to take that, set %s",
            ", ".join(f"data.{name}={getattr(data, name)}" for name in others),
            ", ".join(f"{name}={shown[name]}" for name in others),
            " ".join(f"data.{name}=null" for name in others),
        )


def _same(one: Any, other: Any) -> bool:
    """Whether two settings mean the same, where one number stands for all channels or both sides."""
    ones, others = (list(value) if isinstance(value, (list, tuple)) else [value] for value in (one, other))
    return ones == others * len(ones) if len(others) == 1 else ones * (len(others) if len(ones) == 1 else 1) == others


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    """All objects that a part of a configuration describes, the outer ones last."""
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
    named = {name: given[name] for name in signature(rule).parameters if given.get(name, MISSING) != MISSING}
    return rule(**{name: _without_missing(value) for name, value in named.items()})


def _without_missing(value: Any) -> Any:
    """What an argument describes, without what only the data can give, which no rule asks for."""
    if not isinstance(value, dict):
        return value
    return build({name: one for name, one in value.items() if one != MISSING}, {})
