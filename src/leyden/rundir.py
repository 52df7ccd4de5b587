import fcntl
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
from contextlib import contextmanager
from datetime import datetime
from difflib import get_close_matches
from importlib.metadata import distributions
from pathlib import Path
from typing import IO, Any, Literal

import yaml

from .disk import write_atomically
from .errors import UserError

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
    def create(cls, config: dict[str, Any], root: Path, command: list[str]) -> "RunDirectory":
        """Makes `runs/<name>/<time>-<id>/` and freezes configuration, code, packages and machine in it.

        Args:
            config: the composed configuration.
            root: the project's folder.
            command: the words typed.
        """
        identity = secrets.token_hex(4)
        parent = root / config["runs"] / config["name"]
        path = parent / f"{datetime.now():%Y%m%d-%H%M%S}-{identity}"
        path.mkdir(parents=True)  # refuses to exist twice: two runs in one second never meet
        (path / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False, allow_unicode=True))
        (path / "command.txt").write_text(shlex.join(command) + "\n")
        (path / "environment.txt").write_text(_packages())
        (path / "git.patch").write_text(_changes(root))
        (path / "hardware.json").write_text(json.dumps(_hardware(), indent=1))
        write_atomically(path / "status.json", json.dumps({"id": identity, "state": "created"}))
        _point_latest(parent / "latest", path)
        return cls(path)

    @property
    def config(self) -> dict[str, Any]:
        return yaml.safe_load((self.path / "config.yaml").read_text())

    @property
    def status(self) -> dict[str, Any]:
        return json.loads((self.path / "status.json").read_text())

    def set_state(self, state: State, **details: Any) -> None:
        status = self.status | {"state": state, "changed": f"{datetime.now():%Y-%m-%d %H:%M:%S}"} | details
        write_atomically(self.path / "status.json", json.dumps(status, indent=1))

    @contextmanager
    def claimed(self, seconds: float = 10.0) -> Iterator[None]:
        """No other process trains this run, here or on a machine that shares the folder.

        Args:
            seconds: to wait for a process that is about to end.

        Raises:
            UserError: another process trains it.
        """
        deadline = time.monotonic() + seconds
        with (self.path / ".training.lock").open("w") as file:
            while not _locked(file):
                if time.monotonic() > deadline:
                    raise UserError(f"{self.path} is being trained by another process: stop that one first")
                time.sleep(0.1)
            yield

    @property
    def has_checkpoint(self) -> bool:
        """Whether there is one to go on from."""
        return any((self.path / "checkpoints" / name).exists() for name in (LAST, PREVIOUS))

    @property
    def best(self) -> dict[str, Any]:
        """The best checkpoint: `file` below this folder, `epoch`, `step`, `monitor` and its validation `metrics`; empty
        where none was chosen."""
        file = self.path / "checkpoints" / BEST
        return json.loads(file.read_text()) if file.exists() else {}

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


def find_run(name: str, runs: Path) -> RunDirectory:
    """A path, `latest` or an experiment's name -> the run directory; for the last two the newest one.

    Raises:
        UserError: there is none.
    """
    if (path := Path(name)).is_dir() and (path / "status.json").is_file():
        return RunDirectory(path.resolve())
    folder = runs if name == "latest" else runs / name
    found = sorted(folder.glob("**/status.json"), key=lambda file: file.parent.name)
    if found:
        return RunDirectory(found[-1].parent)
    if path.is_dir():
        return RunDirectory(path)
    known = sorted({str(file.parent.parent.relative_to(runs)) for file in runs.glob("**/status.json")})
    near = get_close_matches(name, known, n=1)
    raise UserError(
        f"there is no run {name!r}: neither a run directory nor an experiment with runs in {runs}"
        + (
            f"; did you mean {near[0]!r}?"
            if near
            else f"; there {'are runs of ' + ', '.join(known) if known else 'is none yet'}"
        )
    )


def _locked(file: IO[str]) -> bool:
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # unlike flock, not kept by forked processes
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        pass
    return True


def _point_latest(link: Path, path: Path) -> None:
    temporary = link.with_name(f".latest.{path.name}")
    try:
        temporary.symlink_to(path.name)
        temporary.replace(link)
    except OSError:  # a file system without links: `find_run` does not need them
        temporary.unlink(missing_ok=True)


def _packages() -> str:
    read = (distribution.metadata for distribution in distributions())  # once: `name` and `version` read it each
    found = {f"{metadata['Name']}=={metadata['Version']}" for metadata in read}
    return "\n".join([f"python=={platform.python_version()}", *sorted(found, key=str.lower)]) + "\n"


def _output(command: list[str], folder: Path | None = None) -> str:
    if not shutil.which(command[0]):
        return ""
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace").stdout


def _changes(root: Path) -> str:
    commit = _output(["git", "rev-parse", "HEAD"], root).strip()
    untracked = _output(["git", "ls-files", "--others", "--exclude-standard"], root).split("\n")
    header = [f"# commit {commit or 'none'}"] + [f"# untracked {name}" for name in untracked if name]
    return "\n".join(header) + "\n" + (_output(["git", "diff", "HEAD"], root) if commit else "")


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
