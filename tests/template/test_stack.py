"""A project has the environment that was chosen, alone, and a tokenizer that works there."""

import json
import os
import subprocess
import sys
import tomllib

import pytest

from leyden.io import installed_version


@pytest.mark.parametrize("stack", ["current", "torchtext"])
def test_a_project_has_one_environment(stack, generate):
    project = generate(text_stack=stack, package_name="shapes")
    assert {path.stem for path in (project / "requirements").iterdir()} == {stack, "uv"}
    done = subprocess.run(["make", "-n", "setup"], cwd=project, capture_output=True, text=True)
    environment = {"current": ".venv", "torchtext": ".venv-torchtext"}[stack]
    assert f"{environment}/bin/python --require-hashes -r requirements/{stack}.txt" in done.stdout, done.stderr
    assert f"source {environment}/bin/activate" in (project / "README.md").read_text(encoding="utf-8")
    metadata = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert metadata["requires-python"] == {"current": ">=3.11,<3.14", "torchtext": ">=3.11,<3.13"}[stack]


def test_the_other_lock_is_made_when_it_is_asked_for(generate):
    project = generate(text_stack="current")
    done = subprocess.run(["make", "-n", "setup", "STACK=torchtext"], cwd=project, capture_output=True, text=True)
    compiled, installed = done.stdout.index("--group torchtext"), done.stdout.index("-r requirements/torchtext.txt")
    assert compiled < installed


@pytest.mark.slow
@pytest.mark.parametrize("stack", ["current", "torchtext"])
def test_its_tokenizer_trains_where_it_can(stack, generate):
    project = generate(text_stack=stack, package_name="shapes", domains="text")
    command = [sys.executable, "-m", "shapes", "train", "experiment=text/stdlib", "trainer=debug"]
    environment = {**os.environ, "PYTHONPATH": str(project / "src"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)
    if stack == "torchtext" and not installed_version("torchtext"):
        assert done.returncode == 2
        assert "make setup STACK=torchtext" in done.stderr
        return
    assert done.returncode == 0, done.stderr
    (saved,) = project.glob("runs/text/stdlib/2*/tokenizer.json")
    about = json.loads(saved.read_text(encoding="utf-8"))
    assert about.get("kind") == {"current": None, "torchtext": "basic_english"}[stack]
