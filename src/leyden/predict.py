import csv
import json
from pathlib import Path
from typing import Any, Literal, TextIO

import torch

from .errors import UserError
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
    worker.data.rows["predict"] = rows
    path = worker.run.checkpoint(checkpoint)
    batches: Any = worker.trainer.predict(worker.model, worker.data, ckpt_path=path, weights_only=True)
    if not batches:
        raise UserError("nothing to predict")
    classes = worker.data.class_names
    columns = ["input", "prediction", "probability", *classes]
    if form == "csv":
        csv.writer(output).writerow(columns)
    for name, probabilities in zip(names, torch.cat(batches).tolist(), strict=True):
        best = max(range(len(classes)), key=probabilities.__getitem__)
        row = [name, classes[best], *(round(value, 6) for value in (probabilities[best], *probabilities))]
        if form == "csv":
            csv.writer(output).writerow(row)
        else:
            by_class = dict(zip(classes, row[3:], strict=True))
            known = dict(zip(columns[:3], row[:3], strict=True)) | {"probabilities": by_class}
            output.write(json.dumps(known, ensure_ascii=False) + "\n")
