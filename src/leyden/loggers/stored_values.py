"""Send each value of metrics.csv once to a backend that can be read back. Torch-free."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any


class StoredValues:
    """The values that a backend has, by metric and step; several of one metric and step are told apart by their order.

    A run that was killed repeats the steps after its last checkpoint, some of which the backend already has; others
    were in a buffer and are lost. Backends cannot delete values, so those that they have are not sent again.

    Args:
        stored: Name and step of each value that the backend has.
    """

    def __init__(self, stored: Iterable[tuple[str, int]] = ()) -> None:
        self.stored = Counter(stored)
        self.seen: Counter[tuple[str, int]] = Counter()

    def missing(self, values: Mapping[str, Any], step: int) -> dict[str, Any]:
        """Return the values that the backend does not have. Must be called once for each row, from the first one.

        The epoch, which each row repeats, is sent once for a step.
        """
        values = {name: value for name, value in values.items() if name != "epoch" or not self.seen[name, step]}
        self.seen.update((name, step) for name in values)
        return {name: value for name, value in values.items() if self.seen[name, step] > self.stored[name, step]}


def numbers(row: Mapping[str, str]) -> tuple[dict[str, float], int]:
    """Return the metrics and the step of a row that was read from metrics.csv."""
    return {name: float(text) for name, text in row.items() if text and name != "step"}, int(row["step"])


def flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return settings by the dotted names under which they are typed, such as `model.optimizer.lr`."""
    result: dict[str, Any] = {}
    for name, value in settings.items():
        is_nested = isinstance(value, Mapping) and value
        result |= flat(value, f"{prefix}{name}.") if is_nested else {f"{prefix}{name}": value}
    return result
