"""Each run as a line through its settings to its metric."""

from contextlib import suppress
from pathlib import Path
from typing import Any

from ...errors import UserError
from ..measured import direction, measured
from ..names import short_names, short_value
from ..records import Record, read_json
from ..select import number as as_number
from ..sweep.study_directory import StudyDirectory
from .charts import short
from .document import data_block
from .elements import Html, element, html
from .run_files import as_text
from .scatter import LOG_RATIO, MOST, MOST_NAMES, compared


def parallel_coordinates(records: list[Record], folder: Path | None) -> Html:
    """Return the chart; empty with fewer than two settings or runs.

    Args:
        records: The runs.
        folder: Of a study, which knows what it has varied and its objective.
    """
    (metric, names), study = compared(records), None
    mode = direction(records, metric) or "max"
    with suppress(UserError):
        study = StudyDirectory(folder) if folder else None
    if study and study.settings.get("objectives"):
        metric, mode = next(iter(study.settings["objectives"].items()))
    found, left_out = measured(records, metric)
    choices = [_choices(record, study) or {name: record.settings.get(name) for name in names} for record in found]
    names = list(dict.fromkeys(name for chosen in choices for name in chosen))
    made = [_axis(name, [chosen.get(name) for chosen in choices]) for name in names]
    axes = [axis for axis in made if axis][:MOST]
    if len(axes) < 2 or len(found) < 2:
        return html("")
    labels = short_names(axis["name"] for axis in axes)
    for axis in axes:
        axis["name"] = labels[axis["name"]]
    return _figure(found, [*axes, _numbers(metric, [record[metric] for record in found])], mode, left_out)


def _figure(records: list[Record], axes: list[dict[str, Any]], mode: str, left_out: str) -> Html:
    metric = axes[-1]["name"]
    names = [_run_name(Path(record.path).name) for record in records]
    title = "Parallel coordinates"
    alt = f"{len(records)} runs as lines through {', '.join(axis['name'] for axis in axes)}"
    last, first = ("highest", "lowest") if mode == "min" else ("lowest", "highest")
    sentence = f"A line is a run, coloured by rank from blue, the {last} {metric}, to orange, the {first}. Keys step through them."
    if any(None in axis["values"] for axis in axes):
        sentence += " At none, the setting is not one of the run's."
    more = [element("p", f"{left_out[:1].upper()}{left_out[1:]}.", class_="note")] if left_out else []
    data = data_block({"axes": axes, "runs": names, "lowest": mode == "min"})
    return element(
        "figure", element("h3", title), element("p", sentence, class_="note"), *more, data,
        class_="chart parallel", data_alt=alt,
    )  # fmt: skip


def _run_name(folder: str) -> str:
    end = folder.rpartition("-")[2]
    return f"trial {int(end)}" if len(end) == 4 and end.isdecimal() else f"run {end}"


def _choices(record: Record, study: StudyDirectory | None) -> dict[str, Any]:
    """Return what a study has chosen for a run; empty if it is unknown."""
    chosen, path = {}, Path(record.path)
    if study and study.kind == "search":
        chosen = read_json(path / "status.json").get("choices", {})
    elif study:
        with suppress(ValueError, IndexError):
            chosen = study.settings["grid"][int(path.name.rpartition("-")[2])]
    return {name: record.settings.get(name, value) for name, value in chosen.items()}  # settings are without secrets


def _axis(name: str, values: list[Any]) -> dict[str, Any] | None:
    """Return an axis with the places of the values, null where the setting was not searched; None if they are equal."""
    values = [as_number(value) for value in values]
    given = [value for value in values if value is not None]
    if len({str(value) for value in given}) < 2:
        return None
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in given):
        return _numbers(name, values)
    texts = [None if value is None else as_text(short_value(name, value)) for value in values]
    ticks = sorted({text for text in texts if text is not None})
    if len(ticks) > MOST_NAMES:
        return None
    return {"name": name, "ticks": ticks, "values": [None if text is None else ticks.index(text) for text in texts]}


def _numbers(name: str, values: list[Any]) -> dict[str, Any]:
    places = [None if value is None else short(value) for value in values]
    given = [place for place in places if place is not None]
    is_log = bool(given) and min(given) > 0 and max(given) / min(given) >= LOG_RATIO
    return {"name": name, "values": places, "log": is_log}
