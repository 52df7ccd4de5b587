"""The shortest and the longest name leave the code as the formatter, the linter and the type checker want it.

Between them nothing can change: what fits on one line with the longest name fits with all, and what does not fit with
the shortest fits with none. If this fails, shorten the statement that names the package, or end it with a comma.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from leyden.io import installed_version


@pytest.mark.slow
@pytest.mark.parametrize("name", ["zq", "abcdefghijklmnopqrstuvwxyz_abcdefghijklmnopqr"])
def test_a_generated_project_passes_its_own_checks(name, generate):
    stack = "torchtext" if installed_version("torchtext") else "current"
    choices = {"python_version": "3.13"} if len(name) == 2 else {"text_stack": stack}
    project = generate(package_name=name, **choices)
    if not (Path(sys.prefix) / "bin/pyrefly").exists():
        pytest.skip("the development tools are not installed")
    # With this environment instead of one of its own; `-o setup` leaves it as it is.
    command = ["make", "-o", "setup", "check", f"VENV={sys.prefix}"]
    environment = {**os.environ, "PYTHONPATH": str(project / "src")}
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
