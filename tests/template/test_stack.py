"""A project has the environment that was chosen, alone, and a tokenizer that works there."""

import json
import os
import re
import subprocess
import sys
import tomllib

import pytest

from leyden.io import installed_version

pytestmark = pytest.mark.slow  # projects are generated


@pytest.mark.parametrize("stack", ["current", "torchtext"])
def test_a_project_has_one_environment(stack, generate):
    project = generate(text_stack=stack, package_name="shapes")
    assert {path.stem for path in (project / "requirements").glob("*.txt")} == {stack, "uv"}
    done = subprocess.run(["make", "-n", "setup"], cwd=project, capture_output=True, text=True)
    assert f".venv/bin/python --require-hashes -r requirements/{stack}.txt" in done.stdout, done.stderr
    metadata = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert metadata["requires-python"] == {"current": ">=3.11,<3.14", "torchtext": ">=3.11,<3.13"}[stack]
    locked = dict(re.findall(r"(?m)^([\w.-]+)==(\S+)", (project / f"requirements/{stack}.txt").read_text("utf-8")))
    assert locked.get("torchtext") == {"current": None, "torchtext": "0.18.0"}[stack]
    assert "cookiecutter" not in locked


@pytest.mark.slow
@pytest.mark.parametrize("stack", ["current", "torchtext"])
def test_its_tokenizer_trains_where_it_can(stack, generate):
    project = generate(text_stack=stack, package_name="shapes", domains="text")
    command = [sys.executable, "-m", "leyden", "train", "text/stdlib", "trainer=debug"]
    environment = {**os.environ, "PYTHONPATH": str(project / "src"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)
    if stack == "torchtext" and not installed_version("torchtext"):
        assert done.returncode == 2
        assert "text_stack=torchtext" in done.stderr
        return
    assert done.returncode == 0, done.stderr
    (saved,) = project.glob("runs/text/stdlib/2*/tokenizer.json")
    about = json.loads(saved.read_text(encoding="utf-8"))
    assert about.get("kind") == {"current": None, "torchtext": "basic_english"}[stack]
