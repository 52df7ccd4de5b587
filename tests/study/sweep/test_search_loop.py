"""A small search that is killed and resumed, by the benchmark that does the same with a larger one."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.exhaustive]

ROOT = Path.cwd()


@pytest.mark.timeout(900)
def test_killed_search_loses_and_doubles_nothing():
    words = ["--trials", "4", "--kills", "1", "trainer.max_epochs=3", "model.optimizer.lr=1e-4"]
    command = [sys.executable, ROOT / "benchmarks" / "search.py", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "lost, doubled trials  0, 0" in done.stdout
