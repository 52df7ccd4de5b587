"""Summary of a dataset: samples of each split, how each split was determined, and which files were ignored and why."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

EXAMPLES_PER_REASON = 3  # kept in data.json
MAX_REASONS_LOGGED = 6


class Ignored:
    """Ignored files, counted by reason, with examples."""

    def __init__(self) -> None:
        self.reasons: dict[str, tuple[int, list[str]]] = {}

    def add(self, reason: str, *paths: Path | str) -> None:
        if paths:
            count, examples = self.reasons.get(reason, (0, []))
            # Sort: the file system determines the order of listings.
            examples = sorted([*examples, *map(printable, paths[:EXAMPLES_PER_REASON])])[:EXAMPLES_PER_REASON]
            self.reasons[reason] = count + len(paths), examples

    def __bool__(self) -> bool:
        return bool(self.reasons)

    def text(self) -> str:
        """The most frequent reasons, each with an example."""
        ranked = sorted(self.reasons.items(), key=lambda item: (-item[1][0], item[0]))
        shown = [
            f"{count} {reason}: {Path(examples[0]).name}" for reason, (count, examples) in ranked[:MAX_REASONS_LOGGED]
        ]
        if rest := ranked[MAX_REASONS_LOGGED:]:
            shown.append(f"{sum(count for _, (count, _) in rest)} for {len(rest)} more reasons (see data.json)")
        return "; ".join(shown)


class Account:
    """Summary of a dataset before its samples are read.

    Args:
        where: the folder or file of the dataset.
        num_samples: number of samples of each split.
        how: how each split was determined.
        ignored: ignored files, by reason.
    """

    def __init__(
        self, where: Path | str, num_samples: dict[Any, int], how: dict[Any, str], ignored: Ignored | None = None
    ) -> None:
        self.where, self.num_samples, self.how = where, num_samples, how
        self.ignored, self.notes = ignored or Ignored(), list[str]()

    def hold_out(self, training: int, validation: int, how: str) -> None:
        """Record that some of the training samples form the validation split."""
        self.num_samples |= {"train": training, "validation": validation}
        self.how["validation"] = how

    def test_fold(self, training: int, test: int, how: str) -> None:
        """Record that some of the training samples are the test split, and an official test split is not used."""
        if "test" in self.num_samples:
            self.notes.append(f"the official test split is not used: {self.num_samples['test']} samples")
        self.num_samples |= {"train": training, "test": test}
        self.how["test"] = how

    def text(self) -> str:
        """One line for the samples, one for the ignored files and one per note."""
        order: Iterable[str] = ("train", "validation", "test")
        parts = [f"{split} {self._count(split)}{self._how(split)}" for split in order]
        lines = [f"data {printable(self.where)}: {', '.join(parts)}"]
        if self.ignored:
            lines.append(f"ignored: {self.ignored.text()}")
        return "\n".join(lines + self.notes)

    def _count(self, split: str) -> str:
        return str(self.num_samples.get(split, "" if split in self.how else 0))

    def _how(self, split: str) -> str:
        return f"{' ' * (split in self.num_samples)}({self.how[split]})" if split in self.how else ""

    def plain(self) -> dict[str, Any]:
        """JSON-serializable values."""
        ignored = {
            reason: {"count": count, "examples": examples} for reason, (count, examples) in self.ignored.reasons.items()
        }
        summary = {"where": printable(self.where), "samples": dict(self.num_samples), "found": dict(self.how)}
        return summary | {"ignored": ignored, "notes": list(self.notes)}


def held_out_for_test(fraction: float) -> str:
    """How a test split without official files was determined."""
    return f"held out: data.test_fraction={fraction:g}"


def printable(path: Path | str) -> str:
    """Path as text, with bytes that are not UTF-8 replaced by a question mark."""
    return str(path).encode(errors="surrogateescape").decode(errors="replace")
