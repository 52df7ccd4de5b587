"""Runs that are stopped, resumed and damaged, each in a separate process."""

import csv
import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

import leyden
from leyden.config.embedded import embedded_experiments
from leyden.errors import Pruned, Stop, Stopped
from leyden.run.directory import RunDirectory
from leyden.run.execute import _do
from leyden.run.shutdown import StopRequest

pytestmark = pytest.mark.slow

ROOT = Path.cwd()
EXPERIMENT = embedded_experiments(ROOT)[0]
SHORT = ["trainer=cpu", "trainer.limit_train_batches=12", "trainer.log_every_n_steps=1", "trainer.max_epochs=3"]
TIMES = ("_per_second", "/data_wait", "/flops_utilization")


def start(*words, **options):
    return subprocess.Popen(
        [sys.executable, "-m", leyden.__name__, *map(str, words)],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def train(runs, *settings, **options):
    return start("train", f"experiment={EXPERIMENT}", *SHORT, f"runs={runs}", *settings, **options)


def only_run(runs):
    (folder,) = runs.glob("*/*/2*")
    return folder


def state(folder):
    return json.loads((folder / "status.json").read_text())["state"]


def weights(folder, name="last"):
    return torch.load(folder / "checkpoints" / f"{name}.ckpt", weights_only=True)["state_dict"]


def metrics(folder):
    with (folder / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [{key: value for key, value in row.items() if not key.endswith(TIMES)} for row in rows]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    runs = tmp_path_factory.mktemp("undisturbed")
    process = train(runs)
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    return only_run(runs)


@pytest.fixture(scope="module")
def interrupted(tmp_path_factory):
    """A run interrupted in its second epoch."""
    runs = tmp_path_factory.mktemp("interrupted")
    process = train(runs)
    deadline = time.monotonic() + 120
    while not list(runs.glob("*/*/2*/checkpoints/last.ckpt")) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    assert process.returncode == 130, errors
    assert "resume" in errors
    assert "Traceback" not in errors
    folder = only_run(runs)
    assert state(folder) == "interrupted"
    return folder


def test_full_disk_keeps_saved_checkpoints(interrupted):
    before = (interrupted / "checkpoints" / "last.ckpt").read_bytes()
    small = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))  # noqa: E731
    process = start("resume", interrupted, preexec_fn=small)
    _, errors = process.communicate()
    assert process.returncode == 1
    assert "Saved checkpoints are kept" in errors
    assert "Traceback" not in errors
    assert (interrupted / "checkpoints" / "last.ckpt").read_bytes() == before
    assert not list((interrupted / "checkpoints").glob(".*"))
    assert state(interrupted) == "failed"


def test_resumed_run_equals_uninterrupted_run(interrupted, undisturbed):
    stopped_at = int(metrics(interrupted)[-1]["step"])
    assert 11 <= stopped_at < 35, "the signal came too early or too late for this test to mean anything"
    process = start("resume", interrupted)
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    assert "not empty" not in errors  # Lightning's warning about the run's own checkpoints
    left_alone, resumed = weights(undisturbed), weights(interrupted)
    assert left_alone.keys() == resumed.keys()
    assert all(left_alone[name].equal(resumed[name]) for name in left_alone)
    assert metrics(interrupted) == metrics(undisturbed)
    assert state(interrupted) == "finished"


def test_signal_during_imports_is_recorded(tmp_path):
    process = train(tmp_path)
    deadline = time.monotonic() + 120
    while '"running"' not in "".join(file.read_text() for file in tmp_path.glob("*/*/2*/status.json")):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGUSR1)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate()
    assert process.returncode == 75, errors
    assert "preempted after step 0" in errors
    assert "Traceback" not in errors
    assert state(only_run(tmp_path)) == "preempted"


def test_moved_run_directory_is_reported_and_fails(tmp_path):
    process = train(tmp_path, "trainer.max_epochs=1000")
    deadline = time.monotonic() + 120
    while not list(tmp_path.glob("*/*/2*/checkpoints/best.ckpt")) and time.monotonic() < deadline:
        time.sleep(0.01)
    folder = only_run(tmp_path)
    folder.rename(tmp_path / "moved")
    _, errors = process.communicate()
    assert process.returncode == 1
    assert f"{folder} is missing: was it moved" in errors
    assert "Traceback" not in errors
    assert not folder.exists()


def test_finished_run_is_not_resumed(undisturbed):
    process = start("resume", undisturbed)
    _, errors = process.communicate()
    assert process.returncode == 2
    assert "is finished" in errors


def test_failed_run_reports_error_and_exit_code(tmp_path):
    process = train(tmp_path, "callbacks.best.monitor=val/nothing")
    _, errors = process.communicate()
    assert process.returncode == 1
    assert "val/nothing" in errors
    assert state(only_run(tmp_path)) == "failed"
    assert "val/nothing" in (only_run(tmp_path) / "log.txt").read_text()


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"no checkpoint", "cannot be loaded as a checkpoint"), (None, "there is no checkpoint")],
)
def test_invalid_checkpoint(undisturbed, tmp_path, content, message):
    path = tmp_path / "other.ckpt"
    if content:
        path.write_bytes(content)
    process = start("test", undisturbed, "--ckpt", path)
    _, errors = process.communicate()
    assert process.returncode in (1, 2)
    assert message in errors
    assert "Traceback" not in errors


def test_checkpoint_of_another_experiment(undisturbed, tmp_path):
    checkpoint = torch.load(undisturbed / "checkpoints" / "last.ckpt", weights_only=True)
    name = next(iter(checkpoint["state_dict"]))
    checkpoint["state_dict"]["network.other"] = checkpoint["state_dict"].pop(name)
    torch.save(checkpoint, tmp_path / "other.ckpt")
    process = start("test", undisturbed, "--ckpt", tmp_path / "other.ckpt")
    _, errors = process.communicate()
    assert process.returncode == 1
    assert re.search(r"does not match the model: is it from another experiment\?", errors)
    assert "Traceback" not in errors


def test_optimizer_error_has_no_traceback(tmp_path):
    sgd = "model.optimizer={_target_: torch.optim.SGD, _partial_: true, lr: 0.1, nesterov: true}"
    process = train(tmp_path, sgd)
    message = process.communicate()[1]
    assert process.returncode == 1
    assert message.strip().splitlines()[-1] == "Nesterov momentum requires a momentum and zero dampening"
    assert "Traceback" not in message


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Stopped(Stop.PREEMPTED, "stopped"), {}, 75),
        (Stopped(Stop.PREEMPTED, "stopped"), {"job": "17"}, 1),  # SLURM requeues it, so a sweep must not
        (Stopped(Stop.INTERRUPTED, "stopped"), {}, 1),
        (Pruned("pruned"), {}, 0),  # no failure
    ],
)
def test_loggers_receive_the_outcome(tmp_path, monkeypatch, error, status, code):
    class Worker:
        def __init__(self, *_, **__):
            pass

        def fit(self):
            raise error

        def finish(self, exit_code):
            self.codes.append(exit_code)

        codes = []

    monkeypatch.setattr("leyden.run.worker.Worker", Worker)
    run = RunDirectory.create({"name": "some/run", "runs": "runs"}, tmp_path, ["train"], **status)
    with pytest.raises(type(error)):
        _do(run, "train", StopRequest([]))
    assert Worker.codes == [code]
