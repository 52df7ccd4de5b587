"""Jobs of a search, which share its trials until the search ends."""

import json
import shlex
import sys
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..io import write_atomically
from .slurm import SCRIPT, Slurm
from .slurm_queue import ENDED, state, submit

WORKER = "leyden.study.sweep.job"
NUM_JOBS = 4
JOB = "job.json"  # in the study: the id of its array of jobs


def submit_workers(study: Any, launcher: Slurm, trials: int | None, live: bool) -> None:
    """Submit an array of jobs, each requeued when it is preempted, and return without waiting.

    Args:
        study: The study, with `path`, `config` and `frozen_config`.
        launcher: Its launcher.
        trials: Number of trials that are missing, if known.
        live: Whether to use the working tree instead of the study's copy of the code.

    Raises:
        UserError: SLURM refuses the jobs, or those of an earlier command have not ended.
    """
    folder: Path = study.path
    if launcher.nodes > 1:
        raise UserError(f"a search trains each trial on one node: set trainer.num_nodes=1, got {launcher.nodes}")
    job = json.loads((folder / JOB).read_text(encoding="utf-8"))["job"] if (folder / JOB).exists() else ""
    if job and (current := state(job)) and not current.startswith(ENDED):
        raise UserError(f"job {job} of {folder} has not ended; cancel it first: scancel {job}")
    number = launcher.max_jobs or NUM_JOBS
    if trials is not None:
        number = max(1, min(number, -(-trials // launcher.runs_per_job)))
    script = [_script(one, folder, number, live) for one in (launcher.with_references(study), launcher)]
    (folder / SCRIPT).write_text(script[0], encoding="utf-8")
    job = submit(script[1], folder / SCRIPT)
    write_atomically(folder / JOB, json.dumps({"job": job, "number": number}))
    print(f"jobs             {number} in the array {job}: squeue --jobs={job}, scancel {job}", file=sys.stderr)
    print(f"results          leyden sweep --resume {shlex.quote(str(folder))}", file=sys.stderr)


def _script(launcher: Slurm, folder: Path, number: int, live: bool) -> str:
    return launcher.script(folder, number, f"run={shlex.quote(str(folder))}", f'{WORKER} "$run"', True, live)
