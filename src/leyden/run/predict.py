import csv
import io
import json
import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Literal
from urllib.parse import quote_from_bytes

from PIL.Image import Image

from ..io import write_atomically
from .directory import RunDirectory
from .worker import Worker


def predict(
    worker: Worker,
    inputs: list[Path],
    checkpoint: str,
    output: Path | None,
    form: Literal["csv", "jsonl"],
    stdout: BinaryIO | None = None,
) -> None:
    """Writes what the model says of each of the user's files: a line for each record that the data module makes of it.

    Records hold plain values and, one level down, dicts of them, which become columns of their own in CSV; lists, such
    as words with their times, are JSON there. PredictionPlots, such as masks, are saved in the run's `predictions/` (of a run that
    is only read, in that of the output's folder), and their paths are written. A file of which the model says nothing
    has a line with its name alone. All is UTF-8; a path that is not stands as a `file:` URI, whose %-escapes are its
    bytes.

    Args:
        worker: of a trained run.
        inputs: files or folders.
        checkpoint: `best`, `last` or a path.
        output: file to write, which keeps what it had until all is predicted; None for standard output.
        form: of the rows.
        stdout: standard output; None for the one that Python knows.

    Raises:
        UserError: a file is missing or of another kind.
        DataError: a file cannot be read.
    """
    lines: list[dict[str, Any]] = []
    for number, made in enumerate(records(worker, inputs, checkpoint)):
        place = _folder(worker.run, output) / f"{number:05d}-{Path(made[0]['input']).stem}"
        lines += [
            {"input": utf8_path(one["input"])} | {key: _saved(one[key], place) for key in one if key != "input"}
            for one in made
        ]
    text = _csv(lines) if form == "csv" else "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in lines)
    _write(text, output, stdout)


def _write(text: str, output: Path | None, stdout: BinaryIO | None) -> None:
    if output is None:
        with suppress(BrokenPipeError):  # `| head` has read enough
            stream = stdout or sys.stdout.buffer
            stream.write(text.encode(errors="backslashreplace"))
            stream.flush()
    elif output.is_file() or not output.exists():
        write_atomically(output, text)
    else:  # a pipe or a device
        output.write_bytes(text.encode(errors="backslashreplace"))


def records(worker: Worker, inputs: list[Path], checkpoint: str) -> Iterator[list[dict[str, Any]]]:
    """Of each row that the data module reads in user files, what the model says: one record, several or, of no finding,
    one with the name of the input alone."""
    rows, names = worker.data.read(inputs)
    predictions = worker.predict(rows, checkpoint)
    for number, (name, prediction) in enumerate(zip(names, predictions, strict=True)):
        yield [{"input": name} | one for one in worker.data.records(rows, number, prediction) or [{}]]


def _folder(run: RunDirectory, output: Path | None) -> Path:
    """Where plots are saved: in the run or, where it is only read, beside the table."""
    return run.path / "predictions" if run.is_writable else (output.parent if output else Path.cwd()) / "predictions"


def utf8_path(path: str) -> str:
    """A path as it is or, where it is no UTF-8, as a `file:` URI: `urllib.parse.unquote_to_bytes` gives its bytes."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return f"file:{'//' if path.startswith('/') else ''}{quote_from_bytes(os.fsencode(path), safe='/:')}"
    return path


def _csv(records: list[dict[str, Any]]) -> str:
    flat = [_flat(one) for one in records]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(dict.fromkeys(key for one in flat for key in one)))
    writer.writeheader()
    writer.writerows(flat)
    return text.getvalue()


def _saved(value: Any, place: Path) -> Any:
    """A plot's path, once it is there; any other value as it is."""
    if not isinstance(value, Image):
        return value
    place.parent.mkdir(exist_ok=True)
    path = place.with_name(f"{place.name}.png")
    value.save(path)
    return utf8_path(str(path))


def _flat(line: dict[str, Any]) -> dict[str, Any]:
    return {
        name: json.dumps(one, ensure_ascii=False) if isinstance(one, list) else one
        for key, value in line.items()
        for name, one in (value.items() if isinstance(value, dict) else [(key, value)])
    }
