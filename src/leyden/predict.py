import csv
import json
from pathlib import Path
from typing import Any, Literal, TextIO

from PIL.Image import Image

from .worker import Worker


def predict(worker: Worker, inputs: list[Path], checkpoint: str, output: TextIO, form: Literal["csv", "jsonl"]) -> None:
    """Writes what the model says of each of the user's files: a line for each record that the data module makes of it.

    Records hold plain values and, one level down, dicts of them, which become columns of their own in CSV; lists, such
    as words with their times, are JSON there. Pictures, such as masks, are saved in the run's `predictions/`, and their paths are written. A file of which the model says
    nothing has a line with its name alone.

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
    predictions = worker.predict(rows, checkpoint)
    lines: list[dict[str, Any]] = []
    for number, (name, prediction) in enumerate(zip(names, predictions, strict=True)):
        place = worker.run.path / "predictions" / f"{number:05d}-{Path(name).stem}"
        records = worker.data.records(rows, number, prediction) or [{}]
        lines += [{"input": name} | {key: _saved(value, place) for key, value in one.items()} for one in records]
    if form == "csv":
        flat = [_flat(line) for line in lines]
        writer = csv.DictWriter(output, list(dict.fromkeys(key for line in flat for key in line)))
        writer.writeheader()
        writer.writerows(flat)
    else:
        output.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


def _saved(value: Any, place: Path) -> Any:
    """A picture's path, once it is there; any other value as it is."""
    if not isinstance(value, Image):
        return value
    place.parent.mkdir(exist_ok=True)
    path = place.with_name(f"{place.name}.png")
    value.save(path)
    return str(path)


def _flat(line: dict[str, Any]) -> dict[str, Any]:
    return {
        name: json.dumps(one, ensure_ascii=False) if isinstance(one, list) else one
        for key, value in line.items()
        for name, one in (value.items() if isinstance(value, dict) else [(key, value)])
    }
