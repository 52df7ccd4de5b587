"""Carries out one verb on a frozen run directory, keeps its status and its log, and turns errors into exit codes."""

import errno
import logging
import platform
import sys
import time
import warnings
from pathlib import Path
from typing import Any

from hydra.errors import InstantiationException

from .callbacks import Interrupted
from .data import DataError
from .errors import UserError
from .predict import predict
from .preflight import meet
from .rundir import RunDirectory, State
from .worker import Worker

log = logging.getLogger(__package__)

INTERRUPTED = 130  # the shell's own code for Ctrl-C
DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EIO)


def execute(run: RunDirectory, verb: str, **options: Any) -> int:
    """Does what `verb` says and returns the exit code; see `launch`."""
    _open_log(run.path / "log.txt")
    keeps_status = verb == "train"
    state, code, details = "finished", 0, {}
    begin = time.perf_counter()
    try:
        if keeps_status:
            run.set_state("running")
            meet(run.path)
        _do(run, verb, **options)
    except (Interrupted, KeyboardInterrupt, SystemExit) as stop:
        state, code = "interrupted", INTERRUPTED
        log.warning("%s; go on with: %s resume %s", str(stop) or "stopped at once", __package__, run.path)
    except Exception as error:
        state, code = "failed", 2 if isinstance(error, UserError) else 1
        details = {"error": f"{type(error).__name__}: {error}"}
        _explain(error, run)
    if keeps_status:
        _keep(run, state, {**details, "seconds": round(time.perf_counter() - begin, 1)})
    return code


def _do(run: RunDirectory, verb: str, **options: Any) -> None:
    worker = Worker(run, trains=verb == "train")
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
    if isinstance(error, InstantiationException) and isinstance(error.__cause__, ValueError):
        error = DataError(str(error.__cause__))  # what a constructor refuses, as of sizes that the data tells
    if isinstance(error, DataError | UserError):
        # A worker process wraps the message into its traceback; the message is what the user needs.
        log.error("%s", str(error).rsplit("DataError: ", 1)[-1].strip())
    elif isinstance(error, OSError) and error.errno in DISK_ERRORS:
        saved = sorted(str(file) for file in run.path.glob("checkpoints/*.ckpt"))
        log.error("%s", error)
        log.error("Nothing saved before is lost: %s. Make room, then: %s resume %s", saved, __package__, run.path)
    else:
        log.exception("the run failed; the whole log is in %s", run.path / "log.txt")


def _keep(run: RunDirectory, state: State, details: dict[str, Any]) -> None:
    try:
        run.set_state(state, **details)
    except OSError as error:  # a full disk may refuse this too, and must not hide what happened
        log.error("the status could not be written: %s", error)


def _open_log(path: Path) -> None:
    """Log lines and warnings go to the terminal and, with the time, to the run's log.txt."""
    terminal, file = logging.StreamHandler(sys.stderr), logging.FileHandler(path)
    file.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(message)s", "%Y-%m-%d %H:%M:%S"))
    logging.basicConfig(level=logging.WARNING, format="%(message)s", handlers=[terminal, file], force=True)
    log.setLevel(logging.INFO)
    logging.captureWarnings(True)
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    # Whole batches from memory are faster without workers, whatever the number of cores.
    warnings.filterwarnings("ignore", message=".*does not have many workers.*")
    # Ours gives every row.
    warnings.filterwarnings("ignore", message=".*using a custom batch sampler.*for prediction.*")
    # It is the data module that resumes in the middle of an epoch, not the loader.
    warnings.filterwarnings("ignore", message=".*your dataloader is not resumable.*")
    # Lightning 2.6 calls what torch 2.14 deprecates.
    warnings.filterwarnings("ignore", message=".*LeafSpec.*is deprecated")


def main() -> int:
    """`python -m <this module> RUN VERB`: what torchrun and SLURM start once for each device."""
    try:
        run = RunDirectory(Path(sys.argv[1]))
    except UserError as error:
        print(f"{platform.node()}: {error}", file=sys.stderr)
        return 2
    return execute(run, sys.argv[2])


if __name__ == "__main__":
    sys.exit(main())
