"""The template is found wherever it is, and links to what it shares with this repository."""

import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # projects are generated

LINKED = {"configs", "data/README.md", "data/gitignore", "gitignore", "notebooks", "requirements"}


@pytest.mark.parametrize("source", [".", "relative", "git"])
def test_it_generates_from(source, cookiecutter, tmp_path, root, tracked):
    folder = root
    if source == "relative":
        source, folder = f"../../{root.name}", root / "src"
    if source == "git":
        source, folder = f"file://{tmp_path}/bare.git", tmp_path
        checkout = Path(__file__).resolve().parents[2]
        subprocess.run(["git", "clone", "--quiet", "--bare", str(checkout), f"{tmp_path}/bare.git"], check=True)
    done = cookiecutter(source, "--no-input", "project_name={{ braces }}", folder=folder)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "output/braces/README.md").read_text().startswith("# {{ braces }}\n")
    assert (tmp_path / "output/braces/src/braces/__init__.py").is_file()


def test_what_is_the_same_is_a_link(root):
    (folder,) = root.glob("*cookiecutter.project_slug*")
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_symlink()} == LINKED
    assert [path for path in folder.rglob("*") if not path.exists()] == []


def test_the_readme_of_a_project_has_the_cookbook_of_this_one(root, generate):
    """Whoever adds a recipe to one of them adds it to the other."""
    own = (generate() / "README.md").read_text(encoding="utf-8").splitlines()
    cookbook = (root / "README.md").read_text(encoding="utf-8").partition("## Cookbook")[2].partition("##")[0]
    recipes = [line for line in cookbook.splitlines() if line.startswith("| ")][1:]
    assert len(recipes) > 30
    assert [line for line in recipes if line not in own] == []
