import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def root() -> Path:
    return ROOT


@pytest.fixture
def cookiecutter(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs the real command, in a home without git identity or earlier answers; projects land in `output`."""
    home = tmp_path / "home"
    home.mkdir()
    environment = {**os.environ, "HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1", "PYTHONPATH": ""}

    def run(*arguments: str, folder: Path = tmp_path, answers: str = "") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "cookiecutter", *arguments, "--output-dir", str(tmp_path / "output")]
        return subprocess.run(
            command, cwd=folder, env=environment, input=answers, capture_output=True, encoding="utf-8", timeout=120
        )

    return run


@pytest.fixture
def generate(cookiecutter: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path) -> Callable[..., Path]:
    """Generates a project with the given answers and returns its folder."""

    def run(**answers: str) -> Path:
        done = cookiecutter(str(ROOT), "--no-input", *(f"{key}={value}" for key, value in answers.items()))
        assert done.returncode == 0, done.stderr
        (project,) = (tmp_path / "output").iterdir()
        return project

    return run
