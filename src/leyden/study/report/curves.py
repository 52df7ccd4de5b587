"""The learning curves of a run: training and validation together, then what else was logged."""

from ...io import Curve
from .charts import Epochs, Series, chart, line
from .elements import Html, details, element, section, table
from .outcome import number
from .run_files import RunFiles

AXES = ["step", "epoch"]
COLORS = {"train": 0, "val": 1, "test": 2}
FIRST = ("learning_rate", "gradient_norm")  # of what is logged of training alone
MOST_OPEN = 12  # charts; the others are folded away
MOST_ROWS = 500  # of the table


def curves(run: RunFiles) -> Html:
    """Return the section."""
    logged = {name: curve for name, curve in run.curves.items() if not name.startswith("test/")}
    if not logged:
        text = "This run has no curves: metrics.csv has no rows yet."
        if run.damage:
            text = "This run has no readable curves."
        return section("Curves", element("p", text))
    epochs = Epochs(run.curves)
    charts = [_chart(title, names, logged, epochs) for title, names in _groups(logged, run.record.monitor)]
    parts = [element("div", *charts[:2], class_="charts"), element("div", *charts[2:MOST_OPEN], class_="charts small")]
    if charts[MOST_OPEN:]:
        more = element("div", *charts[MOST_OPEN:], class_="charts small")
        parts.append(details(f"{len(charts) - MOST_OPEN} more curves", more))
    parts.append(_table(logged))
    sentence = (
        "Drag to zoom, double-click to reset. With the keyboard, use the arrows to read values, + and - to zoom, 0 to reset. "
        "Training values are those of single batches, validation values of the whole split."
    )
    no_script = Html("<noscript><p>Curves need JavaScript; their values are in the table below.</p></noscript>")
    return section("Curves", no_script, *parts, sentence=sentence)


def _groups(logged: dict[str, Curve], monitor: str) -> list[tuple[str, list[str]]]:
    """Return titles and names of the curves that belong together: loss, main metric, other metrics, then training-only ones."""
    groups: dict[str, list[str]] = {}
    for name in logged:
        split, slash, rest = name.partition("/")
        groups.setdefault(rest if slash and split in COLORS else name, []).append(name)
    main = monitor.partition("/")[2]

    def order(item: tuple[str, list[str]]) -> tuple[bool, ...]:
        title, names = item
        is_training = not any(name.startswith("val/") for name in names)
        return title != "loss", title != main, is_training, title not in FIRST

    return sorted(groups.items(), key=order)


def _chart(title: str, names: list[str], logged: dict[str, Curve], epochs: Epochs) -> Html:
    names = sorted(names, key=lambda name: COLORS.get(name.partition("/")[0], 3))
    series = [_series(name, logged[name], epochs) for name in names]
    axes = AXES if epochs.ends else AXES[:1]
    ends = [f"{one.name} ends at {number(one.y[-1])}" for one in series]
    return chart(title.replace("_", " "), axes, series, ", ".join(ends))


def _series(name: str, curve: Curve, epochs: Epochs) -> Series:
    return line(name, COLORS.get(name.partition("/")[0], 3), curve, epochs)


def _table(logged: dict[str, Curve]) -> Html:
    """Return the values at the end of each epoch as a table, which is accessible and needs no JavaScript."""
    names = [name for name, curve in logged.items() if any(epoch >= 0 for epoch in curve.epochs)]
    by_epoch: dict[int, dict[str, float]] = {}
    for name in names:
        for epoch, value in zip(logged[name].epochs, logged[name].values, strict=True):
            by_epoch.setdefault(epoch, {})[name] = value
    shown = sorted(by_epoch)[-MOST_ROWS:]
    rows = [
        [epoch + 1, *(number(by_epoch[epoch][name]) if name in by_epoch[epoch] else "" for name in names)]
        for epoch in shown
    ]
    title = "Last values of each epoch"
    if len(by_epoch) > len(shown):
        title += f" (the last {len(shown)} of {len(by_epoch)})"
    return details(title, table(["epoch", *names], rows, numbers=len(names), data_sortable=True))
