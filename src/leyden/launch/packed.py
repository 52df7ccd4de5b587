"""Train several runs at once within one SLURM job, each with its share of the job's cores and GPUs. Torch-free."""

import os
import platform
import sys
from pathlib import Path

from ..errors import UserError
from ..run.directory import RunDirectory
from ..run.frozen_code import imported_from
from .launcher import PREEMPTED
from .local import Local


def train_packed(paths: list[Path]) -> int:
    """Train the runs of this job that have not ended; a requeued job resumes them from their last checkpoints.

    Returns:
        The highest exit code, but 75 if any run was preempted, so that the job is requeued.
    """
    runs = [run for run in map(RunDirectory, paths) if _is_due(run)]
    if not runs:
        return 0
    launcher = runs[0].config["launcher"]
    local = Local(launcher["devices"], accelerator=launcher["accelerator"], parallel=launcher["runs_per_job"])
    code = local.launch(runs, is_alone=False)
    return PREEMPTED if any(run.status["state"] == "preempted" for run in runs) else code


def _is_due(run: RunDirectory) -> bool:
    """Whether a run has neither ended nor been submitted again by another job."""
    status = run.status
    if status["state"] in ("finished", "failed", "pruned"):
        return False
    name, index = os.environ.get("SLURM_ARRAY_JOB_ID"), os.environ.get("SLURM_ARRAY_TASK_ID")
    job = f"{name}_{index}" if name else os.environ["SLURM_JOB_ID"]
    if status.get("job", job) == job:  # missing if this job started before its id was stored
        return True
    print(f"{run.path} is skipped: it belongs to job {status['job']}", file=sys.stderr)
    return False


def main() -> int:
    """Entry point `python -m <this module> RUN...` in a job step."""
    paths = [Path(word) for word in sys.argv[1:]]
    try:
        with imported_from(paths[0]) as module:
            return module("launch.packed").train_packed(paths)
    except UserError as error:
        print(f"{platform.node()}: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
