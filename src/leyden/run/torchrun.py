"""Run torchrun and forward signals to its workers.

torchrun itself forwards some signals (SIGUSR1 kills it), also to the DataLoader workers, kills its workers after 30
seconds even while they save a checkpoint, and always exits with 1. So signals are sent to the workers directly, which
then exit with 0: torchrun treats any other code as a failure and restarts all workers.
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

FAILURE = "failure.json"  # in the folder of WORKERS: the rank that failed and its exit code
WORKERS = "TRAINING_WORKERS"  # environment variable: the folder in which workers write their process ids
KILL_SECONDS = 10  # time from the second Ctrl-C until workers are killed


def run_torchrun(command: list[str], run: RunDirectory) -> int:
    """Run torchrun until all its workers have exited.

    Args:
        command: The command line of `main` with torchrun's arguments.
        run: The run directory, which the workers execute.

    Returns:
        The exit code in the run's status.
    """
    received: list[int] = []
    ignored = {number for number in [signal.SIGHUP] if signal.getsignal(number) == signal.SIG_IGN}  # nohup
    numbers = {
        signal.SIGINT,
        signal.SIGTERM,
        signal.SIGHUP,
        *StopRequest(run.config["preemption"]).preemption,
    } - ignored
    previous = {number: signal.signal(number, lambda number, _: received.append(number)) for number in numbers}
    signal.pthread_sigmask(signal.SIG_UNBLOCK, numbers)  # in a fork, which inherits what `blocked` blocks
    run.set_state("running", host=platform.node(), error=None, exit_code=None)
    try:
        with TemporaryDirectory() as folder:
            # A new session, so that the terminal sends Ctrl-C to this process only.
            # One thread for each process is torchrun's own choice, too, which it would announce in four lines.
            variables = {"OMP_NUM_THREADS": "1", **environment(run.path), WORKERS: folder, CHILD: "1"}
            process = subprocess.Popen(command, env=variables, start_new_session=True)
            _forward_signals(received, process, Path(folder))
            message = _kill_message(Path(folder))
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    if message:  # the other ranks only report that they lost the connection
        run.set_state("failed", error=message, exit_code=1)
        print(f"{run.path}: {message}; continue with: leyden resume {run.path}", file=sys.stderr)
    return _exit_code(process.returncode, run)


def register() -> None:
    """Register this worker as ready for signals."""
    if folder := os.environ.get(WORKERS):
        (Path(folder) / os.environ["LOCAL_RANK"]).write_text(str(os.getpid()), "utf-8")


def code_for_torchrun(code: int, run: RunDirectory) -> int:
    """Return a worker's exit code: 0 also if it was stopped from outside and a parent reads the status."""
    if not (run.path / "status.json").is_file():  # the run was moved
        return code
    is_stopped = os.environ.get(WORKERS) and run.status["state"] in ("preempted", "interrupted")
    return 0 if is_stopped else code


def _forward_signals(received: list[int], process: subprocess.Popen[bytes], folder: Path) -> None:
    """Send each signal once to each registered worker, including workers that torchrun restarts."""
    num_sent: Counter[int] = Counter()
    kill_at = float("inf")
    while process.poll() is None:
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.1)
        workers = [int(text) for file in folder.glob("[0-9]*") if (text := file.read_text("utf-8"))]
        for worker in workers:
            for number in received[num_sent[worker] :]:
                _kill(worker, number)
                num_sent[worker] += 1
        if received.count(signal.SIGINT) > 1:
            kill_at = min(kill_at, time.monotonic() + KILL_SECONDS)
        if time.monotonic() > kill_at:
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


def _kill_message(folder: Path) -> str:
    """Describe the first rank that was killed by a signal; empty if there is none."""
    if not (file := folder / FAILURE).exists():
        return ""
    rank, code = json.loads(file.read_text(encoding="utf-8"))
    if code >= 0:
        return ""
    cause = ", possibly because it ran out of memory" if -code == signal.SIGKILL else ""
    return f"rank {rank} was killed by {signal.Signals(-code).name}{cause}"


def main() -> int:
    """Entry point `python -m <this module> ARGUMENTS`: torchrun that records which rank failed with which code."""
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.run import parse_args, run

    try:
        run(parse_args(sys.argv[1:]))
    except ChildFailedError as error:
        # torchrun itself sends SIGTERM to the other ranks after one has failed.
        rank, failure = min(
            error.failures.items(),
            key=lambda item: (item[1].exitcode >= 0 or item[1].exitcode == -signal.SIGTERM, item[1].timestamp),
        )
        if folder := os.environ.get(WORKERS):
            (Path(folder) / FAILURE).write_text(json.dumps([rank, failure.exitcode]), "utf-8")
        return 1  # the worker has logged the error
    return 0


if __name__ == "__main__":
    sys.exit(main())
