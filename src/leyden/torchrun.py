"""Runs torchrun, and hands to its workers the signals that this process receives.

torchrun itself would forward some of them (not SIGUSR1, which kills it), also to the processes that read batches, kill
its workers after 30 seconds, however long their checkpoint takes, and always end with 1. So the signals go to the workers
directly, which then end with 0: torchrun takes any other code for a failure, and starts all workers again.
"""

import os
import signal
import subprocess
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from .rundir import RunDirectory
from .stop_request import StopRequest

WORKERS = "TRAINING_WORKERS"  # environment variable: the folder in which workers leave their process numbers
SECONDS_TO_STOP = 10  # after the second Ctrl-C, also for a worker that waits for another one


def run_torchrun(command: list[str], run: RunDirectory) -> int:
    """Runs torchrun until all its workers have ended.

    Args:
        command: torchrun and its arguments; the workers execute the run directory.
        run: the run directory.

    Returns:
        The exit code that the run has left in its status.
    """
    received: list[int] = []
    numbers = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, *StopRequest(run.config["preemption"]).preemption}
    previous = {number: signal.signal(number, lambda number, _: received.append(number)) for number in numbers}
    run.set_state("running", error=None, exit_code=None)
    try:
        with TemporaryDirectory() as folder:
            # In a session of its own, so that Ctrl-C reaches this process alone.
            process = subprocess.Popen(command, env={**os.environ, WORKERS: folder}, start_new_session=True)
            _hand_on(received, process, Path(folder))
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    return _exit_code(process.returncode, run)


def register() -> None:
    """To be called by a worker that is ready for signals."""
    if folder := os.environ.get(WORKERS):
        (Path(folder) / os.environ["LOCAL_RANK"]).write_text(str(os.getpid()), "utf-8")


def code_for_torchrun(code: int, run: RunDirectory) -> int:
    """What a worker ends with: 0, too, when it was stopped from outside, if there is a parent to read the status."""
    is_stopped = os.environ.get(WORKERS) and run.status["state"] in ("preempted", "interrupted")
    return 0 if is_stopped else code


def _hand_on(received: list[int], process: subprocess.Popen[bytes], folder: Path) -> None:
    """Each worker receives each signal once, and when it is ready for it; so do those that torchrun starts again."""
    told: Counter[int] = Counter()
    stop_at = float("inf")
    while process.poll() is None:
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.1)
        workers = [int(text) for file in folder.iterdir() if (text := file.read_text("utf-8"))]
        for worker in workers:
            for number in received[told[worker] :]:
                _kill(worker, number)
                told[worker] += 1
        if received.count(signal.SIGINT) > 1:
            stop_at = min(stop_at, time.monotonic() + SECONDS_TO_STOP)
        if time.monotonic() > stop_at:
            for worker in (process.pid, *workers):
                _kill(worker, signal.SIGKILL)


def _kill(process: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGTERM if number == signal.SIGHUP else number)


def _exit_code(code: int, run: RunDirectory) -> int:
    state = run.status["state"]
    if state == "running" or (state == "finished" and code):
        run.set_state("failed", error="a process was killed or hung: see log.txt and stacks/", exit_code=1)
    return run.status["exit_code"]
