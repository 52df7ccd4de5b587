"""Execute a command on a run directory, write its status and log, and map errors to exit codes.

Modules that import torch are imported late, after the signal handlers are installed.
"""

import logging
import os
import platform
import sys
import time
from pathlib import Path
from traceback import walk_tb
from typing import Any

from ..config.redaction import RedactingFormatter, redact
from ..config.references import find_secrets, resolve
from ..errors import Pruned, RunError, Stop, Stopped, UserError
from ..io import LogFile, disk_error
from . import frozen_code
from .directory import RunDirectory, State
from .environment import differences
from .forward_errors import explain_forward
from .gc_paused import gc_paused
from .harmless_warnings import silence_lightning
from .lifetime import CHILD, stop_with_parent
from .memory import peak_memory
from .rendezvous import rendezvous
from .reserved_stdout import reserved_stdout
from .shutdown import STATES, StopRequest
from .torchrun import code_for_torchrun, register

log = logging.getLogger("leyden")

IN_FILE = "in_file"  # attribute of log records that the terminal does not show
IS_RANK_ZERO = os.environ.get("RANK", os.environ.get("SLURM_PROCID", "0")) == "0"
EXIT_CODES = {
    "finished": 0,
    "pruned": 0,
    "failed": 1,
    "preempted": 75,
    "interrupted": 130,
}  # 75: sysexits.h, 130: the shell's


def execute(run: RunDirectory, verb: str, **options: Any) -> int:
    """Execute `verb` and return the exit code; see `launch`."""
    keeps_status = verb == "train"
    stop = StopRequest(run.config["preemption"])
    if keeps_status:
        stop.listen()
        register()
    secrets = find_secrets(run.frozen_config)
    _open_log(run, secrets)
    _report_differences(run, verb)
    state, code, details = "finished", 0, {}
    begin, before = time.perf_counter(), _seconds_before(run)
    try:
        if keeps_status and IS_RANK_ZERO:
            run.set_state("running", host=platform.node(), num_threads=_num_threads(), error=None, exit_code=None)
        if keeps_status:
            rendezvous(run.path)
        _do(run, verb, stop, **options)
    except Pruned as error:
        state = "pruned"
        log.info("%s", error)
    except (Stopped, KeyboardInterrupt, SystemExit) as error:
        state = STATES[error.stop] if isinstance(error, Stopped) else "interrupted"
        code = EXIT_CODES[state]
        resume = ""
        if keeps_status:
            resume = f"; continue with: leyden resume {run.path}"
        log.warning("%s%s", str(error) or "stopped immediately", resume)
    except Exception as error:
        state, code = "failed", 2 if isinstance(error, UserError) else EXIT_CODES["failed"]
        details = {"error": redact(f"{type(error).__name__}: {error}", secrets)}
        _explain(error, run, keeps_status)
    if keeps_status:
        stop.ignore()  # the exit code is final
        seconds = round(before + time.perf_counter() - begin, 1)
        details |= {"exit_code": code, "seconds": seconds, "peak_memory_gib": peak_memory()}
        return code if _write_status(run, state, details) else code or EXIT_CODES["failed"]
    return code


def _do(run: RunDirectory, verb: str, stop: StopRequest, **options: Any) -> None:
    with gc_paused():
        from .worker import Worker

    silence_lightning()
    if verb == "predict":
        from .predict import predict

        with reserved_stdout() as stdout:
            predict(Worker(run, trains=False), stdout=stdout, **options)
        return
    worker = Worker(run, trains=verb == "train", stop=stop)
    code = 1
    try:
        if verb == "train":
            report(worker.fit(), run)
        else:
            split = "test" if verb == "test" else "val"
            report(worker.evaluate(split, options.get("checkpoint", "best")), run)
        code = 0
    except Pruned:
        code = 0  # the run did what its search asked for
        raise
    except Stopped as error:
        if error.stop is Stop.PREEMPTED and "job" not in run.status:  # SLURM itself requeues a job that it was given
            code = EXIT_CODES["preempted"]
        raise
    finally:
        worker.finish(code)


def _num_threads() -> int:
    """Return the threads of an operation on the CPU, on whose number the bits of sums depend."""
    count = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    return int(count) if count.isdecimal() else len(os.sched_getaffinity(0))


def report(results: dict[str, float], run: RunDirectory) -> None:
    for name, value in sorted(results.items()):
        log.info("%-16s %.4f", name, value)
    log.info("run              %s", run.path)


def _explain(error: Exception, run: RunDirectory, trains: bool) -> None:
    if _is_settings_error(error):
        error = RunError(str(error))
    if isinstance(error, RunError | UserError):
        # A DataLoader worker wraps the message into its traceback.
        log.error("%s", str(error).rsplit("DataError: ", 1)[-1].strip())
    elif not (run.path / "status.json").is_file():
        log.error("%s is missing: was it moved or removed while it was in use? Restore it", run.path)
    elif (reason := disk_error(error)) and not trains:
        log.error("%s", reason)
    elif reason:
        saved = ", ".join(sorted(str(file) for file in run.path.glob("checkpoints/*.ckpt")))
        log.error("the run stopped: %s", reason)
        log.error("Saved checkpoints are kept (%s).", saved)
        log.error("After fixing this, continue with: leyden resume %s", run.path)
    elif run.is_writable and (reason := explain_forward(error, frozen_code.source(run.path) or Path.cwd() / "src")):
        log.exception("the network failed", extra={IN_FILE: True})
        log.error("%s", reason)
        log.error("The whole traceback is in %s", run.path / "log.txt")
    else:
        log.exception("the run failed; the full log is in %s", run.path / "log.txt")


def _is_settings_error(error: Exception) -> bool:
    """Whether Lightning, an optimizer or a scheduler raised the error for its settings."""
    from lightning.pytorch.utilities.exceptions import MisconfigurationException

    *_, (innermost, _) = walk_tb(error.__traceback__)
    module, kinds = innermost.f_globals.get("__name__", ""), (ValueError, TypeError, RuntimeError)
    is_lightnings = module.startswith("lightning.") and isinstance(error, kinds)
    is_optimizers = module.startswith("torch.optim.") and isinstance(error, ValueError)
    return is_lightnings or is_optimizers or isinstance(error, MisconfigurationException)


def _write_status(run: RunDirectory, state: State, details: dict[str, Any]) -> bool:
    """Record the final state: of several processes, that of the first that stops or fails, which ends the others.

    Returns:
        Whether the status was written.
    """
    try:
        has_ended = run.status["state"] in ("preempted", "interrupted", "failed", "pruned")
        if not has_ended and (IS_RANK_ZERO or state != "finished"):
            run.set_state(state, **details)
    except (OSError, UserError) as error:  # such as a full disk; it must not hide the original error
        log.error("the status could not be written: %s", error)
        return False
    return True


def _seconds_before(run: RunDirectory) -> float:
    """Return the duration of the training until it was stopped, if it continues from there."""
    return run.status.get("seconds", 0.0) if run.has_checkpoint else 0.0


def _report_differences(run: RunDirectory, verb: str) -> None:
    """Log changes of code and environment since the run was created."""
    if remark := frozen_code.remark(run.path):
        log.info("%s", remark)
    if IS_RANK_ZERO and (verb != "train" or run.has_checkpoint) and (changes := differences(run.path, Path.cwd())):
        log.warning("%s", changes)


def _open_log(run: RunDirectory, secrets: dict[str, str]) -> None:
    """Send log records and warnings to the terminal and, with timestamps, to the run's log.txt."""
    handlers: list[logging.Handler] = [_Terminal()]
    handlers[0].setFormatter(RedactingFormatter(secrets, "%(message)s"))
    if run.is_writable:
        handlers.append(LogFile(run.path / "log.txt"))
        formats = "%(asctime)s %(levelname)-7s %(message)s", "%Y-%m-%d %H:%M:%S"
        handlers[-1].setFormatter(RedactingFormatter(secrets, *formats))
    logging.basicConfig(level=logging.WARNING, handlers=handlers, force=True)
    for package in {log.name, *frozen_code.packages(run.path)}:
        logging.getLogger(package).setLevel(logging.INFO if IS_RANK_ZERO else logging.ERROR)
    if not run.is_writable:
        log.warning("%s is read-only: no log, results or figures are written", run.path)
    logging.captureWarnings(True)


class _Terminal(logging.StreamHandler):
    """Write to standard error; on a terminal through a progress bar, which replaces `sys.stderr` while it is active."""

    def __init__(self) -> None:
        super().__init__(sys.stderr)
        self.is_terminal = sys.stderr.isatty()

    def emit(self, record: logging.LogRecord) -> None:
        if hasattr(record, IN_FILE):
            return
        if self.is_terminal:
            self.setStream(sys.stderr)
        super().emit(record)


def main() -> int:
    """Entry point `python -m <this module> RUN VERB`, which torchrun and SLURM start once per device."""
    path = Path(sys.argv[1])
    try:
        if not path.is_dir():
            rendezvous(path)  # reports the missing folder to nodes that have it
        run = RunDirectory(path)
        resolve(run.frozen_config)  # raises early if a reference cannot be resolved
        if CHILD in os.environ:
            stop_with_parent(run)
        # Without the environment of `frozen_code`, as in a container, it still executes the run's code.
        with frozen_code.imported_from(path) as module:
            own = module("run.execute")
            return code_for_torchrun(own.execute(own.RunDirectory(path), sys.argv[2]), run)
    except (RunError, UserError) as error:
        print(f"{platform.node()}: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
