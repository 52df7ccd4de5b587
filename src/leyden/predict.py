import csv
import json
from pathlib import Path
from typing import Literal, TextIO

from .worker import Worker


def predict(worker: Worker, inputs: list[Path], checkpoint: str, output: TextIO, form: Literal["csv", "jsonl"]) -> None:
    """Writes a row for each of the user's files: its name, the class, its probability and those of all classes.

    Args:
        worker: of a trained run.
        inputs: files or folders.
        checkpoint: `best`, `last` or a path.
        output: where to write.
        form: of the rows.

    Raises:
        DataError: a file is missing or cannot be read.
    """
    rows, names = worker.data.read(inputs)
    probabilities = worker.predict(rows, checkpoint).tolist()
    classes = worker.data.class_names
    columns = ["input", "prediction", "probability", *classes]
    if form == "csv":
        csv.writer(output).writerow(columns)
    for name, known in zip(names, probabilities, strict=True):
        best = max(range(len(classes)), key=known.__getitem__)
        row = [name, classes[best], *(round(value, 6) for value in (known[best], *known))]
        if form == "csv":
            csv.writer(output).writerow(row)
        else:
            by_class = dict(zip(classes, row[3:], strict=True))
            named = dict(zip(columns[:3], row[:3], strict=True)) | {"probabilities": by_class}
            output.write(json.dumps(named, ensure_ascii=False) + "\n")
