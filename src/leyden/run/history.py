"""The runs of a project: where they are, and which is the newest. Imports no torch.

Every run that is made is added to `runs/.history`, wherever its own folder is: the order of its lines does not depend on
clocks, which are set back in autumn and by hand. Runs that came otherwise, such as copies, are ordered by their names.
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

HISTORY = Path("runs") / ".history"
SETTING = re.compile(r"(?m)^runs:.*$")
NAME = re.compile(r"(\d{8}-\d{6})(?:-(\d\d+))?-[0-9a-f]{8}")  # UTC with a counter or, of old, local time without


class Known(NamedTuple):
    """A run directory, and the name of its experiment."""

    path: Path
    name: str


def remember(path: Path, folder: Path, root: Path) -> None:
    """Adds a run directory that was made to the project's history, if that may be written.

    Args:
        path: of the run directory.
        folder: of all runs.
        root: of the project; a folder within it is found again where the project was moved.
    """
    place = folder.relative_to(root) if folder.is_relative_to(root) else folder
    line = json.dumps([str(place), str(path.relative_to(folder))]) + "\n"
    with suppress(OSError):
        (root / HISTORY).parent.mkdir(exist_ok=True)
        with (root / HISTORY).open("a", encoding="utf-8") as file:
            file.write(line)  # in one piece: others add theirs


def newest_run(name: str, root: Path) -> Path | None:
    """The newest run directory of an experiment, of those whose names begin so, or, for `latest`, of all."""
    made, others = _runs(root)
    candidates = [run for run in made if _is_called(run, name)][-1:] + [run for run in others if _is_called(run, name)]
    return max((run.path for run in candidates), key=_time, default=None)


def experiments(root: Path) -> list[str]:
    """The names of those that have runs."""
    return sorted({run.name for runs in _runs(root) for run in runs})


def all_runs(root: Path) -> list[Known]:
    """Every run directory of a project, sorted by name where the history does not know when it was made."""
    made, others = _runs(root)
    return [*sorted(others, key=lambda run: run.path.name), *made]


def _runs(root: Path) -> tuple[list[Known], list[Known]]:
    """Those of the history, in its order, and the others."""
    made = _made(root)
    paths = {run.path for run in made}
    return made, [run for folder in folders(root) for run in _below(folder) if run.path not in paths]


def folders(root: Path) -> list[Path]:
    """Where the configuration lets runs be kept: in general, for this user, for one experiment; and the default."""
    configs = root / "configs"
    files = [configs / "train.yaml", configs / "local" / "default.yaml", *sorted(configs.glob("experiment/**/*.yaml"))]
    found = [root / "runs"]
    for file in files:
        with suppress(OSError, yaml.YAMLError):
            found += [root / value for line in SETTING.findall(_text(file)) if (value := _value(line))]
    return list(dict.fromkeys(found))


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace")


def _value(line: str) -> Path | None:
    """The folder that a line `runs: FOLDER` means; None where only a composed configuration could tell."""
    value = yaml.safe_load(line)["runs"]
    if isinstance(value, str) and "${" in value:
        from omegaconf import OmegaConf
        from omegaconf.errors import OmegaConfBaseException

        try:
            value = OmegaConf.create({"runs": value}).runs
        except OmegaConfBaseException:
            return None
    return Path(value).expanduser() if isinstance(value, str) else None


def _made(root: Path) -> list[Known]:
    """Those of the history that are still there, in their order."""
    with suppress(OSError):
        lines = _text(root / HISTORY).splitlines()
        return [run for line in lines if (run := _known(line, root)) and (run.path / "status.json").is_file()]
    return []


def _known(line: str, root: Path) -> Known | None:
    try:
        folder, place = map(Path, json.loads(line))
    except (ValueError, TypeError):  # torn
        return None
    return Known(root / folder / place, place.parent.as_posix())


def _below(folder: Path) -> Iterator[Known]:
    """All run directories in a folder; not what is in them, which may be much."""
    for place, names, files in os.walk(folder):
        if "status.json" in files:
            names.clear()
            path = Path(place)
            yield Known(path, path.parent.relative_to(folder).as_posix() if path != folder else "")


def _is_called(run: Known, name: str) -> bool:
    return name == "latest" or f"{run.name}/".startswith(f"{name.rstrip('/')}/")


def _time(path: Path) -> tuple[float, int, str]:
    """When a run was made: as its name says, or else its files."""
    if found := NAME.fullmatch(path.name):
        with suppress(ValueError):
            made = datetime.strptime(found[1], "%Y%m%d-%H%M%S")
            made = made.replace(tzinfo=UTC) if found[2] else made.astimezone()
            return made.timestamp(), int(found[2] or 0), path.name
    with suppress(OSError):
        return (path / "config.yaml").stat().st_mtime, 0, path.name
    return 0.0, 0, path.name
