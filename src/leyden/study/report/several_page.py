"""The page of several runs, or of a study."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..names import CLASS, short_value
from ..records import Record, read_config
from ..table import columns, main_metrics, varied
from .comparison_section import comparison
from .document import document
from .elements import Html, element, join, picture, section, table
from .outcome import duration, number, state_badge
from .overlaid_curves import overlaid_curves
from .parallel_coordinates import parallel_coordinates
from .run_files import as_text, redaction
from .scatter import scatter
from .settings import search

TITLES = ["Runs", "Comparison", "Settings", "Curves", "Common settings"]
LONGEST = 80  # characters of a cell


def several_page(title: str, records: list[Record], root: Path | None, folder: Path | None = None) -> str:
    """Return the page.

    Args:
        title: Of the page.
        records: The runs.
        root: The project's folder.
        folder: Of a study, whose plots are shown.
    """
    shown = [_without_secrets(record, root) for record in records]
    lines = parallel_coordinates(shown, folder)
    figures = sorted((folder / "plots").glob("*.png")) if folder else []
    figures = [file for file in figures if not (lines and file.stem == "parallel_coordinates")]
    titles = [*TITLES[:1], *["Study"] * bool(figures), *TITLES[1:]]
    body = [
        _tiles(shown),
        _runs(shown),
        *([_figures(figures)] if figures else []),
        comparison(shown),
        scatter(shown, lines),
        overlaid_curves(shown),
        _common(shown),
    ]
    counts = Counter(record.state for record in records)
    states = join([join([count, state_badge(state)], " ") for state, count in counts.items()], ", ")
    return document(title, states, titles, body)


def _without_secrets(record: Record, root: Path | None) -> Record:
    hide: Callable[[Any], Any] = redaction(read_config(Path(record.path)), root)
    return replace(record, settings=hide(record.settings), error=hide(record.error))


def _tiles(records: list[Record]) -> Html:
    found: list[tuple[str, object, str]] = [("runs", len(records), "")]
    for name in main_metrics(records):
        values = [record.metrics[name] for record in records if isinstance(record.metrics.get(name), int | float)]
        if values:
            found.append((name, f"{number(min(values))} to {number(max(values))}", f"of {len(values)} runs"))
    if seconds := sum(record.seconds or 0 for record in records):
        found.append(("duration", duration(seconds), "of all runs"))
    pairs = [element("div", element("dt", a), element("dd", b, element("small", c))) for a, b, c in found]
    return element("dl", *pairs, class_="tiles")


def _runs(records: list[Record]) -> Html:
    """Return the table to sort and filter."""
    names = columns(records, [])
    has_experiments = len({record.experiment for record in records}) > 1
    heads = ["run", *["experiment"] * has_experiments, *names, "seconds"]
    rows = []
    for record in records:
        cells = [element("th", Path(record.path).name, scope="row")]
        cells += [element("td", record.experiment)] * has_experiments
        cells += [_cell(name, record[name]) for name in (*names, "seconds")]
        rows.append(element("tr", *cells))
    kinds = ["number" if _is_number_column(records, name) else None for name in heads]
    named = [
        element("th", name.removesuffix(CLASS), scope="col", class_=kind)
        for name, kind in zip(heads, kinds, strict=True)
    ]
    head = element("thead", element("tr", *named))
    whole = element(
        "table",
        element("caption", "The runs with their main metrics and the settings in which they differ."),
        head,
        element("tbody", join(rows)),
        data_sortable=True,
    )
    box = element("div", whole, class_="wide", tabindex=0, role="group", aria_label="Table of runs")
    sentence = "Click a column name to sort by it; click again to reverse the order."
    return section("Runs", search("Find runs"), box, sentence=sentence)


def _is_number_column(records: list[Record], name: str) -> bool:
    values = [record[name] for record in records if record[name] is not None]
    return bool(values) and all(isinstance(value, int | float) for value in values)


def _cell(name: str, value: object) -> Html:
    if value is None:
        return element("td", "")
    if name == "state":
        return element("td", state_badge(str(value)))
    if isinstance(value, int | float) and not isinstance(value, bool):
        return element("td", f"{value:.5g}" if isinstance(value, float) else value, class_="number", data_value=value)
    text = as_text(short_value(name, value))
    return element(
        "td", text if len(text) <= LONGEST else f"{text[:LONGEST]}…", class_="text" if len(text) > 30 else None
    )


def _figures(files: list[Path]) -> Html:
    shown = [
        picture(file.read_bytes(), f"{file.stem.replace('_', ' ')} of the study", file.stem.replace("_", " "))
        for file in files
    ]
    return section("Study", *shown)


def _common(records: list[Record]) -> Html:
    """Return the settings that all runs share."""
    changing = {*varied(records)}
    first = records[0].settings
    rows = [
        (element("code", name), element("code", as_text(value)))
        for name, value in first.items()
        if name not in changing and all(record.settings.get(name) == value for record in records)
    ]
    kept = [row for row in rows if not str(row[0]).startswith(("<code>runs", "<code>launcher."))]
    return section("Common settings", search("Find a setting"), table(["setting", "value"], kept))
