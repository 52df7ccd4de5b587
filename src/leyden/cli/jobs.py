"""`leyden status` and `leyden cancel`: runs and their SLURM jobs."""

import argparse
import sys
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..launch import slurm_queue
from ..run.directory import RunDirectory
from ..run.lifetime import has_died
from .on_run import find


def status(options: argparse.Namespace) -> int:
    """Print a line per run; a run that is not found does not hide the others."""
    runs: list[dict[str, Any]] = []
    for name in options.runs:
        try:
            fields = _fields(find(name)[1])
            runs.append(fields)
            print("  ".join(map(str, filter(None, _line(fields)))))
        except UserError as error:
            runs.append({"path": name, "error": str(error)})
            print(error, file=sys.stderr)
    options.result = {"runs": runs}
    return 2 if any("state" not in run for run in runs) else 0


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
    options.result = {"cancelled": jobs}
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
        raise UserError(f"job {job} also trains {' '.join(others)}: to cancel it, name all of its runs")


def _fields(run: RunDirectory) -> dict[str, Any]:
    """Return the status of a run as it is now, with SLURM's state of its job as `job_state`."""
    status = run.status
    job_state = None
    if job := status.get("job"):
        job_state = "SLURM is not installed on this machine"
        if slurm_queue.is_available():
            job_state = slurm_queue.state(job) or "no longer known to SLURM"
    state = "killed" if has_died(run) else status["state"]
    return {"path": run.path, **status, "state": state, "job_state": job_state}


def _line(fields: dict[str, Any]) -> list[Any]:
    state = fields["state"]
    if state == "killed":
        state += f"; continue with: leyden resume {fields['path']}"
    job = f"job {fields['job']}: {fields['job_state']}" if fields["job_state"] else ""
    error = (fields.get("error") or "").partition("\n")[0] if state == "failed" else ""
    return [fields["path"], state, fields.get("changed"), job, error]
