"""torchrun with workers that only report their signals, and a run on two ranks."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

import leyden
from leyden.config.embedded import embedded_experiments
from leyden.run.directory import RunDirectory
from leyden.run.torchrun import run_torchrun

pytestmark = pytest.mark.slow

ROOT = Path.cwd()
EXPERIMENT = embedded_experiments(ROOT)[0]

PARENT = f"""
import signal, sys
from pathlib import Path
from {leyden.__name__}.run.directory import RunDirectory
from {leyden.__name__}.run.torchrun import run_torchrun
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # if these tests are run under nohup
torchrun = [sys.executable, "-m", "{leyden.__name__}.run.torchrun", "--standalone", "--nproc-per-node=2", *sys.argv[3:]]
sys.exit(run_torchrun([*torchrun, sys.argv[1], sys.argv[2]], RunDirectory(Path(sys.argv[2]))))
"""

# Exits with a code for the last signal; the first process of rank 1 may fail.
WORKER = f"""
import os, signal, sys, time
from pathlib import Path
from {leyden.__name__}.run.directory import RunDirectory
from {leyden.__name__}.run.torchrun import code_for_torchrun, register

run, rank = RunDirectory(Path(sys.argv[1])), os.environ["RANK"]

def receive(number, frame):
    with (run.path / f"received{{rank}}").open("a") as file:
        file.write(signal.Signals(number).name + " ")

for name in ("SIGINT", "SIGTERM", "SIGUSR1"):
    signal.signal(getattr(signal, name), receive)
register()
life = os.environ["TORCHELASTIC_RESTART_COUNT"]
fails = life == "0" and (run.path / "fails").exists()
if fails:  # as a rank does that has lost another, and is sent to end
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
(run.path / f"ready{{rank}}.{{life}}").touch()
if rank == "1" and fails:
    sys.exit(3)
if (run.path / "loses").exists():
    if rank == "1":
        os.kill(os.getpid(), signal.SIGKILL)
    while not list(run.path.glob("ready1.*")):  # the other rank is lost first, however late it starts
        time.sleep(0.02)
    time.sleep(0.3)
    run.set_state("failed", error="gloo: connection closed by peer", exit_code=1)
    sys.exit(1)
while not (run.path / "state").exists():
    time.sleep(0.02)
state, code = (run.path / "state").read_text().split()
if rank == "0":
    run.set_state(state, exit_code=int(code))
time.sleep(0.5)
sys.exit(code_for_torchrun(int(code), run))
"""


@pytest.fixture
def run(tmp_path):
    config = {"name": "nothing", "runs": "runs", "preemption": ["SIGTERM", "SIGUSR1"]}
    (tmp_path / "worker.py").write_text(WORKER)
    return RunDirectory.create(config, tmp_path, [])


@pytest.fixture
def start(run):
    """Start the parent; kill it and its workers if a test fails."""
    processes = []

    def start(*arguments):
        worker = run.path.parents[2] / "worker.py"
        command = [sys.executable, "-c", PARENT, worker, run.path, *arguments]
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        processes.append(subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment))
        wait_until(lambda: run.status["state"] == "running")  # from here on, signals are recorded
        return processes[-1]

    yield start
    for process in processes:
        with process:
            if process.poll() is None:
                (run.path / "state").write_text("failed 1")


def wait_until(is_so):
    deadline = time.monotonic() + 120
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def wait_for(*paths):
    wait_until(lambda: all(path.exists() for path in paths))


def received(run):
    files = [run.path / f"received{rank}" for rank in range(2)]
    return [file.read_text().split() if file.exists() else [] for file in files]


def test_workers_receive_each_signal_once_and_parent_returns_their_code(run, start):
    process = start()
    sent = []
    # The first one comes before there are workers.
    for number, name in ((signal.SIGUSR1, "SIGUSR1"), (signal.SIGTERM, "SIGTERM"), (signal.SIGHUP, "SIGTERM")):
        process.send_signal(number)
        sent.append(name)
        wait_until(lambda: received(run) == [sent, sent])
    (run.path / "state").write_text("preempted 75")
    _, errors = process.communicate()
    assert process.returncode == 75, errors
    assert received(run) == [sent, sent]
    assert "Traceback" not in errors


def test_nohup_ignores_sighup(run):
    worker = "import os, pathlib, signal, time; pathlib.Path(os.environ['TRAINING_WORKERS'], '0').write_text(str(os.getpid())); "
    worker += "os.kill(os.getppid(), signal.SIGHUP); time.sleep(0.5)"
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        run_torchrun([sys.executable, "-c", f"{worker}; open({str(run.path / 'ended')!r}, 'w')"], run)
    finally:
        signal.signal(signal.SIGHUP, before)
    assert (run.path / "ended").exists()


@pytest.mark.skipif(torch.__version__ < "2.4", reason="torchrun of torch 2.3 closes its rendezvous before")
def test_restarted_workers_receive_signals(run, start):
    (run.path / "fails").touch()
    process = start("--max-restarts=1")
    wait_for(*(run.path / f"ready{rank}.1" for rank in range(2)))
    process.send_signal(signal.SIGINT)
    wait_for(run.path / "received1")
    (run.path / "state").write_text("interrupted 130")
    process.communicate()
    assert process.returncode == 130
    assert received(run)[1] == ["SIGINT"]


def test_failed_worker_is_not_reported_as_success(run, start):
    (run.path / "fails").touch()
    process = start()
    wait_for(run.path / "ready0.0", run.path / "ready1.0")
    (run.path / "state").write_text("finished 0")  # as rank 0 would report
    process.communicate()
    assert process.returncode == 1
    assert run.status["state"] == "failed"


def test_error_names_killed_rank(run, start):
    (run.path / "loses").touch()
    process = start()
    _, errors = process.communicate()
    assert process.returncode == 1
    assert run.status["state"] == "failed"
    assert run.status["error"].startswith("rank 1 was killed by SIGKILL")
    assert run.status["error"] in errors
    assert "Traceback" not in errors


def test_second_interrupt_kills_unresponsive_workers(run, start):
    process = start()
    wait_for(run.path / "ready0.0", run.path / "ready1.0")
    begin = time.monotonic()
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    process.communicate()
    assert process.returncode == 1
    assert run.status["state"] == "failed"
    assert time.monotonic() - begin < 20


def test_run_on_two_ranks_saves_on_sigterm(tmp_path):
    settings = ["trainer=cpu", "trainer.devices=2", "trainer.max_epochs=100", f"runs={tmp_path}"]
    command = [sys.executable, "-m", leyden.__name__, "train"]
    command += [f"experiment={EXPERIMENT}", *settings]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
    pattern = "*/*/2*/metrics.csv"
    deadline = time.monotonic() + 300
    while not list(tmp_path.glob(pattern)) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate()
    assert process.returncode == 75, errors
    (folder,) = (file.parent for file in tmp_path.glob(pattern))
    assert (folder / "checkpoints" / "last.ckpt").exists()
    assert json.loads((folder / "status.json").read_text())["state"] == "preempted"
    assert "Traceback" not in errors
    assert not (folder / "stacks").exists()
