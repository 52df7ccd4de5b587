"""Experiments whose data is computed or comes with an installed package: they need no files and no network."""

import ast
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from .compose import options
from .static.signature import ancestors, is_class
from .static.source import NameMissingError, bindings, find


def embedded_experiments(root: Path) -> list[str]:
    """The experiments of a project whose dataset's class says `is_embedded = True`; nothing is imported."""
    names = [name for name, _ in options(root)["experiment"]]
    return [name for name in names if (target := _target(root / "configs", name)) and is_embedded(target)]


@cache
def is_embedded(target: str) -> bool:
    try:
        found = find(target)
    except NameMissingError:
        return False
    for one in ancestors(found) if is_class(found) else ():
        if one and (values := bindings(one.node.body).get("is_embedded")):
            return isinstance(values[-1], ast.Constant) and values[-1].value is True
    return False


def _target(configs: Path, experiment: str) -> str | None:
    """The class of an experiment's data: its own, or that of the option of `data` that it chooses."""
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
