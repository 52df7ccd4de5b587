"""Outcome of a run: state, main numbers, metrics of its checkpoints."""

from collections.abc import Iterator
from typing import Any

from ...run.results import SPLITS
from .elements import Html, details, element, html, join, lines, section, table
from .run_files import RunFiles

MOST_ROWS = 12  # metrics; the others are folded away
STATES = {
    "created": "The run has not started.",
    "submitted": "The run is queued on the cluster.",
    "running": "The run was still training when this report was written, so its results are preliminary.",
    "interrupted": "The run was stopped early; continue it with leyden resume.",
    "preempted": "The run was preempted by the cluster; continue it with leyden resume.",
    "killed": "The process of this run died without a message; continue from its last checkpoint with leyden resume.",
    "failed": "The run has failed.",
    "pruned": "The search pruned this run: other trials were better at the same validation.",
    "damaged": "The status of this run cannot be read.",
}


def state_badge(state: str) -> Html:
    return element("span", state, class_=f"state {state}")


def notices(run: RunFiles) -> list[Html]:
    """Return what a reader must know before the numbers."""
    state, found = run.record.state, []
    if state in STATES:
        error = [element("pre", run.status["error"])] if run.status.get("error") else []
        kind = "notice bad" if state in ("failed", "killed", "damaged") else "notice"
        found.append(element("div", element("p", STATES[state]), *error, class_=kind))
    found += [element("p", text, class_="notice bad") for text in run.damage]
    return found


def tiles(run: RunFiles) -> Html:
    """Return the main numbers."""
    pairs = [
        element("div", element("dt", name), element("dd", value, *([element("small", more)] if more else [])))
        for name, value, more in _tiles(run)
    ]
    return element("dl", *pairs, class_="tiles")


def _tiles(run: RunFiles) -> Iterator[tuple[str, object, str]]:
    record, monitor = run.record, run.record.monitor
    test = monitor.replace("val/", "test/", 1)
    for name in dict.fromkeys([test, monitor]):
        if isinstance(record.metrics.get(name), int | float):
            yield name, number(record.metrics[name]), _checkpoint_name(run)
    if epochs := [curve.epochs[-1] + 1 for name, curve in run.curves.items() if not name.startswith("test/")]:
        most = run.config.get("trainer", {}).get("max_epochs")
        yield "last epoch", max(epochs), f"of {most}" if most else ""
    if record.seconds:
        yield "duration", duration(record.seconds), "including startup and test"
    if speed := run.curves.get("train/samples_per_second"):
        yield "samples per second", f"{max(speed.values):,.0f}", "fastest epoch"
    for name, gib in run.status.get("peak_memory_gib", {}).items():
        yield f"peak memory, {'GPU' if name == 'gpu' else 'process'}", f"{gib:.2f} GiB", "first process"


def _checkpoint_name(run: RunFiles) -> str:
    has_best = run.best or any("best" in run.results.get(split, {}) for split in SPLITS)
    return "best checkpoint" if has_best else "last checkpoint"


def results(run: RunFiles) -> Html:
    """Return the metrics of each evaluated checkpoint, with the definition of the checkpoints."""
    columns = [
        (split, checkpoint) for checkpoint in _checkpoints(run) for split in SPLITS if _metrics(run, split, checkpoint)
    ]
    if not columns:
        text = "No checkpoint of this run has been evaluated: there are neither validation nor test metrics."
        return section("Results", element("p", text))
    names = dict.fromkeys(
        name.partition("/")[2] for split, checkpoint in columns for name in _metrics(run, split, checkpoint)
    )
    rows = []
    for name in names:
        values = [_value(_metrics(run, split, checkpoint), f"{split}/{name}") for split, checkpoint in columns]
        rows.append([name, *values])
    heads = ["metric", *(f"{'validation' if split == 'val' else 'test'}, {name}" for split, name in columns)]
    parts = [table(heads, rows[:MOST_ROWS], numbers=len(columns))]
    if more := rows[MOST_ROWS:]:
        parts.append(details(f"{len(more)} more metrics", table(heads, more, numbers=len(columns))))
    parts.append(lines(_definitions(run)))
    if not any(split == "test" for split, _ in columns):
        parts.append(element("p", "There are no test metrics.", class_="notice"))
    for checkpoint, remarks in run.results.get("remarks", {}).items():
        parts += [element("p", f"{name} of {checkpoint}: {text}", class_="note") for name, text in remarks.items()]
    return section("Results", *parts)


def _value(metrics: dict[str, Any], name: str) -> str:
    if name not in metrics:
        return ""
    return "not finite" if metrics[name] is None else number(metrics[name])


def _metrics(run: RunFiles, split: str, checkpoint: str) -> dict[str, Any]:
    measured = run.results.get(split, {}).get(checkpoint)
    if measured is None and split == "val" and checkpoint == "best":
        return run.best.get("metrics", {})
    return measured or {}


def _checkpoints(run: RunFiles) -> list[str]:
    names = dict.fromkeys(name for split in SPLITS for name in run.results.get(split, {}))
    return sorted(dict.fromkeys([*(["best"] if run.best else []), *names]), key=lambda name: name != "best")


def _definitions(run: RunFiles) -> dict[str, object]:
    """Return which weights were measured, on which samples."""
    found: dict[str, object] = {}
    origins = run.results.get("checkpoints", {})
    for name in _checkpoints(run):
        origin = origins.get(name) or (run.best if name == "best" else {})
        parts = [origin.get("file", "")]
        if "epoch" in origin:
            parts.append(f"of epoch {origin['epoch'] + 1} (step {origin.get('step', '?')})")
        if name == "best" and run.best.get("monitor"):
            kind = {"max": "highest ", "min": "lowest "}.get(run.best.get("mode", ""), "best ")
            parts.append(f"chosen by the {kind}{run.best['monitor']}")
        found[f"checkpoint {name}"] = ", ".join(filter(None, parts))
    for split, sample in run.results.get("splits", {}).items():
        if isinstance(sample, dict):
            text = f"{sample.get('samples', '?'):,} samples" if isinstance(sample.get("samples"), int) else "samples"
            found["test split" if split == "test" else "validation split"] = join(
                [html(f"{text}, fingerprint of the targets"), element("code", sample.get("targets", "?"))], " "
            )
    return found


def number(value: float) -> str:
    """Return a number with four decimals, or fewer digits if it is large or small."""
    size = abs(value)
    if size >= 10:
        return f"{value:,.1f}" if size < 1e5 else f"{value:.4g}"
    return f"{value:.4f}" if size >= 1e-3 or value == 0 else f"{value:.3g}"


def duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours:,} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"
