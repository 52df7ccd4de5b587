"""The status of a run whose training process, or its parent, was killed."""

import errno
import os
import platform
import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from types import SimpleNamespace

import pytest

import leyden
from leyden.cli.main import main
from leyden.errors import Stop, Stopped, UserError
from leyden.run import status as status_file
from leyden.run.directory import RunDirectory
from leyden.run.lifetime import has_died, records_status

PACKAGE = leyden.__name__
# Holds the lock of a run, as whoever trains it does, or starts those who do.
HOLDER = f"""
import pathlib, platform, subprocess, sys
from {PACKAGE}.run.directory import RunDirectory
run = RunDirectory(pathlib.Path(sys.argv[1]))
with run.claimed():
    run.set_state("running", host=platform.node())
    for rank in sys.argv[3:]:
        subprocess.Popen([sys.executable, "-c", sys.argv[2], str(run.path), rank], start_new_session=True)
    print("claimed", flush=True)
    input()
"""
CHILD = f"""
import pathlib, signal, sys, time
from {PACKAGE}.run.lifetime import stop_with_parent
from {PACKAGE}.run.directory import RunDirectory
run = RunDirectory(pathlib.Path(sys.argv[1]))
def save(number, frame):
    (run.path / f"saving{{sys.argv[2]}}").touch()
    while not (run.path / "saved").exists():
        time.sleep(0.01)
    sys.exit()
signal.signal(signal.SIGUSR1, save)
stop_with_parent(run)
(run.path / f"ready{{sys.argv[2]}}").touch()
time.sleep(60)
"""


@pytest.fixture
def run(tmp_path):
    return RunDirectory.create({"name": "nothing", "runs": "runs", "preemption": ["SIGUSR1"]}, tmp_path, [])


@pytest.fixture
def holder(run):
    def start(*ranks):
        command = [sys.executable, "-c", HOLDER, str(run.path), CHILD, *ranks]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        processes.append(process)
        assert process.stdout.readline() == "claimed\n"
        return process

    processes = []
    yield start
    (run.path / "saved").touch()
    for process in processes:
        process.kill()
        process.communicate()


def wait_for(is_so):
    deadline = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_children_of_killed_parent_save_and_hold_the_lock(run, holder):
    parent = holder("0", "1")
    wait_for(lambda: all((run.path / f"ready{rank}").exists() for rank in range(2)))
    parent.send_signal(signal.SIGKILL)
    wait_for(lambda: all((run.path / f"saving{rank}").exists() for rank in range(2)))
    assert not has_died(run)
    with pytest.raises(UserError, match="is being trained"), run.claimed(seconds=0.1):
        pass
    (run.path / "saved").touch()
    with run.claimed(seconds=60):
        pass


def test_children_of_live_parent_continue(run, holder):
    holder("0")
    wait_for((run.path / "ready0").exists)
    time.sleep(0.3)
    assert not (run.path / "saving0").exists()


def test_status_reports_killed_run(run, holder, tmp_path, monkeypatch, capsys):
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "train.yaml").touch()
    monkeypatch.chdir(tmp_path)
    parent = holder()
    assert not has_died(run)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    assert has_died(run)
    assert main(["status", "latest"]) == 0
    assert f"killed; continue with: {PACKAGE} resume {run.path}" in capsys.readouterr().out
    run.set_state("running", host="another")  # of which this machine knows nothing
    assert not has_died(run)
    run.set_state("running", host=platform.node(), job="7")  # which SLURM knows better
    assert not has_died(run)
    monkeypatch.setenv("PATH", "")  # a machine that is not of the cluster
    assert main(["status", "latest"]) == 0
    assert "running" in (stdout := capsys.readouterr().out)
    assert "job 7: SLURM is not installed on this machine" in stdout


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (None, "finished"),
        (KeyboardInterrupt(), "interrupted"),
        (Stopped(Stop.PREEMPTED, ""), "preempted"),
        (ValueError("no"), "failed"),
    ],
)
def test_training_in_python_records_status(run, error, state):
    @records_status
    def fit(worker):
        assert run.status["state"] == "running"
        if error:
            raise error

    worker = SimpleNamespace(run=run, is_in_python=True, trainer=SimpleNamespace(world_size=1))
    with pytest.raises(type(error)) if error else nullcontext():
        fit(worker)
    assert run.status["state"] == state
    assert state != "failed" or run.status["error"] == "ValueError: no"


def test_commands_record_status_themselves(run):
    records_status(lambda worker: None)(SimpleNamespace(run=run, is_in_python=False))
    assert run.status["state"] == "created"


def test_concurrent_status_updates_are_not_lost(run):
    """Updates of concurrent processes are all kept."""
    code = f"import pathlib, sys; from {RunDirectory.__module__} import RunDirectory as Run\n"
    code += "for n in range(20): Run(pathlib.Path(sys.argv[1])).update_status(**{f'{sys.argv[2]}{n}': n})"
    words = [[sys.executable, "-c", code, str(run.path), name] for name in "abc"]
    processes = [subprocess.Popen(command) for command in words]
    assert [process.wait() for process in processes] == [0] * 3
    assert len(run.status.keys() & {f"{name}{n}" for name in "abc" for n in range(20)}) == 60


def test_status_is_written_on_full_disk(run, monkeypatch):
    def is_full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(status_file, "write_atomically", is_full)
    run.set_state("failed", error="no room " * 1000)
    assert run.status["state"] == "failed"
    assert run.status["error"].startswith("no room")
    run.set_state("running", error=None)
    assert run.status["error"] is None
