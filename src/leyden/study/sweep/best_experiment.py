"""`best.yaml` of a study: an experiment with the values of its best run."""

from pathlib import Path
from typing import Any

import yaml

from ...config.compose import options
from ...io import write_atomically
from .rows import Row, number
from .settings import look_up
from .study_directory import StudyDirectory

FILE = "best.yaml"
OMITTED = ("search", "launcher", "logger", "runs", "name", "experiment")  # where and how it was run, not what


def write_best(study: StudyDirectory, best: Row, config: dict[str, Any], root: Path, of: str) -> Path:
    """Write the experiment and return its path.

    Args:
        study: The study.
        best: Its best run.
        config: The run's configuration.
        root: The project's folder.
        of: What it was chosen from, such as `30 trials`.
    """
    groups, path = options(root), study.path / FILE
    options_of, names = {}, []
    words = [word for word in study.settings["overrides"] if "=" in word and not word.startswith("~")]
    typed = [word.lstrip("+").split("=", 1) for word in words]
    given = [(name, value) for name, value in typed if name.partition(".")[0] not in OMITTED]
    for name, value in (*given, *best.choices.items()):
        if name in groups:
            options_of[name] = value
        else:
            names.append(name)
    content: dict[str, Any] = {}
    for name in names:
        _put(content, _whole_list(config, name), config)
    defaults: list[Any] = [f"/experiment/{study.experiment}"]
    if optim := options_of.pop("optim", None):
        defaults.append({"/optim@model": optim})
    defaults += ["_self_", *({f"override /{group}": value} for group, value in options_of.items())]
    text = yaml.safe_dump({"defaults": defaults, **content}, sort_keys=False, allow_unicode=True)
    write_atomically(path, _head(study, best, of, root) + text)
    return path


def target(study: StudyDirectory) -> str:
    """Return the name under which the experiment may be kept."""
    return f"{study.experiment}_best"


def _head(study: StudyDirectory, best: Row, of: str, root: Path) -> str:
    values = ", ".join(f"{name} {number(value)}" for name, value in best.values.items())
    folder = study.path.relative_to(root) if study.path.is_relative_to(root) else study.path
    more = "".join(f" '{word}'" for word in study.settings["overrides"] if word.startswith("~"))
    return (
        "# @package _global_\n"
        f"# The best of {of}, of {study.experiment}: {values}\n#\n"
        f"#   cp {folder}/{FILE} configs/experiment/{target(study)}.yaml\n"
        f"#   leyden train {target(study)}{more}\n"
    )


def _whole_list(config: dict[str, Any], name: str) -> str:
    """Return the name up to the first list, since a file cannot set an element of a list."""
    parts = name.split(".")
    for end in range(1, len(parts)):
        if isinstance(look_up(config, ".".join(parts[:end])), list):
            return ".".join(parts[:end])
    return name


def _put(content: dict[str, Any], name: str, config: dict[str, Any]) -> None:
    *parents, last = name.split(".")
    for parent in parents:
        content = content.setdefault(parent, {})
    content[last] = look_up(config, name)
