"""The errors that a user sees, and what they are made of."""

from collections.abc import Iterable
from difflib import get_close_matches
from enum import IntEnum


class UserError(Exception):
    """A mistake in what the user typed: shown without a traceback, exit code 2."""


class RunError(Exception):
    """A run that cannot go on, for a reason that the message explains: shown without a traceback, exit code 1."""


class Stop(IntEnum):
    """What is asked of a run; the higher is the more urgent."""

    NO = 0
    PREEMPTED = 1
    INTERRUPTED = 2


class Stopped(Exception):  # noqa: N818
    """The run was stopped from outside, and nothing is lost."""

    def __init__(self, stop: Stop, message: str) -> None:
        super().__init__(message)
        self.stop = stop


def hint(name: str, names: Iterable[str], few: int = 40, cutoff: float = 0.6) -> str:
    """The end of a sentence: the nearest of these names, or all of them where they are few; 0: the nearest or nothing."""
    known = sorted(set(names))
    if near := get_close_matches(name, known, n=1, cutoff=cutoff):
        return f"; did you mean {near[0]!r}?"
    return f"; there are {', '.join(known)}" if 0 < len(known) <= few else ""
