"""Runs on a real SLURM: each test submits jobs and waits until they have ended."""

import csv
import json
import os
import signal
import sys

import pytest
import torch
import yaml
from mini_slurm import LONG, SETTINGS, TWO_HOSTS, output, status, wait
from working_project import PACKAGE, WorkingProject

pytestmark = [pytest.mark.slow, pytest.mark.exhaustive]

TIMES = ("_per_second", "/data_wait", "/flops_utilization")


def weights(run):
    return torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]


def metrics(run):
    with (run / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [{key: value for key, value in row.items() if not key.endswith(TIMES)} for row in rows]


def assert_same_bits(run, other):
    assert all(value.equal(weights(other)[name]) for name, value in weights(run).items())
    assert metrics(run) == metrics(other)


def wait_for_checkpoint(run):
    wait((run / "checkpoints" / "last.ckpt").exists, run)


@pytest.fixture(scope="module")
def undisturbed(cluster, tmp_path_factory):
    run = cluster.submit(tmp_path_factory.mktemp("undisturbed"), TWO_HOSTS)
    cluster.wait_for_end(run, "COMPLETED")
    return run


def test_two_hosts_train_and_test(undisturbed):
    assert status(undisturbed)["state"] == "finished"
    assert json.loads((undisturbed / "results.json").read_text())["test"]["best"]["test/accuracy"] > 0.2


def test_status_names_state_and_job(cluster, undisturbed):
    text = cluster.command("status", undisturbed)
    assert "finished" in text
    assert f"job {status(undisturbed)['job']}: COMPLETED" in text


def test_killed_process_ends_the_job_and_resume_resubmits(cluster, undisturbed, tmp_path):
    run = cluster.submit(tmp_path, TWO_HOSTS)
    wait_for_checkpoint(run)
    assert "cancel" in cluster.command("resume", run, code=2)  # one run is not trained twice at a time
    os.kill(cluster.processes(run)[-1], signal.SIGKILL)
    cluster.wait_for_end(run, "FAILED")
    assert status(run)["state"] == "failed"
    cluster.command("resume", run)
    cluster.wait_for_end(run, "COMPLETED")
    assert_same_bits(run, undisturbed)


def test_signalled_job_is_requeued_and_ends_with_the_same_bits(cluster, undisturbed, tmp_path):
    run = cluster.submit(tmp_path, TWO_HOSTS)
    wait_for_checkpoint(run)
    for _ in range(8):  # in one life: none may find the ranks in different collectives, or end one that saves
        cluster.signal(run, "USR1")
    wait(lambda: status(run)["state"] == "preempted", run)
    cluster.wait_for_end(run, "COMPLETED")
    assert "Restarts=1 " in cluster.run("scontrol", "show", "job", status(run)["job"])
    assert_same_bits(run, undisturbed)


def test_job_near_its_time_limit_is_requeued(cluster, tmp_path):
    # SLURM looks at its clock every 30 seconds: the signal comes after 20 to 50 of the 60.
    run = cluster.submit(tmp_path, *LONG, 'launcher.time="0:01:00"')
    wait(lambda: status(run)["state"] == "preempted", run)
    wait(lambda: cluster.state(run) == "PENDING", run)
    assert status(run)["job"] in cluster.run("squeue", "--noheader", "--format=%i")
    cluster.command("cancel", run)
    cluster.wait_for_end(run, "CANCELLED")


def test_job_of_lost_host_is_requeued(cluster, undisturbed, tmp_path):
    run = cluster.submit(tmp_path, TWO_HOSTS)
    wait_for_checkpoint(run)
    cluster.host("down", 2)
    wait(lambda: cluster.state(run) == "PENDING", run)
    cluster.host("up", 2)
    cluster.wait_for_end(run, "COMPLETED")
    assert_same_bits(run, undisturbed)


def test_queued_job_executes_submitted_code(cluster, tmp_path):
    project = WorkingProject(tmp_path / "project")
    here = ["env", "-C", project.root, f"PYTHONPATH={project.root / 'src'}", sys.executable, "-m", PACKAGE]
    cluster.run(*here, "train", *SETTINGS, "trainer.max_epochs=1", "launcher.options=[--hold]")
    (run,) = project.root.glob("runs/*/*/2*")
    project.destroy_code()
    cluster.run("scontrol", "release", status(run)["job"])
    cluster.wait_for_end(run, "COMPLETED")
    assert status(run)["state"] == "finished"


def test_sweep_is_an_array_of_runs(cluster, tmp_path):
    cluster.command("sweep", *SETTINGS, "trainer.max_epochs=1", f"runs={tmp_path}", "seed=0,1,2,3")
    runs = sorted(tmp_path.glob("studies/*/*/*/runs/*"))
    assert len({status(run)["job"].split("_")[0] for run in runs}) == 1
    for run in runs:
        cluster.wait_for_end(run, "COMPLETED")
    assert {yaml.safe_load((run / "config.yaml").read_text())["seed"] for run in runs} == {0, 1, 2, 3}
    assert all(status(run)["state"] == "finished" and output(run) for run in runs)


def packed(cluster, runs, *epochs):
    """Submit runs of so many epochs as one job that trains four at once."""
    words = ("launcher.runs_per_job=4", f"runs={runs}", f"trainer.max_epochs={','.join(map(str, epochs))}")
    cluster.command("sweep", *[word for word in SETTINGS if "max_epochs" not in word], *words)
    found = {
        yaml.safe_load((run / "config.yaml").read_text())["trainer"]["max_epochs"]: run
        for run in runs.glob("studies/*/*/*/runs/*")
    }
    return [found[number] for number in epochs]


@pytest.mark.timeout(1800)  # on a busy machine
def test_runs_packed_into_one_job_resume_together(cluster, tmp_path):
    """A run that has finished before the job is preempted is not trained again; the others end with the same bits."""
    short, *others = runs = packed(cluster, tmp_path / "packed", 1, 12, 10000, 10001)
    assert len({status(run)["job"] for run in runs}) == 1
    for run in others[1:]:
        wait((run / "checkpoints" / "last.ckpt").exists, run, seconds=600)  # four imports of torch at once
    wait(lambda: status(short)["state"] == "finished", short)
    finished = status(short)
    cluster.signal(short, "USR1")
    for run in others[1:]:
        wait(lambda run=run: status(run)["state"] == "preempted", run)
    text = cluster.command("cancel", others[0], code=2)
    assert f"also trains {others[1]}" in text
    wait(lambda: all(status(run)["state"] == "running" for run in others[1:]), short, seconds=600)
    assert "Restarts=1 " in cluster.run("scontrol", "show", "job", finished["job"])
    assert f"job {finished['job']}: RUNNING" in cluster.command("status", others[1])
    wait(lambda: status(others[0])["state"] == "finished", others[0], seconds=600)
    cluster.command("cancel", *others)
    cluster.wait_for_end(short, "CANCELLED")
    assert status(short) == finished
    alone = cluster.submit(tmp_path / "alone", "trainer.max_epochs=12")
    wait(lambda: status(alone)["state"] == "finished", alone, seconds=600)
    assert_same_bits(others[0], alone)
    assert "[1/4]" in output(short)
    assert {status(run)["share"]["LEYDEN_CORES"] for run in runs} == {"1"}


def test_packed_jobs_form_an_array(cluster, tmp_path):
    words = ("launcher.runs_per_job=2", "launcher.max_jobs=1", f"runs={tmp_path}", "seed=0,1,2")
    cluster.command("sweep", *SETTINGS, "trainer.max_epochs=1", *words)
    runs = sorted(tmp_path.glob("studies/*/*/*/runs/*"))
    assert [status(run)["job"].partition("_")[2] for run in runs] == ["0", "0", "1"]
    for run in runs:
        wait(lambda run=run: status(run)["state"] == "finished", run, seconds=600)
        cluster.wait_for_end(run, "COMPLETED")
    assert all(status(run)["state"] == "finished" for run in runs)
    assert output(runs[0])
    assert output(runs[2])


def test_cancel_removes_job_from_queue(cluster, tmp_path):
    run = cluster.submit(tmp_path, TWO_HOSTS)
    wait(lambda: cluster.state(run) == "RUNNING", run)
    cluster.command("cancel", run)
    cluster.wait_for_end(run, "CANCELLED")
    assert "error" in cluster.command("cancel", run, code=2)


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("launcher.partition=gpus", "invalid partition specified: gpus"),
        ("launcher.constraint=big", "Invalid feature specification"),
        ("trainer.accelerator=gpu", "Invalid generic resource"),
        ("launcher.memory=1T", "Memory specification can not be satisfied"),
    ],
)
def test_slurm_errors_are_passed_on(cluster, tmp_path, setting, words):
    text = cluster.command("train", *SETTINGS, setting, f"runs={tmp_path}", code=2)
    assert words in text
    assert f"Check {setting.split('=')[0]}" in text
    assert "Traceback" not in text
    (run,) = tmp_path.glob("*/*/2*")
    assert status(run)["state"] == "failed"


def test_folder_that_is_not_shared_is_reported_with_host(cluster, tmp_path):
    runs = tmp_path / "runs"
    runs.mkdir()
    cluster.run("mount", "-t", "tmpfs", "none", runs, pid=cluster.daemon(2))
    run = cluster.submit(runs, TWO_HOSTS)
    cluster.wait_for_end(run, "FAILED")
    assert output(run).count(f"n2: {run} is not shared with n1") == 2  # on both
    assert status(run)["state"] == "failed"
