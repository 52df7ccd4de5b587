"""The content of a run directory, without secrets. Missing and damaged files are empty."""

import csv
import json
import shlex
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...config.redaction import NEVER_UPLOADED, for_upload, redact
from ...config.references import find_secrets
from ...errors import UserError
from ...io import Curve, read_curves
from ..records import Record, read_config, read_json

LOG_LINES = 400  # of the end of log.txt
FILES = ("status.json", "results.json", "checkpoints/best.json")
MOST_BYTES = 5_000_000  # of a figure
SHELL = tuple(f"launcher.{name}=" for name in NEVER_UPLOADED["launcher"])  # words of a command that are left out


@dataclass(frozen=True)
class RunFiles:
    """The files of a run.

    Attributes:
        record: State, settings and metrics.
        config: The frozen configuration as it may be shown: without shell commands, with local paths shortened.
        command: Words of the command.
        status, results, best, hardware, data, code: The JSON files.
        packages: Lines of environment.txt.
        log: Last lines of log.txt.
        curves: Of metrics.csv.
        damage: Files that could not be read, each with the reason.
    """

    record: Record
    config: dict[str, Any]
    command: list[str]
    status: dict[str, Any]
    results: dict[str, Any]
    best: dict[str, Any]
    hardware: dict[str, Any]
    data: dict[str, Any]
    code: dict[str, Any]
    packages: list[str]
    log: list[str]
    curves: dict[str, Curve]
    damage: list[str]

    @property
    def path(self) -> Path:
        return Path(self.record.path)

    def plots(self) -> Iterator[tuple[str, str, Path]]:
        """Yield folder, name and path of each file in plots/, those of the best checkpoint first."""
        files = sorted((self.path / "plots").rglob("*"), key=lambda file: (file.parent.name != "best", str(file)))
        for file in files:
            if file.is_file() and not file.name.startswith("."):
                yield str(file.parent.relative_to(self.path / "plots")).strip("."), file.stem, file


def read_files(record: Record, root: Path | None) -> RunFiles:
    """Read a run.

    Args:
        record: Of the run.
        root: The project's folder, which references to configs/local are looked up in.
    """
    path, damage = Path(record.path), []
    config = read_config(path)
    hide = redaction(config, root)
    curves: dict[str, Curve] = {}
    try:
        curves = read_curves(path / "metrics.csv")
    except (ValueError, csv.Error, OSError) as error:
        damage.append(f"metrics.csv could not be read: {error}")
    read = {"config.yaml": config} | {name: read_json(path / name) for name in FILES}
    damage += [f"{name} is damaged" for name, content in read.items() if not content and (path / name).is_file()]
    files = {name: hide(read_json(path / f"{name}.json")) for name in ("status", "results", "hardware", "data", "code")}
    return RunFiles(
        record=record,
        config=hide(for_upload(config)),
        command=hide(_command(path)),
        best=hide(read_json(path / "checkpoints" / "best.json")),
        packages=_text(path / "environment.txt").split(),
        log=hide(_text(path / "log.txt").splitlines()[-LOG_LINES:]),
        curves=curves,
        damage=damage,
        **files,
    )


def redaction(config: dict[str, Any], root: Path | None) -> Callable[[Any], Any]:
    """Return a function that redacts all text in a value.

    Args:
        config: The frozen configuration, whose references name the secrets.
        root: The project's folder.
    """
    secrets: dict[str, str] = {}
    with suppress(UserError, OSError):  # a reference to a file of another machine
        secrets = find_secrets(config, root)

    def hide(value: Any) -> Any:
        if isinstance(value, dict):
            return {hide(name): hide(item) for name, item in value.items()}
        if isinstance(value, list):
            return [hide(item) for item in value]
        return redact(value, secrets) if isinstance(value, str) else value

    return hide


def _command(path: Path) -> list[str]:
    text = _text(path / "command.txt")
    try:
        words = shlex.split(text)
    except ValueError:  # damaged
        words = text.split()
    return [f"{word.partition('=')[0]}=***" if word.lstrip("+").startswith(SHELL) else word for word in words]


def _text(file: Path) -> str:
    with suppress(OSError):
        return file.read_text(encoding="utf-8", errors="replace")
    return ""


def csv_rows(file: Path) -> list[list[str]]:
    """Return the rows of a CSV file; none if it cannot be read."""
    with suppress(OSError, csv.Error), file.open(newline="", encoding="utf-8", errors="replace") as stream:
        return list(csv.reader(stream))
    return []


def as_text(value: Any) -> str:
    """Return a setting as it is written in YAML."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
