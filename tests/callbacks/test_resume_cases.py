"""Runs that receive signals at random points equal uninterrupted ones; a part of `benchmarks/resume.py`."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

CASES = 5  # of each seed, which are compared with one undisturbed run


# With validations within an accumulation, averaged weights, early stopping, two optimizers and workers, in turn.
@pytest.mark.parametrize("seed", [10, 22, 27])
def test_random_signals_at_random_points(tmp_path, seed):
    script = Path(__file__).with_name("resume_cases.py")
    command = [sys.executable, "-W", "ignore", str(script), str(seed), str(CASES), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not done.stdout
