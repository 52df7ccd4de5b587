"""Every choice of domains gives a small project that holds those domains and no trace of the others."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

DOMAINS = {"vision", "audio", "text"}
PARTS = ("vision", "audio", "text", "vision+audio", "vision+text", "audio+text")
CHOICES = ["all", *(pytest.param(choice, marks=pytest.mark.slow) for choice in PARTS)]
# What only one domain needs.
LIBRARIES = {
    "vision": {"torchvision", "av", "scikit-learn"},
    "audio": {"torchaudio", "soundfile"},
    "text": {"tokenizers"},
}
MOST_LINES, MOST_FILES = 600, 60  # of Python; besides YAML


def files(project: Path) -> list[Path]:
    return [path for path in project.rglob("*") if path.is_file() and ".git" not in path.relative_to(project).parts]


def leyden(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(project / "src"), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "leyden", *arguments]
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)


@pytest.mark.parametrize("choice", CHOICES)
def test_a_project_has_its_domains_and_is_small(choice, generate, root):
    chosen = DOMAINS if choice == "all" else set(choice.split("+"))
    project = generate(domains=choice, project_name="Shapes & Sounds", package_name="shapes")
    for domain in DOMAINS:  # just as present as in the template, or gone without a trace
        found = {part for path in files(project) for part in (*path.parts[:-1], path.stem) if part == domain}
        assert bool(found) == (domain in chosen)
    for folder in (root / "configs").rglob("*"):
        if folder.is_dir() and folder.name in chosen:
            assert (project / folder.relative_to(root)).is_dir()
    (lock,) = set(project.glob("requirements/*.txt")) - {project / "requirements/uv.txt"}
    locked = set(re.findall(r"(?m)^([\w.-]+)==", lock.read_text(encoding="utf-8")))
    for domain, libraries in LIBRARIES.items():
        assert libraries <= locked if domain in chosen else not libraries & locked, domain
    others = [path for path in files(project) if path.suffix != ".yaml"]
    lines = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in others if path.suffix == ".py")
    assert (lines <= MOST_LINES, len(others) <= MOST_FILES) == (True, True), (lines, len(others))


@pytest.mark.parametrize("choice", CHOICES)
def test_every_configuration_of_a_project_is_right(choice, generate):
    project = generate(domains=choice, package_name="shapes")
    done = leyden(project, "check", "--all")
    assert done.returncode == 0, done.stderr
    recommended = set(re.findall(r"leyden (?:train|predict) (\w+/\w+)", (project / "README.md").read_text("utf-8")))
    checked = {line.partition(":")[0] for line in done.stdout.splitlines()}
    assert recommended
    assert recommended <= checked
    targets = {
        target
        for path in (project / "configs").rglob("*.yaml")
        for target in re.findall(r"_target_: (shapes\.[\w.]+)", path.read_text(encoding="utf-8"))
    }
    own = {path.stem for path in (project / "src").rglob("*.py")} - {"__init__"}
    assert {target.split(".")[-2] for target in targets} == own  # each worked example is in an experiment


@pytest.mark.exhaustive
@pytest.mark.slow
def test_the_tests_of_the_worked_examples_pass_in_a_project(generate):
    """With the contract of what is the project's own; that of the library's is tested in this repository."""
    project = generate(package_name="shapes")
    own = " or ".join(path.stem for path in sorted((project / "src/shapes/data").glob("[!_]*.py")))
    environment = {**os.environ, "PYTHONPATH": str(project / "src"), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-k"]
    for words in (["not contract"], [own, "tests/test_contract.py"]):
        done = subprocess.run([*command, *words], cwd=project, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "passed" in done.stdout
