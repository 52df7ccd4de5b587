"""Wrappers of SLURM's commands, whose error messages are passed on unchanged."""

import shutil
import subprocess
from pathlib import Path

from ..errors import UserError
from ..run.directory import RunDirectory

# A word in an error message of sbatch -> the setting to change.
REMEDIES = {
    "partition": "launcher.partition, to one of: {partitions}",
    "account": "launcher.account",
    "qos": "launcher.qos",
    "time": "launcher.time",
    "memory": "launcher.memory",
    "generic resource": "trainer.accelerator, trainer.devices",
    "node count": "trainer.num_nodes",
    "feature": "launcher.constraint",
    "configuration source": "the machine: this one is not part of a cluster",
}
ENDED = ("BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "TIMEOUT")


def submit(script: str, file: Path) -> str:
    """Submit a job script and return the job id.

    Args:
        script: The text of the script.
        file: The stored script, with references instead of private values, named in errors.

    Raises:
        UserError: sbatch is not installed or refuses the job.
    """
    done = _run("sbatch", "--parsable", text=script)
    if done.returncode == 0:
        return done.stdout.strip().partition(";")[0]  # id;cluster
    message = done.stderr.strip()
    remedies = [remedy for word, remedy in REMEDIES.items() if word in message.lower()]
    # A wrong account is reported as "account or account/partition combination".
    remedy = " or ".join(remedies) or "trainer.num_nodes, trainer.devices, or another setting of launcher=slurm"
    raise UserError(f"{message}\nCheck {remedy.format(partitions=_partitions())}; the script is {file}")


def is_available() -> bool:
    """Whether SLURM's commands are installed on this machine."""
    return shutil.which("squeue") is not None


def state(job: str) -> str:
    """Return SLURM's state of a job and, while it is queued or running, the reason or nodes; empty if unknown."""
    done = _run("squeue", "--noheader", "--states=all", f"--jobs={job}", "--format=%T %R")
    if done.returncode == 0 and done.stdout.strip():
        return done.stdout.strip().splitlines()[0]
    # Older jobs are only in the accounting database, if there is one.
    done = _run("sacct", "--noheader", "--allocations", f"--jobs={job}", "--format=State%30", "--parsable2")
    return done.stdout.strip().partition("\n")[0] if done.returncode == 0 else ""


def states() -> dict[str, str]:
    """Return SLURM's states of all queued and running jobs of this user by job id, such as `12` or `13_2`."""
    done = _run("squeue", "--noheader", "--array", "--me", "--format=%i %T")
    return dict(line.split(maxsplit=1) for line in done.stdout.splitlines()) if done.returncode == 0 else {}


def is_pending(run: RunDirectory) -> bool:
    """Whether a job of a run is queued or running."""
    job = run.status.get("job")
    return bool(job and is_available() and (current := state(job)) and not current.startswith(ENDED))


def require_ended(run: RunDirectory) -> None:
    """Check that no job of a run is queued or running.

    Raises:
        UserError: The job has not ended.
    """
    if is_pending(run):
        job = run.status["job"]
        raise UserError(f"job {job} of {run.path} has not ended; cancel it first: leyden cancel {run.path}")


def cancel(job: str) -> None:
    """Cancel a job.

    Raises:
        UserError: SLURM refuses, for example because the job has ended.
    """
    done = _run("scancel", "--verbose", "--", job)  # a job id in a damaged status.json is never read as an option
    if done.returncode or "error" in done.stderr:
        raise UserError(done.stderr.strip())


def _partitions() -> str:
    return ", ".join(sorted(set(_run("sinfo", "--noheader", "--format=%R").stdout.split()))) or "none"


def _run(*command: str, text: str = "") -> subprocess.CompletedProcess[str]:
    if not shutil.which(command[0]):
        raise UserError(
            f"{command[0]} is not installed on this machine: run this on a login node of the cluster, or train locally "
            "with launcher=local"
        )
    return subprocess.run(command, input=text, capture_output=True, encoding="utf-8", errors="replace")
