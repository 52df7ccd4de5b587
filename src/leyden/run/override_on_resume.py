import shlex
from pathlib import Path
from typing import Any

import yaml

from ..config.check import problems
from ..config.compose import Composed, compose
from ..config.references import resolve
from ..errors import UserError
from ..io import write_atomically
from .directory import RunDirectory
from .trust import sign

FROM_TRAINER = {"devices": "devices", "nodes": "num_nodes", "accelerator": "accelerator"}  # of a launcher
PLACES = [*(f"trainer.{name}" for name in FROM_TRAINER.values()), "launcher"]


def relocate(run: RunDirectory, overrides: list[str], root: Path) -> None:
    """Changes in a run's frozen configuration where it is trained, never what: it goes on with the same numbers.

    Args:
        run: it has not finished.
        overrides: such as `trainer.devices=4`, `launcher=slurm` and `launcher.time=8:00:00`.
        root: the project's folder.

    Raises:
        UserError: an override changes something else, or what it sets is refused.
    """
    frozen, typed = run.frozen_config, {}
    for word in sorted(overrides, key=lambda word: not word.startswith("launcher=")):  # a new launcher comes first
        key, equals, value = word.partition("=")
        if not equals or not any(f"{key}.".startswith(f"{place}.") for place in PLACES):
            raise UserError(
                f"{word}: a run that has begun goes on as it is; only where it is trained may change: {', '.join(PLACES)}"
            )
        if key == "launcher":
            frozen[key] = compose([word], root).frozen[key]
            continue
        _set(frozen, key, value, word)
        typed[key] = word
    for name, source in FROM_TRAINER.items():
        if name in frozen["launcher"]:
            frozen["launcher"][name] = frozen["trainer"][source]
    composed = Composed(resolve(frozen, root), root, [], typed, frozen)
    if found := problems(composed, looks_for_files=False):
        raise UserError("\n".join(found))
    write_atomically(run.path / "config.yaml", yaml.safe_dump(frozen, sort_keys=False, allow_unicode=True))
    sign(run.path, frozen, root)
    with (run.path / "command.txt").open("a", encoding="utf-8") as file:
        command = ["leyden", "resume", str(run.path), *overrides]
        file.write(shlex.join(command) + "\n")


def _set(config: dict[str, Any], key: str, value: str, word: str) -> None:
    *parents, name = key.split(".")
    node: Any = config
    for parent in parents:
        node = node.setdefault(parent, {})  # for the check to name what is unknown
        if not isinstance(node, dict):
            raise UserError(f"{word}: {key.rpartition('.')[0]} is one value, without settings of its own")
    try:
        node[name] = value if key == "launcher.time" else yaml.safe_load(value)  # 8:00:00 is a number to YAML
    except yaml.YAMLError:
        raise UserError(f"{word}: the value cannot be read; quote it: '{key}=\"{value}\"'") from None
