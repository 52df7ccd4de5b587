"""The main metric of each run by each setting that differs."""

from pathlib import Path
from typing import Any

from ..measured import measured
from ..names import CLASS, short_value
from ..records import Record
from ..select import number as as_number
from ..table import main_metrics, varied
from .charts import Series, chart
from .elements import Html, element, section
from .run_files import as_text

MOST = 12  # settings
MOST_NAMES = 24  # positions of a setting that is no number
LOG_RATIO = 20  # of the largest and the smallest value, from which an axis is logarithmic


def compared(records: list[Record]) -> tuple[str, list[str]]:
    """Return the metric that settings are chosen by, empty if no run has one, and the settings that differ."""
    metrics = [name for name in main_metrics(records) if any(name in record.metrics for record in records)]
    names = [name for name in varied(records) if not name.endswith(".seed")]  # these follow the seed of the run
    return next((name for name in metrics if name.startswith("val/")), *metrics[:1] or [""]), names


def scatter(records: list[Record], first: Html) -> Html:
    """Return the section.

    Args:
        records: The runs.
        first: A chart that comes before the others, or nothing.
    """
    metric, names = compared(records)
    if not metric or not names:
        text = "No run has a metric yet." if names else "The runs differ in no setting."
        return section("Settings", element("p", text))
    found, _ = measured(records, metric)
    charts = [made for name in names[:MOST] if (made := _chart(name, metric, found))]
    sentence = f"{metric} of each run by the settings that differ: validation, since settings must not be chosen on the test split."
    if not metric.startswith("val/"):
        sentence = f"{metric} of each run by the settings that differ."
    if not charts:
        return section("Settings", element("p", "The finished runs differ in no setting that can be drawn."))
    more = [element("p", f"Not drawn: {', '.join(names[MOST:])}.", class_="note")] if names[MOST:] else []
    return section("Settings", first, element("div", *charts, class_="charts"), *more, sentence=sentence)


def _chart(name: str, metric: str, records: list[Record]) -> Html | None:
    values = [as_number(record.settings.get(name)) for record in records]
    if len({str(value) for value in values}) < 2:
        return None
    options: dict[str, Any] = {"points": True}
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values) and values:
        places = [float(value) for value in values]
        options["log_x"] = min(places) > 0 and max(places) / min(places) >= LOG_RATIO
    else:
        texts = list(dict.fromkeys(as_text(short_value(name, value)) for value in values))
        if len(texts) > MOST_NAMES:
            return None
        places = [float(texts.index(as_text(short_value(name, value)))) for value in values]
        options["ticks"] = [[place, text] for place, text in enumerate(texts)]
    series = [
        Series(Path(record.path).name, 0, [[place]], [float(record.metrics[metric])])
        for record, place in zip(records, places, strict=True)
    ]
    best = max(records, key=lambda record: record.metrics[metric], default=None)
    alt = f"{len(records)} runs, {metric} by {name}"
    if best:
        alt += f"; the highest {metric} is at {name}={as_text(short_value(name, best.settings.get(name)))}"
    title = name.removesuffix(CLASS)
    return chart(title, [title], series, alt, **options)
