"""What became of a dataset's samples and files: which split has how many and how it was found, what was ignored and why."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

EXAMPLES = 3  # that are kept of each reason
SHOWN = 6  # reasons in the line that is logged


class Ignored:
    """Counts of what is left out by reason, with examples."""

    def __init__(self) -> None:
        self.reasons: dict[str, tuple[int, list[str]]] = {}

    def add(self, reason: str, *paths: Path | str) -> None:
        if paths:
            count, examples = self.reasons.get(reason, (0, []))
            # What is listed comes in an order that file systems choose.
            examples = sorted([*examples, *map(printable, paths[:EXAMPLES])])[:EXAMPLES]
            self.reasons[reason] = count + len(paths), examples

    def __bool__(self) -> bool:
        return bool(self.reasons)

    def text(self) -> str:
        """The most frequent reasons, each with an example."""
        ranked = sorted(self.reasons.items(), key=lambda item: (-item[1][0], item[0]))
        shown = [f"{count} {reason}: {Path(examples[0]).name}" for reason, (count, examples) in ranked[:SHOWN]]
        if rest := ranked[SHOWN:]:
            shown.append(f"{sum(count for _, (count, _) in rest)} for {len(rest)} more reasons (see data.json)")
        return "; ".join(shown)


class Account:
    """What is known of a dataset before its samples are read.

    Args:
        where: the folder or the files.
        taken: the number of samples of each split.
        found: how each split was found.
        ignored: what was left out.
    """

    def __init__(
        self, where: Path | str, taken: dict[Any, int], found: dict[Any, str], ignored: Ignored | None = None
    ) -> None:
        self.where, self.taken, self.found = where, taken, found
        self.ignored, self.notes = ignored or Ignored(), list[str]()

    def hold_out(self, training: int, validation: int, how: str) -> None:
        """Notes that a part of the training samples became the validation split."""
        self.taken |= {"train": training, "validation": validation}
        self.found["validation"] = how

    def text(self) -> str:
        """One line on the samples, one on what was ignored, one for each note."""
        order: Iterable[str] = ("train", "validation", "test")
        parts = [f"{split} {self._count(split)}{self._how(split)}" for split in order]
        lines = [f"data {printable(self.where)}: {', '.join(parts)}"]
        if self.ignored:
            lines.append(f"ignored: {self.ignored.text()}")
        return "\n".join(lines + self.notes)

    def _count(self, split: str) -> str:
        return str(self.taken.get(split, "" if split in self.found else 0))

    def _how(self, split: str) -> str:
        return f"{' ' * (split in self.taken)}({self.found[split]})" if split in self.found else ""

    def plain(self) -> dict[str, Any]:
        """Plain values, for a file."""
        ignored = {
            reason: {"count": count, "examples": examples} for reason, (count, examples) in self.ignored.reasons.items()
        }
        known = {"where": printable(self.where), "samples": dict(self.taken), "found": dict(self.found)}
        return known | {"ignored": ignored, "notes": list(self.notes)}


def held_out_for_test(fraction: float) -> str:
    """How a test split was found that is not official."""
    return f"held out: data.test_fraction={fraction:g}"


def printable(path: Path | str) -> str:
    """A file's name with question marks in the place of bytes that are not UTF-8."""
    return str(path).encode(errors="surrogateescape").decode(errors="replace")
