"""A search on a real SLURM: an array of jobs on two hosts that share the trials."""

import csv
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from mini_slurm import SETTINGS, output

pytestmark = [pytest.mark.slow, pytest.mark.exhaustive]

SEARCH = [word for word in SETTINGS if not word.startswith(("experiment=", "trainer.max_epochs="))]
SEARCH += ["vision/digits", "trainer.max_epochs=2", "search=tpe", "search.trials=4"]
SEARCH += ["model.optimizer.lr=tag(log,interval(1e-4,1e-1))", "launcher.max_jobs=2"]
SEARCH += ["launcher.options=[--exclusive]"]  # a host for each job
SECONDS = 1200  # each trial imports torch, on a busy machine for minutes


def wait(condition, study, seconds=SECONDS):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, output(study)
        time.sleep(0.5)


def submit(cluster, folder, *settings):
    cluster.command("sweep", *SEARCH, f"runs={folder}", *settings)
    (file,) = folder.glob("studies/*/*/*/study.yaml")
    return file.parent


def rows(study):
    if not (study / "results.csv").exists():
        return []
    with (study / "results.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def statuses(study):
    return [json.loads((run / "status.json").read_text()) for run in sorted((study / "runs").glob("*"))]


def is_over(study):
    return (study / "best.yaml").exists() and (study / "plots" / "slices.png").exists()


def workers(study):
    found = subprocess.run(
        ["pgrep", "--full", f"leyden.study.sweep.job {study}$"], capture_output=True, text=True
    ).stdout
    return [int(pid) for pid in found.split() if "srun" not in Path(f"/proc/{pid}/comm").read_text()]


def test_two_hosts_share_the_trials(cluster, tmp_path):
    study = submit(cluster, tmp_path)
    wait(lambda: is_over(study), study)
    assert [row["state"] in ("finished", "pruned") for row in rows(study)] == [True] * 4, output(study)
    assert len({status["host"] for status in statuses(study)}) == 2
    tested = [file for file in study.glob("runs/*/results.json") if "test" in json.loads(file.read_text())]
    assert len(tested) == 1
    job = json.loads((study / "job.json").read_text())["job"]
    wait(lambda: not cluster.run("squeue", "--noheader", f"--jobs={job}", "--states=R,PD,CG").strip(), study)
    assert "best: trial" in cluster.command("sweep", "--resume", study)  # submits nothing


def test_preempted_worker_is_requeued_and_killed_one_loses_nothing(cluster, tmp_path):
    study = submit(cluster, tmp_path)
    job = json.loads((study / "job.json").read_text())["job"]
    wait(lambda: len(list(study.glob("runs/*/metrics.csv"))) >= 1, study)
    cluster.run("scancel", "--signal=USR1", f"{job}_0")
    wait(lambda: "Restarts=1 " in cluster.run("scontrol", "show", "job", f"{job}_0"), study)
    wait(lambda: workers(study), study)
    os.kill(workers(study)[0], signal.SIGKILL)
    ended = lambda: not cluster.run("squeue", "--noheader", f"--jobs={job}", "--states=R,PD,CG").strip()  # noqa: E731
    wait(lambda: is_over(study) or ended(), study)
    if not is_over(study):
        wait(ended, study)
        cluster.command("sweep", "--resume", study)
        wait(lambda: is_over(study), study)
    assert [row["state"] in ("finished", "pruned") for row in rows(study)] == [True] * 4, output(study)
    assert len(list((study / "runs").iterdir())) == 4
