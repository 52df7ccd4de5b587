"""A sweep launches each run with its own launcher."""

import os
import sys

import pytest

from leyden.launch import Local, Slurm
from leyden.launch.launch import describe, launch_all
from leyden.run.directory import RunDirectory

SBATCH = """#!/bin/sh
script="$SUBMITTED/$(ls "$SUBMITTED" | wc -l)"
cat > "$script"
if grep -q partition=none "$script"; then echo "invalid partition specified: none" >&2; exit 1; fi
ls "$SUBMITTED" | wc -l
"""

PYTHON = """#!/bin/sh
for word; do run=$previous; previous=$word; done
echo "$@" > "$run/called"
echo '{"id": "0", "state": "finished", "exit_code": 0}' > "$run/status.json"
"""

# Ends once a second run has started; the run with the experiment `crash` is killed.
WAITING_PYTHON = """#!/bin/sh
for word; do run=$previous; previous=$word; done
echo "$OMP_NUM_THREADS $LEYDEN_CORES" > "$run/threads"
until [ $(ls "$run"/../../*/2*/threads | wc -l) -ge 2 ]; do sleep 0.05; done
case "$run" in */crash/*) kill -9 $$;; esac
echo "printed by $run"
echo '{"id": "0", "state": "finished", "exit_code": 0}' > "$run/status.json"
"""


def config(launcher, name="some/thing", **settings):
    target = {"_target_": f"{launcher.__module__}.{launcher.__name__}"}
    return {"name": name, "runs": "runs", "preemption": ["SIGTERM"], "launcher": target | settings}


def slurm(**settings):
    return config(Slurm, devices=1, nodes=1, accelerator="cpu", **settings)


@pytest.fixture
def submitted(tmp_path, monkeypatch):
    """The folder of the scripts passed to sbatch."""
    folder = tmp_path / "submitted"
    folder.mkdir()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "sbatch").write_text(SBATCH)
    (tmp_path / "bin" / "sbatch").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("SUBMITTED", str(folder))
    monkeypatch.chdir(tmp_path)
    return folder


def create(configs, root):
    return [RunDirectory.create(config, root, ["train"]) for config in configs]


def test_array_contains_runs_of_one_launcher(submitted, tmp_path):
    runs = create([slurm(time="1:00"), slurm(time="2:00"), slurm(time="1:00")], tmp_path)
    assert launch_all(runs, tmp_path) == 0
    scripts = [file.read_text() for file in sorted(submitted.iterdir())]
    assert ["--time=1:00" in script for script in scripts] == [True, False]
    assert ["--array=0-1" in script for script in scripts] == [True, False]
    assert [run.status["job"] for run in runs] == ["1_0", "2", "1_1"]


def test_refused_job_does_not_stop_others(submitted, tmp_path, capsys):
    runs = create([slurm(partition="none"), slurm(partition="gpu")], tmp_path)
    assert launch_all(runs, tmp_path) == 2
    assert [run.status["state"] for run in runs] == ["failed", "submitted"]
    assert "launcher.partition" in capsys.readouterr().err


def test_dry_run_shows_every_launcher(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = describe(
        [config(Local, devices=2), slurm(time="1:00"), config(Local, devices=1), slurm(time="2:00")], tmp_path
    )
    assert text.count(".torchrun --standalone") == 1
    assert [f"RUN-{number}" in text for number in range(4)] == [True] * 4
    assert "--time=1:00" in text
    assert "--time=2:00" in text


def test_local_runs_use_requested_devices(tmp_path, monkeypatch):
    """A stand-in for Python exits immediately."""
    python = tmp_path / "python"
    python.write_text(PYTHON)
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.chdir(tmp_path)
    runs = create([config(Local, devices=2), config(Local, devices=1), config(Local, devices=3)], tmp_path)
    assert launch_all(runs, tmp_path) == 0
    called = [(run.path / "called").read_text() for run in runs]
    assert ["nproc-per-node=2" in words for words in called] == [True, False, False]
    assert ["nproc-per-node=3" in words for words in called] == [False, False, True]


def test_runs_at_once_have_shares_and_files_of_their_own(tmp_path, monkeypatch, capfd):
    """A crash costs one run."""
    python = tmp_path / "python"
    python.write_text(WAITING_PYTHON)
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.setattr("leyden.launch.shares.cores", lambda: 6)
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    settings = {"accelerator": "cpu", "parallel": 2}
    runs = create([config(Local, f"some/{name}", **settings) for name in ("a", "crash", "b", "c")], tmp_path)
    assert launch_all(runs, tmp_path) == 1
    assert [run.status["state"] for run in runs] == ["finished", "failed", "finished", "finished"]
    assert {(run.path / "threads").read_text() for run in runs} == {"3 3\n"}
    errors = capfd.readouterr().err
    assert "printed" not in errors
    assert f"printed by {runs[2].path}\n" == (runs[2].path / "output.txt").read_text()
    assert errors.count("  started ") == 4
    assert errors.count("  finished ") == 3
    assert f"[2/4] {runs[1].path.name}  failed: its process was killed by SIGKILL" in errors
