"""Runs created by version 0.1, whose copy of the code has other modules, can be used and resumed."""

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
    """A run on digits, stopped in the second of four epochs."""
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


def test_resume_test_and_predict(run):
    command("resume", run)
    assert json.loads((run / "status.json").read_text())["state"] == "finished"
    results = json.loads((run / "results.json").read_text())
    command("test", run)
    assert json.loads((run / "results.json").read_text()) == results
    assert command("predict", run, Path("src/leyden/testing/samples/vision").absolute()).startswith("input,prediction,")


def test_load_is_not_supported(run):
    with pytest.raises(UserError, match=r"created by version 0\.1.*leyden predict"):
        leyden.load(run, trust=True)
