import json
import os
import shlex
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import yaml

from ..config import references
from ..config.renamed import renamed
from ..errors import UserError, hint
from ..io import FULL, write_atomically
from . import environment, init_from, machine
from .cleaned import cleaned_remark
from .code_copy import CodeCopy
from .history import experiments, folders, newest_run, remember
from .identity import new_identity
from .status import StatusFile, locked, read_json
from .study_place import StudyPlace
from .trust import sign

LOCK = ".training.lock"  # held by the training process, or by the parent of several
LAST, PREVIOUS = "last.ckpt", "last-previous.ckpt"  # checkpoints from which a run resumes
BEST = "best.json"  # names the best checkpoint

State = Literal["created", "submitted", "running", "interrupted", "preempted", "failed", "pruned", "finished"]


class RunDirectory:
    """The folder of a run: its frozen configuration and all outputs.

    Args:
        path: The folder.

    Raises:
        UserError: The folder is not a run directory.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        if not (self.path / "status.json").is_file():
            raise UserError(f"{path} is not a run directory: it has no status.json")

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        root: Path,
        command: list[str],
        code: CodeCopy | None = None,
        study: StudyPlace | None = None,
        **status: Any,
    ) -> "RunDirectory":
        """Create `runs/<name>/<time>-<counter>-<id>/` and store configuration, code, packages and hardware in it.

        The time is UTC, the counter distinguishes runs of one second: names sort in order of creation.

        Args:
            config: The composed configuration, optionally with references, such as `Composed.frozen`. Its `search`
                belongs to the study, not to the run.
            root: The project's folder.
            command: The command line.
            code: The copy of another run, to execute the same code. Default: a new copy of the project's files.
            study: Place of the run in a study, whose code it gets. What a killed process has left there is replaced.
            **status: Further fields of its status, such as `live`.

        Raises:
            UserError: The folder cannot be created in `runs`, or there are no weights `init_from`.
        """
        config = {name: value for name, value in config.items() if name != "search"}
        config, weights = init_from.located(config, root)
        folder, identity = runs_folder(config, root), new_identity()
        path = study.make() if study else _make(folder / config["name"], f"{datetime.now(UTC):%Y%m%d-%H%M%S}", identity)
        _describe(path, config, command)
        CodeCopy(path).make(code or (CodeCopy(study.folder) if study else None), root, folder)
        init_from.record(path, weights)
        sign(path, config, root)
        created = {"id": identity, "state": "created", "created": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"}
        # Before the status, which makes it a run: a process that is killed in between leaves no run that is forgotten.
        remember(path, folder, root, config["name"])
        write_atomically(path / "status.json", json.dumps(created | status))
        if not study:
            _point_latest(path.parent / "latest", path)
        return cls(path)

    @property
    def frozen_config(self) -> dict[str, Any]:
        """The stored configuration, with references to configs/local and environment variables.

        Raises:
            UserError: The file is missing or damaged.
        """
        path = self.path / "config.yaml"
        try:
            config = yaml.safe_load(path.read_bytes())
        except FileNotFoundError:
            raise UserError(f"{self.path} is not a usable run directory: it has no config.yaml") from None
        except (yaml.YAMLError, ValueError) as error:
            raise UserError(f"{path} is damaged: {' '.join(str(error).split())}; restore it from a backup") from None
        if not isinstance(config, dict) or "name" not in config:
            raise UserError(f"{path} is damaged: it is not the configuration of a run; restore it from a backup")
        return config

    @property
    def config(self) -> dict[str, Any]:
        """The configuration with resolved references.

        Raises:
            UserError: A reference cannot be resolved on this machine.
        """
        return renamed(references.resolve(self.frozen_config), str(self.path))

    @property
    def status(self) -> dict[str, Any]:
        return StatusFile(self.path / "status.json").read()

    def set_state(self, state: State, **details: Any) -> None:
        self.update_status(state=state, changed=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", **details)

    def update_status(self, **details: Any) -> None:
        """Add fields to the status."""
        StatusFile(self.path / "status.json").add(**details)

    @contextmanager
    def claimed(self, seconds: float = 10.0) -> Iterator[None]:
        """Lock the run, so that no other process trains it on any machine that shares the folder.

        Args:
            seconds: Time to wait for a process that is about to exit.

        Raises:
            UserError: Another process trains the run.
        """
        deadline = time.monotonic() + seconds
        with (self.path / LOCK).open("wb") as file:
            while not locked(file):
                if time.monotonic() > deadline:
                    raise UserError(f"{self.path} is being trained by another process: stop that process first")
                time.sleep(0.1)
            yield

    @property
    def is_writable(self) -> bool:
        return os.access(self.path, os.W_OK)

    @property
    def has_checkpoint(self) -> bool:
        """Whether the run has a checkpoint to resume from."""
        return any((self.path / "checkpoints" / name).exists() for name in (LAST, PREVIOUS))

    @property
    def best(self) -> dict[str, Any]:
        """The best checkpoint: `file` in this folder, `epoch`, `step`, `monitor` and its validation `metrics`; empty if
        none was chosen."""
        file = self.path / "checkpoints" / BEST
        return (read_json(file) if file.exists() else None) or {}

    def checkpoint(self, name: str) -> Path:
        """Return the path of the checkpoint `best`, `last` or a path.

        Raises:
            UserError: The checkpoint does not exist.
        """
        if name == "best":
            if not (best := self.best):
                raise UserError(f"this run has no best checkpoint: use --ckpt last, or one of {self._saved}")
            path = self.path / best["file"]
        else:
            path = self.path / "checkpoints" / LAST if name == "last" else Path(name)
        if path.name == LAST and not path.exists() and path.with_name(PREVIOUS).exists():
            return path.with_name(PREVIOUS)  # the run was killed while replacing it
        if not path.is_file():
            raise UserError(f"there is no checkpoint {path}; available: {self._saved}")
        return path

    @property
    def _saved(self) -> str:
        names = ", ".join(sorted(file.stem for file in (self.path / "checkpoints").glob("*.ckpt"))) or "none"
        return "; ".join(filter(None, [names, cleaned_remark(self.status)]))


def find_run(name: str, root: Path) -> RunDirectory:
    """Return a run directory.

    Args:
        name: A path, an experiment's name (its newest run) or `latest`.
        root: The project's folder.

    Raises:
        UserError: There is no such run.
    """
    path = Path(name)
    with suppress(OSError):  # such as a name that is too long
        if (path / "status.json").is_file():
            return RunDirectory(path.resolve())
    if newest := newest_run(name, root):
        return RunDirectory(newest)
    with suppress(OSError):
        if path.is_dir():
            return RunDirectory(path)  # raises with the reason
    names = experiments(root)
    available = hint(name, names, few=0) or f"; available: {', '.join(names)}" if names else "; there are no runs yet"
    raise UserError(
        f"there is no run {name!r}: neither a run directory nor an experiment with runs in "
        f"{', '.join(map(str, folders(root)))}{available}"
    )


def runs_folder(config: dict[str, Any], root: Path) -> Path:
    """Return the folder of the runs of a configuration."""
    return (root / Path(references.resolve(config["runs"], root)).expanduser()).absolute()


def _describe(path: Path, config: dict[str, Any], command: list[str]) -> None:
    """Write configuration, command, packages and hardware of a new run."""
    (path / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False, allow_unicode=True), "utf-8")
    (path / "command.txt").write_text(shlex.join(command) + "\n", "utf-8")
    (path / environment.FILE).write_text("\n".join(environment.packages()) + "\n", "utf-8")
    (path / "hardware.json").write_text(json.dumps(machine.describe(), indent=1), "utf-8")


def _make(parent: Path, time: str, identity: str) -> Path:
    try:
        parent.mkdir(parents=True, exist_ok=True)
        path = parent / f"{time}-{sum(1 for _ in parent.glob(f'{time}-*')):02d}-{identity}"
        path.mkdir()  # raises if it exists: two runs never share a folder
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno in FULL:
            raise
        reason = error.strerror if isinstance(error, OSError) else error
        raise UserError(f"cannot create a run directory in {parent}: {reason}; set another runs=FOLDER") from None
    return path


def _point_latest(link: Path, path: Path) -> None:
    temporary = link.with_name(f".latest.{path.name}")
    try:
        temporary.symlink_to(path.name)
        temporary.replace(link)
    except OSError:  # a file system without links: `find_run` does not need them
        temporary.unlink(missing_ok=True)
