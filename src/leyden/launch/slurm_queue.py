"""SLURM's own commands: what they say is handed on in their words."""

import shutil
import subprocess
from pathlib import Path

from ..errors import UserError
from ..run.directory import RunDirectory

# A word of sbatch's complaint -> what to change.
REMEDIES = {
    "partition": "launcher.partition, to one of: {partitions}",
    "account": "launcher.account",
    "qos": "launcher.qos",
    "time": "launcher.time",
    "memory": "launcher.memory",
    "generic resource": "trainer.accelerator, trainer.devices",
    "node count": "trainer.num_nodes",
    "feature": "launcher.constraint",
    "configuration source": "the machine: this one belongs to no cluster",
}
ENDED = ("BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "TIMEOUT")


def submit(script: str, file: Path) -> str:
    """Submits a job script and returns the job's number.

    Args:
        script: its text.
        file: where it is kept for whoever reads it, with references in the place of values.

    Raises:
        UserError: there is no sbatch, or it refuses the job.
    """
    done = _run("sbatch", "--parsable", text=script)
    if done.returncode == 0:
        return done.stdout.strip().partition(";")[0]  # number;cluster
    words = done.stderr.strip()
    remedies = [remedy for word, remedy in REMEDIES.items() if word in words.lower()]
    # A wrong account is reported as "account or account/partition combination".
    remedy = " or ".join(remedies) or "trainer.num_nodes, trainer.devices, or another setting of launcher=slurm"
    raise UserError(f"{words}\nTo change: {remedy.format(partitions=_partitions())}; the script is {file}")


def is_here() -> bool:
    """Whether this machine can ask SLURM."""
    return shutil.which("squeue") is not None


def state(job: str) -> str:
    """SLURM's word for a job's state and, while it waits or runs, why or where; empty if it is forgotten."""
    done = _run("squeue", "--noheader", "--states=all", f"--jobs={job}", "--format=%T %R")
    if done.returncode == 0 and done.stdout.strip():
        return done.stdout.strip().splitlines()[0]
    # Older jobs are known to the accounting, where there is one.
    done = _run("sacct", "--noheader", "--allocations", f"--jobs={job}", "--format=State%30", "--parsable2")
    return done.stdout.strip().partition("\n")[0] if done.returncode == 0 else ""


def require_ended(run: RunDirectory) -> None:
    """
    Raises:
        UserError: a job trains this run, or is going to.
    """
    job = run.status.get("job")
    if job and is_here() and (found := state(job)) and not found.startswith(ENDED):
        first = f"leyden cancel {run.path}"
        raise UserError(f"job {job} of {run.path} has not ended; first: {first}")


def cancel(job: str) -> None:
    """
    Raises:
        UserError: SLURM refuses, as for a job that has ended.
    """
    done = _run("scancel", "--verbose", "--", job)  # no job is an option, whatever a status.json says
    if done.returncode or "error" in done.stderr:
        raise UserError(done.stderr.strip())


def _partitions() -> str:
    return ", ".join(sorted(set(_run("sinfo", "--noheader", "--format=%R").stdout.split()))) or "none"


def _run(*command: str, text: str = "") -> subprocess.CompletedProcess[str]:
    if not shutil.which(command[0]):
        raise UserError(
            f"there is no {command[0]} on this machine: type this on a login node of the cluster, or train here with "
            "launcher=local"
        )
    return subprocess.run(command, input=text, capture_output=True, encoding="utf-8", errors="replace")
