"""Runs torchrun, and hands to its workers the signals that this process receives.

torchrun itself would forward some of them (not SIGUSR1, which kills it), also to the processes that read batches, kill
its workers after 30 seconds, however long their checkpoint takes, and always end with 1. So the signals go to the workers
directly, which then end with 0: torchrun takes any other code for a failure, and starts all workers again.
"""

import json
import os
import platform
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from .directory import RunDirectory
from .frozen_code import environment
from .lifetime import CHILD
from .shutdown import StopRequest

FAILURE = "failure.json"  # there: which rank ended with which code
WORKERS = "TRAINING_WORKERS"  # environment variable: the folder in which workers leave their process numbers
SECONDS_TO_STOP = 10  # after the second Ctrl-C, also for a worker that waits for another one


def run_torchrun(command: list[str], run: RunDirectory) -> int:
    """Runs torchrun until all its workers have ended.

    Args:
        command: `main` and torchrun's arguments; the workers execute the run directory.
        run: the run directory.

    Returns:
        The exit code that the run has left in its status.
    """
    received: list[int] = []
    held_off = {number for number in [signal.SIGHUP] if signal.getsignal(number) == signal.SIG_IGN}  # by nohup
    numbers = {
        signal.SIGINT,
        signal.SIGTERM,
        signal.SIGHUP,
        *StopRequest(run.config["preemption"]).preemption,
    } - held_off
    previous = {number: signal.signal(number, lambda number, _: received.append(number)) for number in numbers}
    run.set_state("running", host=platform.node(), error=None, exit_code=None)
    try:
        with TemporaryDirectory() as folder:
            # In a session of its own, so that Ctrl-C reaches this process alone.
            variables = {**environment(run.path), WORKERS: folder, CHILD: "1"}
            process = subprocess.Popen(command, env=variables, start_new_session=True)
            _hand_on(received, process, Path(folder))
            killed = _killed(Path(folder))
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    if killed:  # the other ranks say only that they have lost it
        run.set_state("failed", error=killed, exit_code=1)
        again = f"go on with: leyden resume {run.path}"
        print(f"{run.path}: {killed}; {again}", file=sys.stderr)
    return _exit_code(process.returncode, run)


def register() -> None:
    """To be called by a worker that is ready for signals."""
    if folder := os.environ.get(WORKERS):
        (Path(folder) / os.environ["LOCAL_RANK"]).write_text(str(os.getpid()), "utf-8")


def code_for_torchrun(code: int, run: RunDirectory) -> int:
    """What a worker ends with: 0, too, when it was stopped from outside, if there is a parent to read the status."""
    if not (run.path / "status.json").is_file():  # it was moved away
        return code
    is_stopped = os.environ.get(WORKERS) and run.status["state"] in ("preempted", "interrupted")
    return 0 if is_stopped else code


def _hand_on(received: list[int], process: subprocess.Popen[bytes], folder: Path) -> None:
    """Each worker receives each signal once, and when it is ready for it; so do those that torchrun starts again."""
    told: Counter[int] = Counter()
    stop_at = float("inf")
    while process.poll() is None:
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.1)
        workers = [int(text) for file in folder.glob("[0-9]*") if (text := file.read_text("utf-8"))]
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


def _killed(folder: Path) -> str:
    """The rank that a signal has ended before all others, if there is one."""
    if not (file := folder / FAILURE).exists():
        return ""
    rank, code = json.loads(file.read_text(encoding="utf-8"))
    if code >= 0:
        return ""
    hint = ": was there not enough memory?" if -code == signal.SIGKILL else ""
    return f"rank {rank} was killed by {signal.Signals(-code).name}{hint}"


def main() -> int:
    """`python -m <this module> ARGUMENTS`: torchrun, which leaves behind which rank has failed, and how."""
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.run import parse_args, run

    try:
        run(parse_args(sys.argv[1:]))
    except ChildFailedError as error:
        rank, failure = min(error.failures.items(), key=lambda item: (item[1].exitcode >= 0, item[1].timestamp))
        if folder := os.environ.get(WORKERS):
            (Path(folder) / FAILURE).write_text(json.dumps([rank, failure.exitcode]), "utf-8")
        return 1  # the worker has said why
    return 0


if __name__ == "__main__":
    sys.exit(main())
