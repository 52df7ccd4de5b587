import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OWN_TO_A_CHECKOUT = {".git", ".venv", ".venv-torchtext", "runs", "wandb"}


@pytest.fixture(autouse=True)
def make_as_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    """`make test STACK=torchtext` would hand its settings to the makes that tests start."""
    for name in ("MAKEFLAGS", "MAKEOVERRIDES", "STACK", "PYTHON"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the living project: other tests write caches into the real one while this is read."""

    def ignored(folder: str, names: list[str]) -> set[str]:
        own = OWN_TO_A_CHECKOUT if Path(folder) == ROOT else set()
        if Path(folder) == ROOT / "data":  # downloads
            own = set(names) - {"README.md", ".gitignore"}
        return {name for name in names if name in own or name == "__pycache__" or name.endswith("_cache")}

    copy = tmp_path_factory.mktemp("template") / "living"
    shutil.copytree(ROOT, copy, symlinks=True, ignore=ignored)
    return copy


@pytest.fixture(scope="session")
def tracked() -> list[str]:
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        pytest.skip("not a git checkout")
    return done.stdout.splitlines()


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
def generate(
    cookiecutter: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path, root: Path
) -> Callable[..., Path]:
    """Generates a project with the given answers and returns its folder."""

    def run(**answers: str) -> Path:
        done = cookiecutter(str(root), "--no-input", *(f"{key}={value}" for key, value in answers.items()))
        assert done.returncode == 0, done.stderr
        (project,) = (tmp_path / "output").iterdir()
        return project

    return run
