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
from .extension import LENGTH, SCHEDULE, require_exact
from .trust import sign

FROM_TRAINER = {"devices": "devices", "nodes": "num_nodes", "accelerator": "accelerator"}  # arguments of a launcher
HARDWARE = [*(f"trainer.{name}" for name in FROM_TRAINER.values()), "launcher"]
ALLOWED = [*HARDWARE, *LENGTH, SCHEDULE]


def override_on_resume(run: RunDirectory, overrides: list[str], root: Path) -> None:
    """Override settings of a run before it is resumed: hardware and launcher, which do not change its results, and its
    length, if its results are those of a run that had this length from the start; see `extension`.

    Args:
        run: The run.
        overrides: Such as `trainer.devices=4`, `launcher=slurm`, `launcher.time=8:00:00` and `trainer.max_epochs=60`.
        root: The project's folder.

    Raises:
        UserError: An override is not allowed, or its value is invalid.
    """
    frozen, applied = run.frozen_config, {}
    for word in sorted(overrides, key=lambda word: not word.startswith("launcher=")):  # a new launcher comes first
        key, equals, value = word.partition("=")
        is_allowed = any(f"{key}.".startswith(f"{prefix}.") for prefix in ALLOWED) and key != SCHEDULE
        if not equals or not is_allowed:
            raise UserError(f"{word}: a run cannot change after it has started, except for {', '.join(ALLOWED)}")
        if key == "launcher":
            frozen[key] = compose([word], root).frozen[key]
            continue
        _set(frozen, key, value, word)
        applied[key] = word
    for name, source in FROM_TRAINER.items():
        if name in frozen["launcher"]:
            frozen["launcher"][name] = frozen["trainer"][source]
    composed = Composed(resolve(frozen, root), root, [], applied, frozen)
    if messages := problems(composed, looks_for_files=False):
        raise UserError("\n".join(messages))
    if changed := [word for word in overrides if not _is_hardware(word)]:
        require_exact(run, composed.config, changed, root)
    write_atomically(run.path / "config.yaml", yaml.safe_dump(frozen, sort_keys=False, allow_unicode=True))
    sign(run.path, frozen, root)
    with (run.path / "command.txt").open("a", encoding="utf-8") as file:
        command = ["leyden", "resume", str(run.path), *overrides]
        file.write(shlex.join(command) + "\n")


def _is_hardware(word: str) -> bool:
    return any(f"{word.partition('=')[0]}.".startswith(f"{prefix}.") for prefix in HARDWARE)


def _set(config: dict[str, Any], key: str, value: str, word: str) -> None:
    *parents, name = key.split(".")
    node: Any = config
    for parent in parents:
        node = node.setdefault(parent, {})  # the check reports unknown names
        if not isinstance(node, dict):
            raise UserError(f"{word}: {key.rpartition('.')[0]} is a single value without settings of its own")
    try:
        node[name] = value if key == "launcher.time" else yaml.safe_load(value)  # YAML reads 8:00:00 as a number
    except yaml.YAMLError:
        raise UserError(f"{word}: the value cannot be parsed; quote it: '{key}=\"{value}\"'") from None
