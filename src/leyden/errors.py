"""Exceptions that a user sees, and hints for their messages."""

from collections.abc import Iterable
from difflib import get_close_matches
from enum import IntEnum


class UserError(Exception):
    """A mistake in a command or configuration: shown without a traceback, exit code 2."""


class RunError(Exception):
    """A run failed for a reason that the message explains: shown without a traceback, exit code 1."""


class Stop(IntEnum):
    """Requests to stop a run, in order of urgency."""

    NO = 0
    PREEMPTED = 1
    INTERRUPTED = 2


class Stopped(Exception):  # noqa: N818
    """The run was stopped from outside after saving a checkpoint."""

    def __init__(self, stop: Stop, message: str) -> None:
        super().__init__(message)
        self.stop = stop


class Pruned(Exception):  # noqa: N818
    """The search that a run belongs to has stopped it, since others were better at the same point."""


def hint(name: str, names: Iterable[str], few: int = 40, cutoff: float = 0.6) -> str:
    """Format the end of an error message: the nearest valid name, or all valid names if there are at most `few`."""
    valid = sorted(set(names))
    if near := get_close_matches(name, valid, n=1, cutoff=cutoff):
        return f"; did you mean {near[0]!r}?"
    return f"; available: {', '.join(valid)}" if 0 < len(valid) <= few else ""
