"""Settings, state and metrics of the runs of a project, read once and kept in an index."""

import json
import shlex
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, get_args

import yaml

from ..errors import UserError, hint
from ..io import write_atomically
from ..run.directory import RunDirectory, State
from ..run.extension import LENGTH, SCHEDULE
from ..run.history import all_runs
from ..run.lifetime import has_died
from ..run.results import SPLITS

INDEX = ".index.json"  # in runs/; it can be deleted at any time
FILES = ("config.yaml", "status.json", "results.json", "checkpoints/best.json")  # read for a record
FORMAT = 4  # of the index
FIELDS = (
    "experiment",
    "state",
    "created",
    "seconds",
    "error",
    "command",
)  # which can be selected and sorted by, like settings
STATES = (*get_args(State), "killed", "damaged")


@dataclass(frozen=True)
class Record:
    """Settings, state and metrics of a run.

    Attributes:
        path: The run directory.
        experiment: The name of its experiment.
        state: As in `status.json`, or `killed`, or `damaged` if that file cannot be read.
        created: UTC, ISO 8601.
        seconds: Duration of the training.
        settings: The configuration, by dotted names.
        metrics: Of the best checkpoint, or of the last one if there is no best, such as `test/accuracy`.
        monitor: The metric that selected the best checkpoint, such as `val/accuracy`.
        mode: Whether it is best at its `min` or `max`.
        splits: Fingerprint of the samples of each evaluated split.
        error: First line of the error of a failed run.
        command: The command that trains such a run: the one that created it, with the length to which it was extended
            and the file of `init_from`, where it named a run, which may be another one by now.
    """

    path: str
    experiment: str
    state: str
    created: str = ""
    seconds: float | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    monitor: str = ""
    mode: str = ""
    splits: dict[str, Any] = field(default_factory=dict)
    error: str = ""
    command: str = ""

    def __getitem__(self, name: str) -> Any:
        """Return a metric, a setting or one of `FIELDS`; None if it is missing."""
        if name in self.metrics:
            return self.metrics[name]
        if name in self.settings:
            return self.settings[name]
        return getattr(self, name) if name in FIELDS else None


def require_names(records: list[Record], names: Iterable[str]) -> None:
    """Raise UserError for a name that is neither a metric or setting of any record nor one of `FIELDS`."""
    known = {key for record in records for key in (*record.metrics, *record.settings)} | {*FIELDS}
    for name in names:
        if name not in known:
            same_end = [key for key in known if key.replace("/", ".").endswith(f".{name}")]
            raise UserError(f"no run has a metric or setting {name!r}{hint(name, same_end or known)}")


def records(root: Path) -> list[Record]:
    """Return the runs of a project in order of creation. Only new and changed runs are read."""
    runs = all_runs(root)
    file = root / "runs" / INDEX
    index = _read_index(file)
    kept: dict[str, Any] = {}
    found, is_new = [], False
    for run in runs:
        path, stamp = str(run.path), _stamp(run.path)
        entry: dict[str, Any] | None = index.get(path)
        if entry is None or entry["stamp"] != stamp:
            is_new = True
            entry = {"stamp": stamp, "record": asdict(read(run.path, run.name))}
        kept[path] = entry
        found.append(present_state(Record(**entry["record"])))
    if is_new or kept.keys() != index.keys():
        with suppress(OSError):  # read-only folder
            write_atomically(file, json.dumps({"format": FORMAT, "runs": kept}))
    return found


def read(path: Path, experiment: str) -> Record:
    """Read a run directory. Missing and damaged files are skipped."""
    status, results = read_json(path / "status.json"), read_json(path / "results.json")
    best = read_json(path / "checkpoints" / "best.json")
    splits = [results.get(split, {}) for split in SPLITS]
    checkpoint = "best" if any("best" in by_checkpoint for by_checkpoint in splits) else "last"
    metrics = {
        name: value for split in splits for name, value in split.get(checkpoint, {}).items() if value is not None
    }
    settings = dict(flat(read_config(path)))
    return Record(
        path=str(path),
        experiment=settings.get("name") or experiment,
        state=status.get("state", "damaged"),
        created=status.get("created", ""),
        seconds=status.get("seconds"),
        settings=settings,
        metrics={**best.get("metrics", {}), **metrics},
        monitor=best.get("monitor", ""),
        mode=best.get("mode", ""),
        splits=results.get("splits", {}),
        error=(status.get("error") or "").partition("\n")[0],
        command=_command(path / "command.txt", settings.get("init_from")),
    )


def read_present(path: Path) -> Record:
    """Return the record of a run directory with its present state."""
    return present_state(read(path, path.parent.name))


def present_state(record: Record) -> Record:
    """Return the record with its present state: a run whose process died is `killed`, not `running`."""
    if record.state == "running" and has_died(RunDirectory(Path(record.path))):
        return replace(record, state="killed")
    return record


def read_config(path: Path) -> dict[str, Any]:
    """Return the frozen configuration of a run; empty if it is missing or damaged."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    with suppress(OSError, yaml.YAMLError, ValueError):
        config = yaml.load((path / "config.yaml").read_bytes(), loader)
        return config if isinstance(config, dict) else {}
    return {}


def flat(node: Any, prefix: str = "") -> Iterable[tuple[str, Any]]:
    """Yield dotted names and values; lists are values."""
    for key, value in node.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict) and value:
            yield from flat(value, f"{name}.")
        else:
            yield name, value


def _stamp(path: Path) -> list[int]:
    """Return times and sizes of the files of a run, which change with its record."""
    stamp = []
    for name in FILES:
        try:
            status = (path / name).stat()
            stamp += [status.st_mtime_ns, status.st_size]
        except OSError:
            stamp += [0, 0]
    return stamp


def _command(file: Path, init_from: str | None) -> str:
    """Return the first command with the weights that were found, and with what later ones that extended the run changed."""
    with suppress(OSError, ValueError):
        first, *later = file.read_text(encoding="utf-8").splitlines() or [""]
        words = [word for line in later for word in shlex.split(line)]
        words = [word for word in words if word.startswith((*(f"{name}=" for name in LENGTH), f"{SCHEDULE}."))]
        words += [f"init_from={init_from}"] if init_from else []
        changed = {word.partition("=")[0]: word for word in words}
        if not changed:
            return first
        kept = [word for word in shlex.split(first) if word.partition("=")[0] not in changed]
        return shlex.join([*kept, *changed.values()])
    return ""


def read_json(path: Path) -> dict[str, Any]:
    """Return the content of a JSON file; empty if it is missing or damaged."""
    with suppress(OSError, ValueError):
        content = json.loads(path.read_text(encoding="utf-8"))
        return content if isinstance(content, dict) else {}
    return {}


def _read_index(file: Path) -> dict[str, dict[str, Any]]:
    content = read_json(file)
    return content.get("runs", {}) if content.get("format") == FORMAT else {}
