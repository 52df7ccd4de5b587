"""A run that version 0.1 made, whose copy of the code has other modules, is still used and resumed."""

import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

import leyden
from leyden.errors import UserError

pytestmark = pytest.mark.slow
SAMPLES = Path.cwd() / "tests" / "samples"


@pytest.fixture
def run(tmp_path):
    """It was stopped in the second of four epochs, on digits."""
    with tarfile.open(SAMPLES / "runs" / "before_rooms.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path / "before_rooms"


def command(*words):
    done = subprocess.run(
        [sys.executable, "-m", "leyden", *map(str, words), "--trust"],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_is_resumed_tested_and_used_for_predictions(run):
    command("resume", run)
    assert json.loads((run / "status.json").read_text())["state"] == "finished"
    results = json.loads((run / "results.json").read_text())
    command("test", run)
    assert json.loads((run / "results.json").read_text()) == results
    assert command("predict", run, Path("src/leyden/testing/samples/vision").absolute()).startswith("input,prediction,")


def test_it_is_not_used_from_python(run):
    with pytest.raises(UserError, match=r"made by version 0\.1.*leyden predict"):
        leyden.load(run, trust=True)
