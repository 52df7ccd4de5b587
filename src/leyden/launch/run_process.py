"""A process that trains a run, in a session of its own, started as a new Python or as a fork of this one."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.context import ForkProcess
from pathlib import Path

from ..run.directory import RunDirectory
from ..run.frozen_code import environment
from ..run.gc_paused import gc_paused
from ..run.lifetime import CHILD, stop_with_parent
from .launcher import EXECUTE


class SpawnedRun:
    """A run trained in a new Python process.

    Args:
        run: The run directory.
        variables: Environment variables to add.
        output: The file that its output is appended to; None for this process's.
    """

    def __init__(self, run: RunDirectory, variables: dict[str, str], output: Path | None) -> None:
        command = [sys.executable, "-m", EXECUTE, str(run.path), "train"]
        environ = {**environment(run.path), **variables, CHILD: "1"}
        file = output.open("ab") if output else None
        try:
            self.process = subprocess.Popen(
                command, start_new_session=True, env=environ, stdin=_stdin(output), stdout=file, stderr=file
            )
        finally:
            if file:
                file.close()
        self.pid = self.process.pid

    def poll(self) -> int | None:
        """Return the exit code, or the negative number of the signal that killed the process; None if it is alive."""
        return self.process.poll()


class ForkedRun:
    """A run trained by a function in a fork of this process.

    This process must not have started compute threads or used random numbers.

    Args:
        run: The run directory.
        variables: Environment variables to add.
        output: The file that its output is appended to; None for this process's.
        function: Trains the run and returns the exit code.
    """

    def __init__(
        self,
        run: RunDirectory,
        variables: dict[str, str],
        output: Path | None,
        function: Callable[[RunDirectory], int] | None = None,
    ) -> None:
        self.process = ForkProcess(target=_run, args=[run, variables, output, function or _execute])
        self.process.start()
        assert self.process.pid is not None
        self.pid = self.process.pid

    def poll(self) -> int | None:
        """Return the exit code, or the negative number of the signal that killed the process; None if it is alive."""
        return self.process.exitcode


def import_shared(variables: dict[str, str]) -> None:
    """Import what every forked run needs, without starting compute threads or using random numbers.

    Args:
        variables: Environment variables that are read during the import, such as the number of threads.
    """
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        with suppress(Exception), gc_paused():  # each run logs import errors itself
            from ..run import predict, worker  # noqa: F401
    finally:
        os.environ.clear()
        os.environ.update(before)


def _run(
    run: RunDirectory, variables: dict[str, str], output: Path | None, function: Callable[[RunDirectory], int]
) -> None:
    os.setsid()
    for number in signal.valid_signals():
        if callable(signal.getsignal(number)):  # a handler inherited from the parent
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    os.environ.update(variables)
    if output:
        with output.open("ab") as file:
            for descriptor in (1, 2):
                os.dup2(file.fileno(), descriptor)
    sys.exit(function(run))


def _execute(run: RunDirectory) -> int:
    from ..run.execute import execute

    stop_with_parent(run)
    return execute(run, "train")


def _stdin(output: Path | None) -> int | None:
    return subprocess.DEVNULL if output else None  # several processes must not read from one terminal
