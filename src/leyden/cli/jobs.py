"""`leyden status` and `leyden cancel`: runs and their SLURM jobs."""

import argparse
import sys

from ..errors import UserError
from ..launch import slurm_queue
from ..run.directory import RunDirectory
from ..run.lifetime import has_died
from .on_run import find


def status(options: argparse.Namespace) -> int:
    """Print a line per run; a run that is not found does not hide the others."""
    code = 0
    for name in options.runs:
        try:
            print(_describe(find(name)[1]))
        except UserError as error:
            code = 2
            print(error, file=sys.stderr)
    return code


def cancel(options: argparse.Namespace) -> int:
    """Cancel the jobs of runs."""
    for run in [find(name)[1] for name in options.runs]:
        if not (job := run.status.get("job")):
            raise UserError(f"{run.path} has no SLURM job: stop it with Ctrl-C in its terminal")
        slurm_queue.cancel(job)
        print(f"job {job} of {run.path} is cancelled; continue with: leyden resume {run.path}", file=sys.stderr)
    return 0


def _describe(run: RunDirectory) -> str:
    status = run.status
    job = f"job {status['job']}: SLURM is not installed on this machine" if "job" in status else ""
    if job and slurm_queue.is_available():
        job = f"job {status['job']}: {slurm_queue.state(status['job']) or 'no longer known to SLURM'}"
    error = (status.get("error") or "").partition("\n")[0] if status["state"] == "failed" else ""
    state = f"killed; continue with: leyden resume {run.path}" if has_died(run) else status["state"]
    return "  ".join(filter(None, [str(run.path), state, status.get("changed"), job, error]))
