"""Figures and files of the run's predictions: random samples, worst samples, confusion matrices, texts."""

from collections.abc import Iterator
from contextlib import suppress
from itertools import takewhile
from pathlib import Path

from .confusion import confusion
from .elements import Html, details, element, join, picture, section, table
from .run_files import MOST_BYTES, RunFiles, csv_rows

SPLITS = {"test": "test", "val": "validation"}
KINDS = {
    "predictions": (
        "Predictions",
        "random {split} samples with target and prediction; errors in red",
    ),
    "worst": ("Worst examples", "the {split} samples with the largest loss, worst first"),
    "worst_samples": (
        "Table of the worst examples",
        "the {split} samples with the largest loss or error; click a column name to sort",
    ),
}
CURVES = "curves"  # drawn by the page itself
LONG = 30  # characters of a cell, from which it is wrapped
TEXT_LIMIT = 20_000  # characters


def predictions(run: RunFiles) -> Html:
    """Return the section."""
    parts = list(_parts(run))
    if not parts:
        text = "This run has no figures: they are drawn when a checkpoint is evaluated, by callbacks.plots."
        return section("Predictions", element("p", text))
    return section("Predictions", *parts)


def _parts(run: RunFiles) -> Iterator[Html]:
    files = list(run.plots())
    others = {(folder, stem) for folder, stem, file in files if file.suffix in (".csv", ".txt")}
    checkpoints = {folder for folder, stem, _ in files if stem != CURVES}
    for folder, stem, file in files:
        split, _, name = stem.partition("_")
        title, alt = KINDS.get(name, ("", ""))
        split_name = SPLITS.get(split, "")
        title = title or (name if split_name else stem).replace("_", " ").capitalize()
        alt = alt.format(split=split_name) or f"figure of the task, {split_name or 'unknown'} split"
        where = ", ".join(filter(None, [split_name and f"{split_name} split", folder and f"checkpoint {folder}"]))
        full = (
            f"{title} ({where})" if where and (len(checkpoints) > 1 or folder != "best" or split != "test") else title
        )
        if stem == CURVES or (file.suffix == ".png" and (folder, stem) in others):
            continue
        content = _content(file, name, full, alt)
        is_first = folder in ("best", "") or len(checkpoints) == 1
        yield join([element("h3", full), content]) if is_first else details(full, content)


def _table(rows: list[list[str]], caption: str | None) -> Html:
    """Return a table to sort, whose last columns are numbers."""
    widest = max(map(len, rows))
    head, *body = [row + [""] * (widest - len(row)) for row in rows]
    columns = [*zip(*body, strict=True)]
    numbers = len([*takewhile(lambda column: any(column) and all(map(_is_number, column)), reversed(columns))])
    cells = [[element("div", cell, class_="text") if len(cell) > LONG else cell for cell in row] for row in body]
    return table(head, cells, numbers, caption=caption, data_sortable=True)


def _is_number(text: str) -> bool:
    with suppress(ValueError):
        return float(text) is not None
    return not text


def _content(file: Path, name: str, title: str, alt: str) -> Html:
    if file.stat().st_size > MOST_BYTES:
        return element("p", f"{file.name} is larger than {MOST_BYTES / 1e6:.0f} MB, too large for this page.")
    if file.suffix == ".png":
        return picture(file.read_bytes(), f"{title}: {alt}", f"{alt[:1].upper()}{alt[1:]}.")
    if file.suffix == ".csv":
        rows = csv_rows(file)
        if name == "confusion_matrix":
            try:
                return confusion(rows, f"{title}: number of samples or pixels by true and predicted class")
            except (ValueError, IndexError) as error:
                return element("p", f"{file.name} is damaged: {error}")
        caption = f"{alt[:1].upper()}{alt[1:]}." if name in KINDS else None
        return _table(rows, caption) if rows else element("p", f"{file.name} is empty")
    if file.suffix == ".txt":
        text = file.read_text(encoding="utf-8", errors="replace")
        more = f"\n… ({len(text):,} characters in {file.name})" if len(text) > TEXT_LIMIT else ""
        return element("pre", text[:TEXT_LIMIT] + more)
    return element("p", f"{file.name} is not shown on this page.")
