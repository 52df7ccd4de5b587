"""What to know about the run that `latest` or an experiment's name stands for. Torch-free."""

from contextlib import suppress
from pathlib import Path

from ..errors import UserError
from .directory import RunDirectory
from .history import newest_finished
from .lifetime import has_died

STATES = {
    "failed": "which has failed",
    "killed": "whose process has died",
    "interrupted": "which was stopped before its end",
    "preempted": "which was stopped before its end",
    "pruned": "which its search has stopped",
    "running": "which is being trained",
    "created": "which has not started",
    "submitted": "which has not started",
}


def newest_remark(name: str, run: RunDirectory, root: Path) -> str:
    """Return a sentence if a run was not named by its path and is not finished, else an empty string.

    Args:
        name: What was given for the run.
        run: The run that was found.
        root: The project's folder.
    """
    with suppress(OSError):
        if (Path(name) / "status.json").is_file():
            return ""
    status = run.status
    state = "killed" if has_died(run) else status["state"]
    if state not in STATES:
        return ""
    error = (status.get("error") or "").partition("\n")[0] if state == "failed" else ""
    sentence = f"{name} is {run.path}, {STATES[state]}{f' ({error})' if error else ''}"
    with suppress(UserError):
        if finished := newest_finished(name, root):
            return f"{sentence}; the newest finished run is {finished}"
    return sentence
