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
    """Write predictions for user files, one row per record that the data module returns for a file.

    Records contain plain values and dicts of them; in CSV, dicts become columns and lists become JSON. Images, such as
    masks, are saved in `predictions/` of the run, or of the output's folder if the run is read-only, and their paths
    are written. A file without predictions has a row with its name only. The encoding is UTF-8; paths that are not
    valid UTF-8 are written as percent-encoded `file:` URIs.

    Args:
        worker: The worker of a trained run.
        inputs: Files or folders.
        checkpoint: `best`, `last` or a path.
        output: File to write, replaced once all predictions are made; None for standard output.
        form: Format of the output.
        stdout: Binary standard output; None for that of `sys`.

    Raises:
        UserError: A file is missing or of another type than the training data.
        DataError: A file cannot be read.
    """
    rows: list[dict[str, Any]] = []
    for index, file_records in enumerate(records(worker, inputs, checkpoint)):
        stem = _folder(worker.run, output) / f"{index:05d}-{Path(file_records[0]['input']).stem}"
        rows += [
            {"input": utf8_path(record["input"])} | {key: _saved(record[key], stem) for key in record if key != "input"}
            for record in file_records
        ]
    text = _csv(rows) if form == "csv" else "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    _write(text, output, stdout)


def _write(text: str, output: Path | None, stdout: BinaryIO | None) -> None:
    if output is None:
        with suppress(BrokenPipeError):  # the reader, such as `head`, has exited
            stream = stdout or sys.stdout.buffer
            stream.write(text.encode(errors="backslashreplace"))
            stream.flush()
    elif output.is_file() or not output.exists():
        write_atomically(output, text)
    else:  # a pipe or a device
        output.write_bytes(text.encode(errors="backslashreplace"))


def records(worker: Worker, inputs: list[Path], checkpoint: str) -> Iterator[list[dict[str, Any]]]:
    """Yield the prediction records of each sample in user files; without predictions, one record with the input name."""
    samples, names = worker.data.read(inputs)
    predictions = worker.predict(samples, checkpoint)
    for index, (name, prediction) in enumerate(zip(names, predictions, strict=True)):
        yield [{"input": name} | record for record in worker.data.records(samples, index, prediction) or [{}]]


def _folder(run: RunDirectory, output: Path | None) -> Path:
    """Return the folder for plots: in the run, or beside the output if the run is read-only."""
    return run.path / "predictions" if run.is_writable else (output.parent if output else Path.cwd()) / "predictions"


def utf8_path(path: str) -> str:
    """Return a path, or its `file:` URI if it is not valid UTF-8; `urllib.parse.unquote_to_bytes` decodes it."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return f"file:{'//' if path.startswith('/') else ''}{quote_from_bytes(os.fsencode(path), safe='/:')}"
    return path


def _csv(records: list[dict[str, Any]]) -> str:
    rows = [_flat(record) for record in records]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(dict.fromkeys(key for row in rows for key in row)))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _saved(value: Any, stem: Path) -> Any:
    """Save an image and return its path; return any other value unchanged."""
    if not isinstance(value, Image):
        return value
    stem.parent.mkdir(exist_ok=True)
    path = stem.with_name(f"{stem.name}.png")
    value.save(path)
    return utf8_path(str(path))


def _flat(record: dict[str, Any]) -> dict[str, Any]:
    return {
        name: json.dumps(item, ensure_ascii=False) if isinstance(item, list) else item
        for key, value in record.items()
        for name, item in (value.items() if isinstance(value, dict) else [(key, value)])
    }
