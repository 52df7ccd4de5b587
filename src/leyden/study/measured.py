"""Which runs have a final value of a metric, and whether a low or a high one is better."""

from collections import Counter
from math import isfinite
from typing import Literal

from .records import Record


def measured(records: list[Record], metric: str) -> tuple[list[Record], str]:
    """Return the runs with a final value of a metric, and a note on the others, empty if there are none.

    Validation metrics of a run that has not finished are those of its best epoch so far, so they are left out; test
    metrics are final.
    """
    found = [record for record in records if _is_final(record, metric)]
    states = Counter(record.state for record in records if not _is_final(record, metric))
    text = ", ".join(f"{number} {state}" for state, number in states.items())
    sentence = f"excluded: {states.total()} of {len(records)} runs have no final {metric} ({text})"
    return found, sentence if states else ""


def _is_final(record: Record, metric: str) -> bool:
    value = record[metric]
    is_measured = isinstance(value, int | float) and isfinite(value)
    return is_measured and (record.state == "finished" or metric.startswith("test/"))


def direction(records: list[Record], metric: str) -> Literal["min", "max"] | None:
    """Return whether lower or higher values of a metric are better, if the runs selected checkpoints by it."""
    name = metric.rpartition("/")[2]
    modes = {record.mode for record in records if record.monitor.rpartition("/")[2] == name} - {""}
    if len(modes) == 1:
        return "min" if modes == {"min"} else "max"
    return "min" if name == "loss" and not modes else None
