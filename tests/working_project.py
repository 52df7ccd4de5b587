"""A small project of its own whose working tree tests may break: this project's configurations and a copy of its source."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import leyden
from leyden.config.compose import compose
from leyden.config.embedded import embedded_experiments
from leyden.run.directory import RunDirectory

ROOT = Path.cwd()
PACKAGE = leyden.__name__
EXPERIMENT = embedded_experiments(ROOT)[0]
SHORT = (f"experiment={EXPERIMENT}", "trainer=debug", "trainer.limit_train_batches=1", "data.num_workers=0")


class WorkingProject:
    """
    Args:
        root: where it is made.
    """

    def __init__(self, root: Path) -> None:
        self.root, self.package = root, root / "src" / PACKAGE
        shutil.copytree(ROOT / "configs", root / "configs", ignore=shutil.ignore_patterns("local"))
        # With compiled modules and times, or each process would compile them.
        shutil.copytree(ROOT / "src" / PACKAGE, self.package)
        (root / "requirements").mkdir()
        (root / "requirements" / "current.txt").write_text("torch==1\n")
        self.environment = {**os.environ, "PYTHONPATH": str(root / "src"), "OMP_NUM_THREADS": "1"}

    def create(self, *settings: str, **status: object) -> RunDirectory:
        composed = compose([*SHORT, *settings], self.root)
        return RunDirectory.create(composed.frozen, self.root, ["train", *settings], **status)

    def destroy_code(self) -> None:
        """What only training needs is edited, deleted and new: no queued run may see it."""
        (self.package / "run" / "worker.py").write_text("raise SystemExit('the working tree was executed')\n")
        for name in ("data", "tasks", "networks", "callbacks"):
            shutil.rmtree(self.package / name)

    def python(self, *words: object, code: int = 0) -> str:
        """Runs Python in the project's folder and returns all its output."""
        done = subprocess.run(
            [sys.executable, *map(str, words)],
            cwd=self.root,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.returncode == code, done.stdout
        return done.stdout

    def command(self, *words: object, code: int = 0) -> str:
        return self.python("-m", PACKAGE, *words, code=code)
