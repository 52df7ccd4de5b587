"""Sweeps with killed, finished, stopped and skipped runs, in spawned and forked processes, one and two at once."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
import yaml

import leyden
from leyden.config.embedded import embedded_experiments

pytestmark = pytest.mark.slow

ROOT = Path.cwd()
EXPERIMENT = embedded_experiments(ROOT)[0]
# Runs are identified by their epochs: one to be killed, one to finish, one to be stopped, one to be skipped.
KILLED, FINISHED, STOPPED, LATER = EPOCHS = (1000, 1, 2000, 3000)


@contextmanager
def sweep(runs, fork, *settings, epochs=EPOCHS):
    command = [sys.executable, "-m", leyden.__name__, "sweep"]
    command += [f"experiment={EXPERIMENT}", "trainer=cpu"]
    command += [f"trainer.max_epochs={','.join(map(str, epochs))}", "trainer.limit_train_batches=4"]
    command += ["trainer.log_every_n_steps=1", f"runs={runs}", f"launcher.fork={str(fork).lower()}", *settings]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, env=environment) as process:
        try:
            wait_for(lambda: len(list(runs.glob("studies/*/*/*/runs/*/status.json"))) == len(epochs))
            yield process
        finally:
            process.terminate()  # where a test failed


def wait_for(is_so):
    deadline = time.monotonic() + 240
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def folder(runs, epochs):
    configs = runs.glob("studies/*/*/*/runs/*/config.yaml")
    (found,) = (file.parent for file in configs if yaml.safe_load(file.read_text())["trainer"]["max_epochs"] == epochs)
    return found


def status(runs, epochs):
    return json.loads((folder(runs, epochs) / "status.json").read_text())


def stopped_sweep(runs, fork, has_come, number):
    """A sweep whose first run is killed and whose third run receives a signal, each once `has_come` is true."""
    with sweep(runs, fork) as process:
        wait_for(lambda: has_come(runs, KILLED))
        (child,) = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True).stdout.split()
        os.kill(int(child), signal.SIGKILL)
        wait_for(lambda: has_come(runs, STOPPED))
        process.send_signal(number)
        _, errors = process.communicate()
    assert "Traceback" not in errors
    return runs, process.returncode, errors


@pytest.fixture(scope="module")
def forked(tmp_path_factory):
    has_metrics = lambda runs, epochs: (folder(runs, epochs) / "metrics.csv").exists()  # noqa: E731
    return stopped_sweep(tmp_path_factory.mktemp("forked"), True, has_metrics, signal.SIGINT)


@pytest.fixture(scope="module")
def new(tmp_path_factory):
    is_importing = lambda runs, epochs: status(runs, epochs)["state"] == "running"  # noqa: E731
    return stopped_sweep(tmp_path_factory.mktemp("new"), False, is_importing, signal.SIGUSR1)


@pytest.mark.parametrize("processes", ["forked", "new"])
def test_killed_run_fails_and_the_next_is_trained(processes, request):
    runs, _, errors = request.getfixturevalue(processes)
    assert status(runs, KILLED)["state"] == "failed"
    assert status(runs, KILLED)["exit_code"] == 1
    assert "SIGKILL" in status(runs, KILLED)["error"]
    assert f"resume {folder(runs, KILLED)}" in errors
    assert status(runs, FINISHED)["state"] == "finished"


def test_one_interrupt_stops_forked_run_and_sweep(forked):
    runs, code, errors = forked
    assert code == 130
    assert errors.count("press Ctrl-C again") == 1
    assert status(runs, STOPPED)["state"] == "interrupted"
    assert (folder(runs, STOPPED) / "checkpoints" / "last.ckpt").exists()
    assert status(runs, LATER)["state"] == "created"


def test_preemption_stops_spawned_run_and_sweep(new):
    runs, code, _ = new
    assert code == 75
    assert status(runs, STOPPED)["state"] == "preempted"
    assert status(runs, LATER)["state"] == "created"


def test_forked_run_equals_spawned_run(forked, new):
    one, other = (
        torch.load(folder(runs, FINISHED) / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
        for runs, *_ in (forked, new)
    )
    assert one.keys() == other.keys()
    assert all(one[name].equal(other[name]) for name in one)


def test_forked_run_has_its_own_log(forked, new):
    one, other = ((folder(runs, FINISHED) / "log.txt").read_text().splitlines() for runs, *_ in (forked, new))
    assert len(one) == len(other)
    assert str(folder(forked[0], FINISHED)) in one[-1]


@pytest.mark.parametrize("fork", [True, pytest.param(False, marks=pytest.mark.exhaustive)])
def test_run_saves_when_its_parent_is_killed(tmp_path, fork):
    """As `kill -9` of make's process group does, which does not contain the run."""
    with sweep(tmp_path, fork) as process:
        wait_for(lambda: (folder(tmp_path, KILLED) / "metrics.csv").exists())
        process.kill()
        process.communicate()
        wait_for(lambda: status(tmp_path, KILLED)["state"] != "running")
    assert status(tmp_path, KILLED)["state"] == "preempted"
    assert status(tmp_path, FINISHED)["state"] == "created"


@pytest.mark.exhaustive
def test_preemption_during_shared_import(tmp_path):
    with sweep(tmp_path, fork=True) as process:
        time.sleep(2)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate()
    assert process.returncode == 75, errors
    assert "Traceback" not in errors
    assert {status(tmp_path, epochs)["state"] for epochs in EPOCHS} == {"created"}


def weights(path):
    return torch.load(path / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]


@pytest.mark.parametrize("fork", [True, pytest.param(False, marks=pytest.mark.exhaustive)])
def test_interrupt_saves_and_stops_all_runs_at_once(tmp_path, fork, new):
    """A killed run leaves its place to the next; Ctrl-C reaches the two that are left, once each."""
    with sweep(tmp_path, fork, "launcher.parallel=2") as process:
        # By now the killed one and the short one have left their places to the other two.
        has_metrics = lambda epochs: (folder(tmp_path, epochs) / "metrics.csv").exists()  # noqa: E731
        wait_for(lambda: has_metrics(KILLED))
        (killed,) = processes(process, KILLED, tmp_path)
        os.kill(killed, signal.SIGKILL)
        wait_for(lambda: has_metrics(STOPPED) and has_metrics(LATER))
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate()
    assert process.returncode == 130
    assert "Traceback" not in errors
    states = [status(tmp_path, epochs)["state"] for epochs in EPOCHS]
    assert states == ["failed", "finished", "interrupted", "interrupted"]
    for epochs in (STOPPED, LATER):
        text = (folder(tmp_path, epochs) / "output.txt").read_text()
        assert text.count("press Ctrl-C again") == 1
        assert (folder(tmp_path, epochs) / "checkpoints" / "last.ckpt").exists()
    assert errors.count("epoch ") == 0  # only in the files of the runs
    assert errors.count("  finished  ") == 1
    assert "  failed: its process was killed by SIGKILL (" in errors
    # The same number of threads as alone, with OMP_NUM_THREADS=1, gives the same bits.
    alone = weights(folder(new[0], FINISHED))
    assert all(alone[name].equal(value) for name, value in weights(folder(tmp_path, FINISHED)).items())


def processes(process, epochs, runs):
    """The children of a sweep whose output goes into a run's file."""
    children = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True).stdout.split()
    output = folder(runs, epochs) / "output.txt"
    return [int(child) for child in children if Path(f"/proc/{child}/fd/2").resolve() == output.resolve()]


def test_ctrl_c_leaves_the_remaining_runs_unstarted(tmp_path):
    with sweep(tmp_path, False, "launcher.parallel=2", epochs=(1000, 2000, 3000)) as process:
        wait_for(lambda: all((folder(tmp_path, epochs) / "metrics.csv").exists() for epochs in (1000, 2000)))
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate()
    assert process.returncode == 130
    assert [status(tmp_path, epochs)["state"] for epochs in (1000, 2000, 3000)] == [*["interrupted"] * 2, "created"]
    assert "not started: 1 run" in errors
    assert status(tmp_path, 1000)["share"]["OMP_NUM_THREADS"] == "1"


@pytest.mark.exhaustive
def test_runs_of_two_devices_each_at_once(tmp_path):
    settings = ("launcher.parallel=2", "trainer.devices=2")
    with sweep(tmp_path, False, *settings, epochs=(1000, 2000)) as process:
        wait_for(lambda: all((folder(tmp_path, epochs) / "metrics.csv").exists() for epochs in (1000, 2000)))
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate()
    assert process.returncode == 75, errors
    assert [status(tmp_path, epochs)["state"] for epochs in (1000, 2000)] == ["preempted"] * 2
    assert all((folder(tmp_path, epochs) / "checkpoints" / "last.ckpt").exists() for epochs in (1000, 2000))
