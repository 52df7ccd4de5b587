"""Carries out one verb on a frozen run directory, keeps its status and its log, and turns errors into exit codes.

What needs torch is imported late: signals are heard before.
"""

import logging
import os
import platform
import sys
import time
from pathlib import Path
from traceback import walk_tb
from typing import Any

from ..config.redaction import DiscreetFormatter, hidden
from ..config.references import resolve, secrets_of
from ..errors import RunError, Stopped, UserError
from ..io import LogFile, disk_error
from . import frozen_code
from .directory import RunDirectory, State
from .environment import differences
from .gc_paused import uncollected
from .harmless_warnings import silence_lightning
from .lifetime import CHILD, stop_with_parent
from .rendezvous import meet
from .reserved_stdout import reserved_stdout
from .shutdown import STATES, StopRequest
from .torchrun import code_for_torchrun, register

log = logging.getLogger("leyden")

IS_FIRST = os.environ.get("RANK", os.environ.get("SLURM_PROCID", "0")) == "0"  # of the processes of this run
EXIT_CODES = {"finished": 0, "failed": 1, "preempted": 75, "interrupted": 130}  # 75: sysexits.h, 130: the shell's


def execute(run: RunDirectory, verb: str, **options: Any) -> int:
    """Does what `verb` says and returns the exit code; see `launch`."""
    keeps_status = verb == "train"
    stop = StopRequest(run.config["preemption"])
    if keeps_status:
        stop.listen()
        register()
    secrets = secrets_of(run.frozen_config)
    _open_log(run, secrets)
    _report_differences(run, verb)
    state, code, details = "finished", 0, {}
    begin = time.perf_counter()
    try:
        if keeps_status and IS_FIRST:
            run.set_state("running", host=platform.node(), error=None, exit_code=None)
        if keeps_status:
            meet(run.path)
        _do(run, verb, stop, **options)
    except (Stopped, KeyboardInterrupt, SystemExit) as error:
        state = STATES[error.stop] if isinstance(error, Stopped) else "interrupted"
        code = EXIT_CODES[state]
        resume = ""
        if keeps_status:
            resume = f"; go on with: leyden resume {run.path}"
        log.warning("%s%s", str(error) or "stopped at once", resume)
    except Exception as error:
        state, code = "failed", 2 if isinstance(error, UserError) else EXIT_CODES["failed"]
        details = {"error": hidden(f"{type(error).__name__}: {error}", secrets)}
        _explain(error, run, keeps_status)
    if keeps_status:
        stop.ignore()  # the exit code is decided
        details |= {"exit_code": code, "seconds": round(time.perf_counter() - begin, 1)}
        return code if _keep(run, state, details) else code or EXIT_CODES["failed"]
    return code


def _do(run: RunDirectory, verb: str, stop: StopRequest, **options: Any) -> None:
    with uncollected():
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
            report(worker.evaluate("test" if verb == "test" else "val", options["checkpoint"]), run)
        code = 0
    finally:
        worker.finish(code)


def report(results: dict[str, float], run: RunDirectory) -> None:
    for name, value in sorted(results.items()):
        log.info("%-16s %.4f", name, value)
    log.info("run              %s", run.path)


def _explain(error: Exception, run: RunDirectory, trains: bool) -> None:
    if _is_refusal(error):
        error = RunError(str(error))
    if isinstance(error, RunError | UserError):
        # A worker process wraps the message into its traceback; the message is what the user needs.
        log.error("%s", str(error).rsplit("DataError: ", 1)[-1].strip())
    elif not (run.path / "status.json").is_file():
        log.error("%s is gone: was it moved or removed while it was in use? Bring it back", run.path)
    elif (reason := disk_error(error)) and not trains:
        log.error("%s", reason)
    elif reason:
        saved = ", ".join(sorted(str(file) for file in run.path.glob("checkpoints/*.ckpt")))
        log.error("the run stopped: %s", reason)
        log.error("Nothing saved before is lost (%s).", saved)
        log.error("After fixing this, continue with: leyden resume %s", run.path)
    else:
        log.exception("the run failed; the whole log is in %s", run.path / "log.txt")


def _is_refusal(error: Exception) -> bool:
    """Whether Lightning, an optimizer or a schedule says what is wrong with its settings."""
    from lightning.pytorch.utilities.exceptions import MisconfigurationException

    *_, (innermost, _) = walk_tb(error.__traceback__)
    place, kinds = innermost.f_globals.get("__name__", ""), (ValueError, TypeError, RuntimeError)
    is_lightnings = place.startswith("lightning.") and isinstance(error, kinds)
    is_optimizers = place.startswith("torch.optim.") and isinstance(error, ValueError)
    return is_lightnings or is_optimizers or isinstance(error, MisconfigurationException)


def _keep(run: RunDirectory, state: State, details: dict[str, Any]) -> bool:
    """Of several processes, the first that is stopped or fails says why: the others end because of it.

    Returns:
        Whether the status holds what became of the run.
    """
    try:
        has_ended = run.status["state"] in ("preempted", "interrupted", "failed")
        if not has_ended and (IS_FIRST or state != "finished"):
            run.set_state(state, **details)
    except (OSError, UserError) as error:  # a full disk may refuse this too, and must not hide what happened
        log.error("the status could not be written: %s", error)
        return False
    return True


def _report_differences(run: RunDirectory, verb: str) -> None:
    """Says what is not as it was when the run was made."""
    if remark := frozen_code.remark(run.path):
        log.info("%s", remark)
    if IS_FIRST and (verb != "train" or run.has_checkpoint) and (found := differences(run.path, Path.cwd())):
        log.warning("%s", found)


def _open_log(run: RunDirectory, secrets: dict[str, str]) -> None:
    """Log lines and warnings go to the terminal and, with the time, to the run's log.txt."""
    handlers: list[logging.Handler] = [_Terminal()]
    handlers[0].setFormatter(DiscreetFormatter(secrets, "%(message)s"))
    if run.is_writable:
        handlers.append(LogFile(run.path / "log.txt"))
        form = "%(asctime)s %(levelname)-7s %(message)s", "%Y-%m-%d %H:%M:%S"
        handlers[-1].setFormatter(DiscreetFormatter(secrets, *form))
    logging.basicConfig(level=logging.WARNING, handlers=handlers, force=True)
    log.setLevel(logging.INFO if IS_FIRST else logging.ERROR)
    if not run.is_writable:
        log.warning("%s must not be written: no log, results or figures are kept", run.path)
    logging.captureWarnings(True)


class _Terminal(logging.StreamHandler):
    """Writes to standard error; on a terminal above a progress bar, which takes the place of `sys.stderr` while it draws."""

    def __init__(self) -> None:
        super().__init__(sys.stderr)
        self.is_terminal = sys.stderr.isatty()

    def emit(self, record: logging.LogRecord) -> None:
        if self.is_terminal:
            self.setStream(sys.stderr)
        super().emit(record)


def main() -> int:
    """`python -m <this module> RUN VERB`: what torchrun and SLURM start once for each device."""
    path = Path(sys.argv[1])
    try:
        if not path.is_dir():
            meet(path)  # where the other nodes have it, they hear why this one does not come
        run = RunDirectory(path)
        resolve(run.frozen_config)  # what it refers to and is not here is said before anything begins
        if CHILD in os.environ:
            stop_with_parent(run)
        # Started without its environment, as by hand or in a container, it still executes its own code.
        with frozen_code.imported_from(path) as module:
            own = module("run.execute")
            return code_for_torchrun(own.execute(own.RunDirectory(path), sys.argv[2]), run)
    except (RunError, UserError) as error:
        print(f"{platform.node()}: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
