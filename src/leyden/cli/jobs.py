"""`leyden status` and `leyden cancel`: runs and their SLURM jobs."""

import argparse
import sys
from pathlib import Path

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
    jobs: dict[str, list[Path]] = {}
    for run in [find(name)[1] for name in options.runs]:
        if not (job := run.status.get("job")):
            raise UserError(f"{run.path} has no SLURM job: stop it with Ctrl-C in its terminal")
        jobs.setdefault(job, []).append(run.path)
    for job, paths in jobs.items():
        _require_all(job, paths)
        slurm_queue.cancel(job)
        for path in paths:
            print(f"job {job} of {path} is cancelled; continue with: leyden resume {path}", file=sys.stderr)
    return 0


def _require_all(job: str, paths: list[Path]) -> None:
    """Refuse to cancel a job that also trains runs that were not named."""
    members = [RunDirectory(path) for path in map(Path, RunDirectory(paths[0]).status.get("job_runs", ()))]
    others = [
        str(run.path)
        for run in members
        if run.path not in paths and run.status["state"] in ("submitted", "running", "preempted")
    ]
    if others:
        raise UserError(f"job {job} also trains {' '.join(others)}: name all of its runs to cancel it")


def _describe(run: RunDirectory) -> str:
    status = run.status
    job = f"job {status['job']}: SLURM is not installed on this machine" if "job" in status else ""
    if job and slurm_queue.is_available():
        job = f"job {status['job']}: {slurm_queue.state(status['job']) or 'no longer known to SLURM'}"
    error = (status.get("error") or "").partition("\n")[0] if status["state"] == "failed" else ""
    state = f"killed; continue with: leyden resume {run.path}" if has_died(run) else status["state"]
    return "  ".join(filter(None, [str(run.path), state, status.get("changed"), job, error]))
