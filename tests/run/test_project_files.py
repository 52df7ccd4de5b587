"""Files of a project with git, without git, and in untidy projects."""

import subprocess
from pathlib import Path

import pytest

from leyden.run.project_files import is_secret, own_files

RUNS = Path("runs")
FILES = ("pyproject.toml", "configs/train.yaml", "src/thing/__init__.py", "src/thing/net.py", "notes/idea.md")


def git(root, *words):
    identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, *words], cwd=root, check=True, capture_output=True)


@pytest.fixture
def root(tmp_path):
    for name in (*FILES, "runs/a/b/1/config.yaml", "runs/a/b/1/status.json", "src/thing/__pycache__/net.pyc"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


def test_without_git_outputs_are_excluded(root):
    for name in (
        "configs/local/wandb.yaml",
        "data/big.bin",
        ".venv/x.py",
        "env/lib/y.py",
        "wandb/z",
        "src/thing.egg-info/PKG-INFO",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    (root / "env/pyvenv.cfg").touch()
    assert sorted(own_files(root, RUNS)) == sorted(FILES)


def test_with_git_tracked_and_untracked_files(root):
    git(root, "init")
    (root / ".gitignore").write_text("/runs/\nignored.txt\n")
    git(root, "add", "src", "configs", ".gitignore")
    git(root, "commit", "-m", "first")
    (root / "ignored.txt").touch()
    (root / "src/thing/tüm\nnew.py").touch()
    (root / "src/thing/net.py").write_text("changed")
    found = own_files(root, RUNS)
    assert set(found) == {*FILES, ".gitignore", "src/thing/tüm\nnew.py"}
    assert found[0].startswith("src/")  # what is executed comes first, where there is a limit


def test_ignored_modules_are_included(root):
    git(root, "init")
    (root / ".gitignore").write_text("_version.py\n*.log\n")
    (root / "src/thing/_version.py").touch()
    (root / "src/thing/x.log").touch()
    found = own_files(root, RUNS)
    assert "src/thing/_version.py" in found
    assert "src/thing/x.log" not in found


def test_run_directories_are_excluded(root):
    git(root, "init")  # which ignores nothing
    for folder in ("out/a/b/1", "earlier/a/b/2"):
        (root / folder / "code").mkdir(parents=True)
        for name in ("config.yaml", "status.json", "code/x.py"):
            (root / folder / name).touch()
    assert set(own_files(root, Path("out"))) == set(FILES)


def test_project_in_ignored_folder_of_another_repository(root):
    git(root, "init")
    (root / ".gitignore").write_text("inner/\n")
    for name in FILES:
        (root / "inner" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "inner" / name).touch()
    assert sorted(own_files(root / "inner", RUNS)) == sorted(FILES)


def test_nested_repository(root):
    inner = root / "src/thing/inner"
    inner.mkdir()
    (inner / "deep.py").touch()
    git(inner, "init")
    git(inner, "add", ".")
    git(inner, "commit", "-m", "first")
    git(root, "init")
    git(root, "add", ".")
    assert "src/thing/inner/deep.py" in own_files(root, RUNS)


@pytest.mark.parametrize("name", [".env", "a/.env.local", "key.pem", "x/id_rsa", ".netrc"])
def test_secret_files(name):
    assert is_secret(name)
    assert not is_secret("src/environment.py")
