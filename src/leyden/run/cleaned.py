"""Runs whose checkpoints `leyden clean` has removed."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UserError

if TYPE_CHECKING:
    from .directory import RunDirectory


def cleaned_remark(status: dict[str, Any]) -> str:
    """Return a sentence on the checkpoints that were removed; empty if none were."""
    if not (cleaned := status.get("cleaned")):
        return ""
    names = ", ".join(Path(name).stem for name in cleaned["files"])
    return f"leyden clean removed checkpoints of this run ({names}) on {cleaned['time']}"


def require_checkpoint(run: "RunDirectory") -> None:
    """Refuse to resume a run whose checkpoints were removed: it would start again and overwrite its metrics.

    Raises:
        UserError: It has no checkpoint to resume from, since they were removed.
    """
    if not run.has_checkpoint and (remark := cleaned_remark(run.status)):
        command = (run.path / "command.txt").read_text(encoding="utf-8").partition("\n")[0]
        raise UserError(f"{remark}: it cannot be resumed; train it again as a new run: {command}")
