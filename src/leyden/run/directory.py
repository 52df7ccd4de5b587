import json
import os
import platform
import secrets
import shlex
import shutil
import subprocess
import sys
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
from . import environment
from .code_copy import CodeCopy
from .history import experiments, folders, newest_run, remember
from .status import StatusFile, locked, read_json
from .trust import sign

LOCK = ".training.lock"  # held by the process that trains, or that started those that do
LAST, PREVIOUS = "last.ckpt", "last-previous.ckpt"  # checkpoints that a run goes on from
BEST = "best.json"  # which of the others is the best

State = Literal["created", "submitted", "running", "interrupted", "preempted", "failed", "finished"]


class RunDirectory:
    """A run: a folder with a frozen configuration and all that comes of executing it.

    Args:
        path: the folder.

    Raises:
        UserError: the folder is not a run directory.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        if not (self.path / "status.json").is_file():
            raise UserError(f"{path} is not a run directory: it has no status.json")

    @classmethod
    def create(cls, config: dict[str, Any], root: Path, command: list[str], **status: Any) -> "RunDirectory":
        """Makes `runs/<name>/<time>-<counter>-<id>/` and freezes configuration, code, packages and machine in it.

        The time is UTC, the counter that of this second: names sort as the runs were made.

        Args:
            config: the composed configuration, optionally with references, as `Composed.frozen` has it.
            root: the project's folder.
            command: the words typed.
            **status: more to keep in its status, such as `live`.

        Raises:
            UserError: it cannot be made where `runs` says.
        """
        folder, identity = runs_folder(config, root), secrets.token_hex(4)
        parent = folder / config["name"]
        path = _make(parent, f"{datetime.now(UTC):%Y%m%d-%H%M%S}", identity)
        (path / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False, allow_unicode=True), "utf-8")
        (path / "command.txt").write_text(shlex.join(command) + "\n", "utf-8")
        (path / environment.FILE).write_text("\n".join(environment.packages()) + "\n", "utf-8")
        previous = CodeCopy((parent / "latest").resolve())
        CodeCopy(path).write(root, folder, previous if previous.folder.is_dir() else None)
        sign(path, config, root)
        (path / "hardware.json").write_text(json.dumps(_hardware(), indent=1), "utf-8")
        created = {"id": identity, "state": "created", "created": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"}
        write_atomically(path / "status.json", json.dumps(created | status))
        _point_latest(parent / "latest", path)
        remember(path, folder, root)
        return cls(path)

    @property
    def frozen_config(self) -> dict[str, Any]:
        """The configuration as it is written: with references to this machine's settings and environment.

        Raises:
            UserError: the file is missing or damaged.
        """
        path = self.path / "config.yaml"
        try:
            config = yaml.safe_load(path.read_bytes())
        except FileNotFoundError:
            raise UserError(f"{self.path} is no run directory that can be used: it has no config.yaml") from None
        except (yaml.YAMLError, ValueError) as error:
            raise UserError(f"{path} is damaged: {' '.join(str(error).split())}; bring it back from a copy") from None
        if not isinstance(config, dict) or "name" not in config:
            raise UserError(f"{path} is damaged: it holds no configuration of a run; bring it back from a copy")
        return config

    @property
    def config(self) -> dict[str, Any]:
        """The configuration to be executed.

        Raises:
            UserError: it refers to something that is not here.
        """
        return renamed(references.resolve(self.frozen_config), str(self.path))

    @property
    def status(self) -> dict[str, Any]:
        return StatusFile(self.path / "status.json").read()

    def set_state(self, state: State, **details: Any) -> None:
        self.note(state=state, changed=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", **details)

    def note(self, **details: Any) -> None:
        """Adds to the status."""
        StatusFile(self.path / "status.json").add(**details)

    @contextmanager
    def claimed(self, seconds: float = 10.0) -> Iterator[None]:
        """No other process trains this run, here or on a machine that shares the folder.

        Args:
            seconds: to wait for a process that is about to end.

        Raises:
            UserError: another process trains it.
        """
        deadline = time.monotonic() + seconds
        with (self.path / LOCK).open("wb") as file:
            while not locked(file):
                if time.monotonic() > deadline:
                    raise UserError(f"{self.path} is being trained by another process: stop that one first")
                time.sleep(0.1)
            yield

    @property
    def is_writable(self) -> bool:
        return os.access(self.path, os.W_OK)

    @property
    def has_checkpoint(self) -> bool:
        """Whether there is one to go on from."""
        return any((self.path / "checkpoints" / name).exists() for name in (LAST, PREVIOUS))

    @property
    def best(self) -> dict[str, Any]:
        """The best checkpoint: `file` below this folder, `epoch`, `step`, `monitor` and its validation `metrics`; empty
        where none was chosen."""
        file = self.path / "checkpoints" / BEST
        return (read_json(file) if file.exists() else None) or {}

    def checkpoint(self, name: str) -> Path:
        """`best`, `last` or a path -> the checkpoint's path.

        Raises:
            UserError: there is no such checkpoint.
        """
        if name == "best":
            if not (best := self.best):
                raise UserError(
                    f"no epoch of this run was chosen as the best: take --ckpt last, or one of {self._saved}"
                )
            path = self.path / best["file"]
        else:
            path = self.path / "checkpoints" / LAST if name == "last" else Path(name)
        if path.name == LAST and not path.exists() and path.with_name(PREVIOUS).exists():
            return path.with_name(PREVIOUS)  # the run was killed while one took the other's place
        if not path.is_file():
            raise UserError(f"there is no checkpoint {path}; this run has saved {self._saved}")
        return path

    @property
    def _saved(self) -> str:
        return ", ".join(sorted(file.stem for file in (self.path / "checkpoints").glob("*.ckpt"))) or "none"


def find_run(name: str, root: Path) -> RunDirectory:
    """A path, `latest` or an experiment's name -> the run directory; for the last two the newest one.

    Raises:
        UserError: there is none.
    """
    path = Path(name)
    with suppress(OSError):  # as of a name that is too long
        if (path / "status.json").is_file():
            return RunDirectory(path.resolve())
    if newest := newest_run(name, root):
        return RunDirectory(newest)
    with suppress(OSError):
        if path.is_dir():
            return RunDirectory(path)  # which says what it lacks
    known = experiments(root)
    there = hint(name, known, few=0) or f"; there are runs of {', '.join(known)}" if known else "; there is none yet"
    raise UserError(
        f"there is no run {name!r}: neither a run directory nor an experiment with runs in "
        f"{', '.join(map(str, folders(root)))}{there}"
    )


def runs_folder(config: dict[str, Any], root: Path) -> Path:
    """Where the runs of a configuration are kept."""
    return (root / Path(references.resolve(config["runs"], root)).expanduser()).absolute()


def _make(parent: Path, time: str, identity: str) -> Path:
    try:
        parent.mkdir(parents=True, exist_ok=True)
        path = parent / f"{time}-{sum(1 for _ in parent.glob(f'{time}-*')):02d}-{identity}"
        path.mkdir()  # refuses to exist twice: two runs in one second never meet
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno in FULL:
            raise
        reason = error.strerror if isinstance(error, OSError) else error
        raise UserError(f"no run directory can be made in {parent}: {reason}; set runs=FOLDER to another one") from None
    return path


def _point_latest(link: Path, path: Path) -> None:
    temporary = link.with_name(f".latest.{path.name}")
    try:
        temporary.symlink_to(path.name)
        temporary.replace(link)
    except OSError:  # a file system without links: `find_run` does not need them
        temporary.unlink(missing_ok=True)


def _output(command: list[str]) -> str:
    if not shutil.which(command[0]):
        return ""
    return subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace").stdout


def _hardware() -> dict[str, Any]:
    query = ["nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 0
    return {
        "host": platform.node(),
        "system": platform.platform(),
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "memory_gib": round(memory / 2**30, 1),
        "gpus": _output(query).splitlines(),
        "python": sys.version,
    }
