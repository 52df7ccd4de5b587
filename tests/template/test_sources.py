"""The template is found wherever it is, and holds all of the living project."""

import re
import subprocess
from pathlib import Path

import pytest

# What belongs to the template itself, and the files that a generated project has of its own.
STAYS = {"cookiecutter.json", "hooks", "template.mk", "AGENTS.md", "CONTRIBUTING.md", "LOG.md"}
OWN = {"README.md", "CHANGELOG.md", "CITATION.cff", "LICENSE", "data"}


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


def test_everything_at_the_root_is_linked_or_stays_by_decision(root, tracked):
    (folder,) = root.glob("*cookiecutter.project_slug*")
    linked = {path.readlink().name for path in folder.iterdir() if path.is_symlink()}
    assert {path.split("/")[0] for path in tracked} - {folder.name} - STAYS - OWN == linked
    assert [path for path in folder.rglob("*") if not path.exists()] == []


def test_the_package_name_stands_alone_as_a_word(root, tracked):
    """Inside a longer identifier it would survive the renaming."""
    for path in tracked:
        if path.split("/")[0] not in STAYS and not path.startswith("tests/template/") and (root / path).is_file():
            text = (root / path).read_bytes().decode(errors="replace")
            assert not re.search(r"(?i)\wleyden|leyden\w", text), path
            assert set(re.findall(r"(?i)leyden", text)) <= {"leyden", "Leyden", "LEYDEN"}, path
