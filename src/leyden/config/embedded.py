"""Experiments on data that is generated or ships with an installed package: they need no files and no network."""

import ast
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from .compose import options
from .static.signature import ancestors, is_class
from .static.source import NameMissingError, bindings, find


def embedded_experiments(root: Path) -> list[str]:
    """Return the experiments whose data module sets `is_embedded = True`, without importing it."""
    names = [name for name, _ in options(root)["experiment"]]
    return [name for name in names if (target := _target(root / "configs", name)) and is_embedded(target)]


@cache
def is_embedded(target: str) -> bool:
    try:
        definition = find(target)
    except NameMissingError:
        return False
    for base in ancestors(definition) if is_class(definition) else ():
        if base and (values := bindings(base.node.body).get("is_embedded")):
            return isinstance(values[-1], ast.Constant) and values[-1].value is True
    return False


def _target(configs: Path, experiment: str) -> str | None:
    """Return the class of an experiment's data: its own, or that of the `data` option it chooses."""
    content = _read(configs / "experiment" / f"{experiment}.yaml")
    chosen = {
        key.split()[-1].lstrip("/"): name
        for default in content.get("defaults") or []
        if isinstance(default, dict)
        for key, name in default.items()
    }
    option = _read(configs / "data" / f"{chosen.get('data')}.yaml")
    return (option | (content.get("data") or {})).get("_target_")


def _read(file: Path) -> dict[str, Any]:
    return (yaml.safe_load(file.read_text(encoding="utf-8")) if file.is_file() else None) or {}
