"""The place of a run in a study. Torch-free."""

import shutil
from pathlib import Path
from typing import NamedTuple

RUNS = "runs"  # of a study, in its folder


class StudyPlace(NamedTuple):
    """The place of a run in a study.

    Attributes:
        folder: The study, whose copy of the code the run shares.
        name: Folder name of the run.
    """

    folder: Path
    name: str

    @property
    def path(self) -> Path:
        return self.folder / RUNS / self.name

    def make(self) -> Path:
        """Make an empty folder for the run, also where a killed process has begun one, and return its path."""
        if not (self.path / "status.json").exists():
            shutil.rmtree(self.path, ignore_errors=True)
        self.path.mkdir(parents=True)
        return self.path
