"""Which runs have a final value of a metric."""

from collections import Counter
from math import isfinite

from .records import Record


def measured(records: list[Record], metric: str) -> tuple[list[Record], str]:
    """Return the runs with a final value of a metric, and a note on the others, empty if there are none.

    Validation metrics of a run that has not finished are those of its best epoch so far, so they are left out; test
    metrics are final.
    """
    found = [
        record
        for record in records
        if isinstance(value := record[metric], int | float)
        and isfinite(value)
        and (record.state == "finished" or metric.startswith("test/"))
    ]
    states = Counter(record.state for record in records if record not in found)
    text = ", ".join(f"{number} {state}" for state, number in states.items())
    sentence = f"excluded: {states.total()} of {len(records)} runs have no final {metric} ({text})"
    return found, sentence if states else ""
