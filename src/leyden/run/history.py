"""The runs of a project in order of creation. Torch-free.

Every new run is appended to `runs/.history`, wherever its own folder is: the order of lines does not depend on clocks,
which may be set back. Other runs, such as copies, are ordered by name.
"""

import json
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import yaml

from .status import read_json

HISTORY = Path("runs") / ".history"
STUDIES, STUDY = "studies", "study.yaml"  # runs/studies/<experiment>/<study>/study.yaml, beside its runs/
SETTING = re.compile(r"(?m)^runs:.*$")
NAME = re.compile(r"(\d{8}-\d{6})(?:-(\d\d+))?-[0-9a-z]{8}")  # UTC with a counter; old runs: local time without


class Run(NamedTuple):
    """A run directory and the name of its experiment."""

    path: Path
    name: str


def remember(path: Path, folder: Path, root: Path, name: str) -> None:
    """Append a new run directory to the project's history, if it is writable.

    Args:
        path: The run directory.
        folder: Folder of all runs; stored relative to `root` if inside, so that the project can be moved.
        root: The project's folder.
        name: Name of its experiment.
    """
    folder_name = folder.relative_to(root) if folder.is_relative_to(root) else folder
    inside = path.relative_to(folder)
    names = [] if inside.parent.as_posix() == name else [name]  # of a run in a study
    line = json.dumps([str(folder_name), str(inside), *names]) + "\n"
    with suppress(OSError):
        (root / HISTORY).parent.mkdir(exist_ok=True)
        with (root / HISTORY).open("a", encoding="utf-8") as file:
            file.write(line)  # in one write: other processes append, too


def newest_run(name: str, root: Path) -> Path | None:
    """Return the newest run of an experiment, of a group of experiments, or, for `latest`, of all."""
    recorded, others = _runs(root)
    candidates = [run for run in recorded if _has_name(run, name)][-1:]
    candidates += [run for run in others if _has_name(run, name)]
    return max((run.path for run in candidates), key=_time, default=None)


def newest_finished(name: str, root: Path) -> Path | None:
    """Return the newest run of those that `newest_run` considers which is finished."""
    runs = [run.path for run in all_runs(root) if _has_name(run, name)]
    return next(
        (path for path in reversed(runs) if (read_json(path / "status.json") or {}).get("state") == "finished"), None
    )


def experiments(root: Path) -> list[str]:
    """Return the names of the experiments that have runs."""
    return sorted({run.name for runs in _runs(root) for run in runs})


def all_runs(root: Path) -> list[Run]:
    """Return every run directory of a project; those that the history does not hold come first, by name."""
    recorded, others = _runs(root)
    return [*sorted(others, key=lambda run: run.path.name), *recorded]


def _runs(root: Path) -> tuple[list[Run], list[Run]]:
    """Return the runs of the history, in its order, and all others."""
    recorded = _recorded_runs(root)
    paths = {run.path for run in recorded}
    return recorded, [run for folder in folders(root) for run in _runs_in(folder) if run.path not in paths]


def folders(root: Path) -> list[Path]:
    """Return the configured folders of runs: of the project, this user and each experiment, and the default."""
    configs = root / "configs"
    files = [configs / "train.yaml", configs / "local" / "default.yaml", *sorted(configs.glob("experiment/**/*.yaml"))]
    paths = [root / "runs"]
    for file in files:
        with suppress(OSError, yaml.YAMLError):
            paths += [root / value for line in SETTING.findall(_text(file)) if (value := _value(line))]
    return list(dict.fromkeys(paths))


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace")


def _value(line: str) -> Path | None:
    """Return the folder of a line `runs: FOLDER`; None if it needs a composed configuration."""
    value = yaml.safe_load(line)["runs"]
    if isinstance(value, str) and "${" in value:
        from omegaconf import OmegaConf
        from omegaconf.errors import OmegaConfBaseException

        try:
            value = OmegaConf.create({"runs": value}).runs
        except OmegaConfBaseException:
            return None
    return Path(value).expanduser() if isinstance(value, str) else None


def _recorded_runs(root: Path) -> list[Run]:
    """Return the existing runs of the history, in its order."""
    with suppress(OSError):
        lines = _text(root / HISTORY).splitlines()
        return [run for line in lines if (run := _parse_line(line, root)) and (run.path / "status.json").is_file()]
    return []


def _parse_line(line: str, root: Path) -> Run | None:
    try:
        folder, path, *name = json.loads(line)
        return Run(root / folder / path, name[0] if name else _experiment(Path(path).parent))
    except (ValueError, TypeError):  # incomplete line
        return None


def _runs_in(folder: Path) -> Iterator[Run]:
    """Yield all run directories in a folder, without descending into them."""
    for parent, names, files in os.walk(folder):
        if "status.json" in files:
            names.clear()
            path = Path(parent)
            yield Run(path, _experiment(path.parent.relative_to(folder)) if path != folder else "")
        elif STUDY in files:
            names[:] = [name for name in names if name == "runs"]


def _experiment(folder: Path) -> str:
    """Return the name of the experiment whose runs are in a folder, relative to that of all runs."""
    if folder.parts[:1] == (STUDIES,) and folder.name == "runs":
        folder = Path(*folder.parts[1:-2])
    return folder.as_posix()


def _has_name(run: Run, name: str) -> bool:
    return name == "latest" or f"{run.name}/".startswith(f"{name.rstrip('/')}/")


def _time(path: Path) -> tuple[float, int, str]:
    """Return the creation time of a run from its name, or else from its files, as a sort key."""
    if match := NAME.fullmatch(path.name):
        with suppress(ValueError):
            created = datetime.strptime(match[1], "%Y%m%d-%H%M%S")
            created = created.replace(tzinfo=UTC) if match[2] else created.astimezone()
            return created.timestamp(), int(match[2] or 0), path.name
    with suppress(OSError):
        return (path / "config.yaml").stat().st_mtime, 0, path.name
    return 0.0, 0, path.name
