"""Provenance of the results: data, command, code, machine, packages, log."""

import re
import shlex
from typing import Any

from .elements import Html, details, element, html, join, lines, section, table
from .outcome import duration, number
from .run_files import RunFiles, as_text
from .settings import search

MAIN_PACKAGES = (
    "python",
    "leyden",
    "torch",
    "torchvision",
    "torchaudio",
    "torchtext",
    "lightning",
    "torchmetrics",
    "numpy",
)
MOST_CLASSES = 200  # with a bar each
HARDWARE = {"memory_gib": "memory, GiB", "gpus": "GPUs", "cores": "CPU cores"}


def data(run: RunFiles) -> Html:
    """Return the account of the data."""
    state = dict(run.data)
    account: dict[str, Any] = state.pop("account", {})
    parts = _splits(run, account)
    if account.get("where"):
        parts.append(lines({"read from": element("code", account["where"])}))
    ignored = [
        [reason, f"{what['count']:,}", ", ".join(what["examples"])]
        for reason, what in account.get("ignored", {}).items()
    ]
    if ignored:
        parts.append(table(["ignored because", "files", "such as"], ignored))
    parts += [element("p", note, class_="note") for note in account.get("notes", [])]
    names, counts = state.pop("class_names", None) or [], state.pop("class_counts", None) or []
    if names and len(names) == len(counts):
        most = max(counts) or 1
        rows = [[name, f"{count:,}"] for name, count in zip(names, counts, strict=True)][:MOST_CLASSES]
        bars = [count / most for count in counts][:MOST_CLASSES]
        body = table(["class", "training samples"], rows, numbers=1, bars=bars)
        parts.append(details(f"{len(names)} classes", body, open=len(names) <= 12))
    elif names:
        parts.append(lines({f"{len(names)} classes": ", ".join(map(str, names[:MOST_CLASSES]))}))
    if state:
        texts = {name: as_text(value) for name, value in state.items()}
        parts.append(lines({name: text if len(text) < 300 else f"{text[:300]} …" for name, text in texts.items()}))
    return section("Data", *(parts or [element("p", "This run has no record of its data.")]))


def _splits(run: RunFiles, account: dict[str, Any]) -> list[Html]:
    """Return the number of samples of each split, and how it was found."""
    sizes: dict[str, Any] = dict(account.get("samples", {}))
    for split, sample in run.results.get("splits", {}).items():
        if isinstance(sample, dict) and "samples" in sample:
            sizes.setdefault("validation" if split == "val" else split, sample["samples"])
    parts = []
    if sizes:
        total = sum(size for size in sizes.values() if isinstance(size, int)) or 1
        order = (
            sorted(sizes, key=["train", "validation", "test"].index)
            if {*sizes} <= {"train", "validation", "test"}
            else sizes
        )
        found = account.get("found", {})
        rows = [[name, f"{sizes[name]:,}"] for name in order]
        parts.append(table(["split", "samples"], rows, numbers=1, bars=[sizes[name] / total for name in order]))
        parts.append(lines({f"{name} split": how for name, how in found.items()}))
    return parts


def speed(run: RunFiles) -> Html:
    """Return throughput and memory."""
    rows = []
    for name in ("samples_per_second", "tokens_per_second", "data_wait", "padding", "flops_utilization"):
        if curve := run.curves.get(f"train/{name}"):
            ordered = sorted(curve.values)
            values = ordered[len(ordered) // 2], ordered[0], ordered[-1], curve.values[-1]
            rows.append([name.replace("_", " "), *map(number, values)])
    parts = [table(["of training epochs", "median", "lowest", "highest", "last"], rows, numbers=4)] if rows else []
    peaks = {
        f"peak memory of the {'GPU' if name == 'gpu' else 'process'}": f"{gib} GiB"
        for name, gib in run.status.get("peak_memory_gib", {}).items()
    }
    if run.record.seconds:
        peaks["duration"] = f"{duration(run.record.seconds)}, from process start to the end of the test"
    parts += [lines(peaks)] if peaks else []
    if not parts:
        return section("Speed and memory", element("p", "Nothing has been measured yet."))
    sentence = "Data wait is the fraction of an epoch in which training waited for batches. Memory is that of the first process."
    return section("Speed and memory", *parts, sentence=sentence)


def origin(run: RunFiles) -> Html:
    """Return command, code, machine and packages."""
    code, hardware = run.code, run.hardware
    state = element("code", code["commit"]) if code.get("commit") else "not in a git repository"
    facts: dict[str, object] = {"commit": state}
    if code.get("files"):
        facts["copied files"] = f"{len(code['files']):,}, as they were at the start, committed or not (code/)"
    if run.status.get("live"):
        facts["live"] = "yes: the run used the working tree instead of its copy of the code"
    facts |= {"run": element("span", run.path, class_="path"), "created": run.record.created}
    machine = {HARDWARE.get(name, name): _machine_value(value) for name, value in hardware.items()}
    versions = {name: version for name, _, version in (line.partition("==") for line in run.packages)}
    main = {name: versions[name] for name in MAIN_PACKAGES if name in versions}
    left_out = [[name, reason] for name, reason in code.get("left_out", {}).items()]
    parts = [
        element("h3", "Command"),
        element("pre", shlex.join(run.command) or "unknown"),
        element("h3", "Code"),
        lines(facts),
        *([details(f"Not in the copy: {len(left_out)}", table(["file", "reason"], left_out))] if left_out else []),
        element("h3", "Machine"),
        lines(machine) if machine else element("p", "unknown"),
        element("h3", "Packages"),
        lines(main) if main else element("p", "unknown"),
    ]
    if versions:
        packages = table(["package", "version"], versions.items())
        parts.append(details(f"All {len(versions)} packages", search("Find a package"), packages))
    return section("Origin", *parts)


def _machine_value(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(as_text, value)) or "none"
    return as_text(value)


def log(run: RunFiles) -> Html:
    """Return the end of the log; open if the run has failed."""
    if not run.log:
        return section("Log", element("p", "The log is empty."))
    problems = [line for line in run.log if re.match(r"\S+ \S+ (WARNING|ERROR)", line)]
    parts = (
        [element("p", f"{len(problems)} warnings and errors."), element("pre", "\n".join(problems))] if problems else []
    )
    whole = element("pre", join(map(html, run.log)))
    return section("Log", *parts, details(f"The last {len(run.log)} lines", whole, open=run.record.state == "failed"))
