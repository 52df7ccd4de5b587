"""The folder of a study: its settings and code, both frozen, and its runs. Torch-free."""

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import yaml

from ...config.references import resolve
from ...errors import UserError, hint
from ...io import write_atomically
from ...run.code_copy import CodeCopy
from ...run.directory import RunDirectory, runs_folder
from ...run.history import STUDIES, STUDY, folders
from ...run.status import wait_for_lock
from ...run.study_place import StudyPlace
from ...run.trust import sign
from .prepare import Base

BASES = "bases.json"
LOCK = ".study.lock"


class StudyDirectory:
    """The folder of a study, `runs/studies/<experiment>/<time>-<id>/`.

    It contains `study.yaml` (what is varied, objectives, command), `config.yaml` (the configuration that trials start
    from), `code/`, the runs in `runs/`, `results.csv`, `best.yaml`, `plots/`, and for a search its trials in
    `journal.log`.

    Args:
        path: The folder.

    Raises:
        UserError: The folder is not a study, or its settings are damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        if not (self.path / STUDY).is_file():
            raise UserError(f"{path} is not a study: it has no {STUDY}")
        try:
            self.settings: dict[str, Any] = yaml.safe_load((self.path / STUDY).read_text(encoding="utf-8"))
            stored = json.loads((self.path / BASES).read_text(encoding="utf-8"))
            self.bases = [Base(**base) for base in stored]
            self.kind: Literal["grid", "search"] = self.settings["kind"]
        except (yaml.YAMLError, ValueError, KeyError, TypeError, OSError) as error:
            raise UserError(
                f"{self.path} is damaged: {' '.join(str(error).split())}; restore it from a backup"
            ) from None

    @classmethod
    def create(cls, root: Path, bases: list[Base], **settings: Any) -> "StudyDirectory":
        """Freeze settings and code of a study in a new folder.

        Args:
            root: The project's folder.
            bases: The configurations of a grid, or those that trials of a search start from.
            **settings: Content of `study.yaml`.

        Raises:
            UserError: The folder cannot be created.
        """
        config = bases[0].config
        folder = runs_folder(config, root)
        created = datetime.now(UTC)
        path = folder / STUDIES / config["name"] / f"{created:%Y%m%d-%H%M%S}-{secrets.token_hex(4)}"
        try:
            path.mkdir(parents=True)
        except OSError as error:
            raise UserError(
                f"cannot create a study in {path.parent}: {error.strerror}; set another runs=FOLDER"
            ) from None
        CodeCopy(path).write(root, folder)
        (path / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False, allow_unicode=True), "utf-8")
        (path / BASES).write_text(json.dumps([asdict(base) for base in bases]), "utf-8")
        text = yaml.safe_dump(
            {"experiment": config["name"], "created": f"{created:%Y-%m-%dT%H:%M:%SZ}", **settings},
            sort_keys=False,
            allow_unicode=True,
        )
        write_atomically(path / STUDY, text)  # last, since it makes the folder a study
        study = cls(path)
        sign(path, study.frozen_config, root)
        return study

    @property
    def frozen_config(self) -> dict[str, Any]:
        """What decides which code its runs execute, for `trust`."""
        bases = [{"config": base.config, "nodes": base.nodes} for base in self.bases]
        return {"launcher": self.bases[0].config["launcher"], "bases": bases}

    @property
    def config(self) -> dict[str, Any]:
        """The configuration that trials start from, with resolved references."""
        return resolve(self.bases[0].config)

    @property
    def experiment(self) -> str:
        return self.settings["experiment"]

    @property
    def varied(self) -> list[str]:
        """The names of the settings that differ among its runs."""
        if self.kind == "search":
            return [setting["name"] for setting in self.settings["space"]]
        return list(dict.fromkeys(name for choices in self.settings["grid"] for name in choices))

    def place(self, number: int) -> StudyPlace:
        """Return the place of the run of a trial."""
        return StudyPlace(self.path, f"{self.path.name.rpartition('-')[2]}-{number:04d}")

    def run(self, number: int) -> RunDirectory | None:
        """Return the run of a trial, if it has been created."""
        path = self.place(number).path
        return RunDirectory(path) if (path / "status.json").is_file() else None

    def create_run(
        self, number: int, config: dict[str, Any], root: Path, command: list[str], **status: Any
    ) -> RunDirectory:
        """Create the run of a trial, or return it if it exists."""
        if self.settings.get("live"):
            status["live"] = True
        config = in_group(config, f"{self.experiment}/{self.path.name}")
        return self.run(number) or RunDirectory.create(config, root, command, study=self.place(number), **status)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Exclude other workers, on any machine that shares the folder, while a trial is chosen or ends."""
        with (self.path / LOCK).open("wb") as file:
            wait_for_lock(file)
            yield


def in_group(config: dict[str, Any], group: str) -> dict[str, Any]:
    """Return a configuration whose loggers show its run in a group, unless they have another one."""
    loggers = {
        name: logger | {"group": group} if isinstance(logger, dict) and logger.get("group", "") is None else logger
        for name, logger in (config.get("logger") or {}).items()
    }
    return config | {"logger": loggers} if loggers else config


def find_study(name: str, root: Path) -> StudyDirectory:
    """Return a study.

    Args:
        name: A path, the end of its name, an experiment's name (its newest study) or `latest`.
        root: The project's folder.

    Raises:
        UserError: There is no such study.
    """
    path = Path(name)
    if (path / STUDY).is_file():
        return StudyDirectory(path.resolve())
    if path.is_dir() and (path / "status.json").is_file():
        raise UserError(f"{path} is a run: continue it with leyden resume {path}")
    every = all_studies(root)
    matching = [
        path
        for path, experiment in every
        if name == "latest" or f"{experiment}/".startswith(f"{name.rstrip('/')}/") or path.name.endswith(name)
    ]
    if matching:
        return StudyDirectory(max(matching, key=lambda path: path.name))
    names = {experiment for _, experiment in every}
    available = (
        hint(name, names) or f"; available: {', '.join(sorted(names))}" if names else "; there are no studies yet"
    )
    raise UserError(f"there is no study {name!r}{available}")


def all_studies(root: Path) -> list[tuple[Path, str]]:
    """Return every study of a project with the name of its experiment."""
    return [
        (Path(parent), Path(parent).parent.relative_to(folder / STUDIES).as_posix())
        for folder in folders(root)
        for parent, names, files in os.walk(folder / STUDIES)
        if STUDY in files and not names.clear()  # does not descend into a study
    ]
