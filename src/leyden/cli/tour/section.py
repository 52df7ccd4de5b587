"""The content of a tour, for the terminal and the page. Imports no torch."""

from dataclasses import dataclass, field
from textwrap import shorten
from typing import Any


@dataclass
class Table:
    """Rows of texts; the last `numbers` columns are aligned to the right. Optionally, each row has a bar with a length from
    0 to 1, and there is a row of totals.
    """

    header: list[str]
    rows: list[list[str]]
    numbers: int = 0
    bars: list[float] = field(default_factory=list)
    total: list[str] = field(default_factory=list)


Token = tuple[str, bool]  # as text, and whether the transform replaced it


@dataclass
class Section:
    """A title, a sentence that explains the content, and optionally named lines, tokenized texts with their targets, a PNG as
    base64, a table and notes.
    """

    title: str
    sentence: str
    lines: dict[str, str] = field(default_factory=dict)
    table: Table | None = None
    notes: list[str] = field(default_factory=list)
    texts: list[tuple[str, list[Token]]] = field(default_factory=list)
    figure: str = ""


def visible(token: str) -> str:
    """Return a token with visible white space."""
    return token.replace(" ", "␣").replace("\n", "⏎").replace("\t", "⇥")


def described(instance: Any) -> str:
    """Return the name of a class with the first paragraph of its docstring."""
    first = " ".join((vars(type(instance)).get("__doc__") or "").strip().partition("\n\n")[0].split())
    return f"{type(instance).__name__}: {shorten(first, 160, placeholder=' ...')}" if first else type(instance).__name__


def byte_text(number: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if number < 1000:
            return f"{number:.{int(unit != 'bytes')}f} {unit}"
        number /= 1000
    return f"{number:.1f} GB"
