"""Carries out one verb on a frozen run directory, keeps its status and its log, and turns errors into exit codes.

What needs torch is imported late: signals are heard before.
"""

import logging
import os
import platform
import sys
import time
import warnings
from pathlib import Path
from traceback import walk_tb
from typing import Any

from .disk import LogFile, disk_error
from .errors import RunError, UserError
from .preflight import meet
from .rundir import RunDirectory, State
from .stop_request import Stop, Stopped, StopRequest
from .torchrun import code_for_torchrun, register
from .uncollected import uncollected

log = logging.getLogger(__package__)

IS_FIRST = os.environ.get("RANK", os.environ.get("SLURM_PROCID", "0")) == "0"  # of the processes of this run
STATES: dict[Stop, State] = {Stop.PREEMPTED: "preempted", Stop.INTERRUPTED: "interrupted"}
EXIT_CODES = {"finished": 0, "failed": 1, "preempted": 75, "interrupted": 130}  # 75: sysexits.h, 130: the shell's


def execute(run: RunDirectory, verb: str, **options: Any) -> int:
    """Does what `verb` says and returns the exit code; see `launch`."""
    keeps_status = verb == "train"
    stop = StopRequest(run.config["preemption"])
    if keeps_status:
        stop.listen()
        register()
    _open_log(run.path / "log.txt")
    state, code, details = "finished", 0, {}
    begin = time.perf_counter()
    try:
        if keeps_status and IS_FIRST:
            run.set_state("running", error=None, exit_code=None)
        if keeps_status:
            meet(run.path)
        _do(run, verb, stop, **options)
    except (Stopped, KeyboardInterrupt, SystemExit) as error:
        state = STATES[error.stop] if isinstance(error, Stopped) else "interrupted"
        code = EXIT_CODES[state]
        log.warning("%s; go on with: %s resume %s", str(error) or "stopped at once", __package__, run.path)
    except Exception as error:
        state, code = "failed", 2 if isinstance(error, UserError) else EXIT_CODES["failed"]
        details = {"error": f"{type(error).__name__}: {error}"}
        _explain(error, run)
    if keeps_status:
        stop.ignore()  # the exit code is decided
        _keep(run, state, {**details, "exit_code": code, "seconds": round(time.perf_counter() - begin, 1)})
    return code


def _do(run: RunDirectory, verb: str, stop: StopRequest, **options: Any) -> None:
    with uncollected():
        from .predict import predict
        from .worker import Worker

    for name in ("lightning.pytorch", "lightning.fabric"):  # as they are imported, they set up lines of their own
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).setLevel(logging.WARNING)
    worker = Worker(run, trains=verb == "train", stop=stop)
    code = 1
    try:
        if verb == "train":
            report(worker.fit(), run)
        elif verb == "predict":
            predict(worker, **options)
        else:
            report(worker.evaluate("test" if verb == "test" else "val", options["checkpoint"]), run)
        code = 0
    finally:
        worker.finish(code)


def report(results: dict[str, float], run: RunDirectory) -> None:
    for name, value in sorted(results.items()):
        log.info("%-16s %.4f", name, value)
    log.info("run              %s", run.path)


def _explain(error: Exception, run: RunDirectory) -> None:
    from hydra.errors import InstantiationException

    if isinstance(error, InstantiationException) and isinstance(error.__cause__, ValueError):
        error = RunError(str(error.__cause__))  # what a constructor refuses, as of sizes that the data tells
    if _is_refusal_of_lightning(error):
        error = RunError(str(error))
    if isinstance(error, RunError | UserError):
        # A worker process wraps the message into its traceback; the message is what the user needs.
        log.error("%s", str(error).rsplit("DataError: ", 1)[-1].strip())
    elif reason := disk_error(error):
        saved = ", ".join(sorted(str(file) for file in run.path.glob("checkpoints/*.ckpt")))
        log.error("the run stopped: %s", reason)
        log.error("Nothing saved before is lost (%s). When that is mended: %s resume %s", saved, __package__, run.path)
    else:
        log.exception("the run failed; the whole log is in %s", run.path / "log.txt")


def _is_refusal_of_lightning(error: Exception) -> bool:
    """Whether Lightning itself says what is wrong with settings, as with a validation that would never come."""
    from lightning.pytorch.utilities.exceptions import MisconfigurationException

    *_, innermost = walk_tb(error.__traceback__)
    place = innermost[0].f_globals.get("__name__", "")
    is_raised_there = place.startswith("lightning.") and isinstance(error, ValueError | TypeError | RuntimeError)
    return is_raised_there or isinstance(error, MisconfigurationException)


def _keep(run: RunDirectory, state: State, details: dict[str, Any]) -> None:
    """Of several processes, the first that is stopped or fails says why: the others end because of it."""
    try:
        has_ended = run.status["state"] in ("preempted", "interrupted", "failed")
        if not has_ended and (IS_FIRST or state != "finished"):
            run.set_state(state, **details)
    except OSError as error:  # a full disk may refuse this too, and must not hide what happened
        log.error("the status could not be written: %s", error)


def _open_log(path: Path) -> None:
    """Log lines and warnings go to the terminal and, with the time, to the run's log.txt."""
    terminal, file = _Terminal(), LogFile(path)
    file.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(message)s", "%Y-%m-%d %H:%M:%S"))
    logging.basicConfig(level=logging.WARNING, format="%(message)s", handlers=[terminal, file], force=True)
    log.setLevel(logging.INFO if IS_FIRST else logging.ERROR)
    logging.captureWarnings(True)
    # Whole batches from memory are faster without workers, whatever the number of cores.
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")
    # Ours gives every row.
    warnings.filterwarnings("ignore", message=".*using a custom batch sampler.*for prediction.*")
    # It is the data module that resumes in the middle of an epoch, not the loader.
    warnings.filterwarnings("ignore", message=".*your dataloader is not resumable.*")
    # The launcher decides how a run is started.
    warnings.filterwarnings("ignore", message=".*`srun` command is available.*")
    # They are of all devices as they are.
    warnings.filterwarnings(
        "ignore",
        message=r".*self\.log\('train/(\w+_per_second|flops_utilization|data_wait|padding)', .*sync_dist",
    )
    # The averaged weights are the checkpoint's.
    warnings.filterwarnings("ignore", message=".*WeightAveraging callback, but loading a checkpoint outside the 'fit'")
    # Lightning 2.6 calls what torch 2.14 deprecates.
    warnings.filterwarnings("ignore", message=".*LeafSpec.*is deprecated")


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
    except (RunError, UserError) as error:
        print(f"{platform.node()}: {error}", file=sys.stderr)
        return 2
    return code_for_torchrun(execute(run, sys.argv[2]), run)


if __name__ == "__main__":
    sys.exit(main())
