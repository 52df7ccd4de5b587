"""The samples with the largest loss as a table: index, file, what the data module describes, loss."""

import os
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

LONGEST = 300  # characters of a cell


def worst_table(
    data: Any, stage: str, examples: Sequence[Any], loader: Any, num_seen: int, error: str
) -> list[list[Any]]:
    """Return a header and a row for each sample.

    Args:
        data: The data module.
        stage: `validation` or `test`.
        examples: See `Example`.
        loader: The loader of the evaluation.
        num_seen: How many samples this process has evaluated. If files were skipped or batches left out, these are not
            those of the loader, so that neither index nor file is known.
        error: Name of what the examples are sorted by.
    """
    order = list(chain.from_iterable(loader.batch_sampler))
    rows = []
    for example in examples:
        row: dict[str, Any] = {}
        source = None
        if len(order) == num_seen:
            row["sample"] = index = order[-example.order]
            source = data.source_of(stage, index)
        if isinstance(source, Path):
            row["file"] = _relative(source, getattr(data, "root", None))
        row |= data.describe_prediction(example.inputs, example.target, example.prediction)
        if isinstance(source, str):  # a decoded text lacks words that the tokenizer does not know
            row["text"] = source
        rows.append(row | {error: round(example.priority, 6)})
    names = list(dict.fromkeys(name for row in rows for name in row))
    return [names, *([_short(row.get(name, "")) for name in names] for row in rows)]


def _relative(file: Path, root: Any) -> str:
    """Return a path below the folder of the data, or else its last part; what is not UTF-8 is escaped."""
    folder = Path(root or "").expanduser()
    path = file.relative_to(folder) if root and file.is_relative_to(folder) else Path("...", file.name)
    return os.fsencode(path).decode(errors="backslashreplace")


def _short(value: Any) -> Any:
    return f"{value[:LONGEST]}…" if isinstance(value, str) and len(value) > LONGEST else value
