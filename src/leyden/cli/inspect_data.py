"""`leyden data`: show size, storage and loading speed of a dataset, clear its cache, or write it as a stream."""

import argparse
import logging
import os
import sys
import time
from itertools import chain, repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..config.compose import options, project_root
from ..config.references import resolve
from ..errors import UserError, hint
from ..run.checked import checked
from ..run.directory import RunDirectory, find_run
from ..run.trust import require_trust

if TYPE_CHECKING:
    from ..data import DataModule

MEASURE_SECONDS = 2.0  # for which batches are loaded


def inspect_data(options: argparse.Namespace) -> int:
    """Show the data of a run or an experiment."""
    options.result = inspect(options.run, options.overrides, options.clear, options.write_stream, options.trust)
    return 0


def inspect(
    name: str,
    overrides: list[str],
    clears: bool,
    stream: Path | None = None,
    trusts: bool = False,
) -> dict[str, Any]:
    """Show the data of a run or an experiment, clear its cache, or write it as a stream.

    Args:
        name: A run directory, `latest`, or an experiment.
        overrides: Settings of the experiment.
        clears: Whether to clear the cache instead.
        stream: Folder to write the samples to instead; see `write_stream`.
        trusts: Whether to execute a run that was not created here; see `require_trust`.

    Returns:
        What was shown, for `--json`.

    Raises:
        UserError: The run or experiment does not exist, or a setting is invalid.
        RunError: The data cannot be used as it is.
    """
    root = project_root()
    run = _run(name, root, overrides)
    if run:
        require_trust(run, root, "data", trusts)
    config = run.config if run else resolve(checked([f"experiment={name}", *overrides], not clears).frozen, root)
    stream = stream and stream.absolute()
    os.chdir(root)
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr, force=True)
    logging.getLogger("leyden").setLevel(logging.INFO)
    data = _data(config, run)
    if clears:
        return _clear(data)
    _prepare(data, run)
    return _write(data, stream) if stream else _show_all(data)


def _data(config: dict[str, Any], run: RunDirectory | None) -> "DataModule":
    from ..config.build import build  # torch: seconds
    from ..run.preprocessing import provided, taking

    return build(taking(config["data"], provided(config, run.path if run else None)), {})


def _prepare(data: "DataModule", run: RunDirectory | None) -> None:
    if run and data.is_saved(run.path):
        data.restore(run.path)
    from ..data.files.archives import checked_archives

    with checked_archives():
        data.prepare_data()
        data.setup("fit")
        if data.has_test:
            data.setup("test")


def _show_all(data: "DataModule") -> dict[str, Any]:
    splits = {
        stage: {"samples": len(samples), "storage": _place(data, samples)} for stage, samples in data.samples.items()
    }
    for stage, split in splits.items():
        _show(stage, f"{split['samples']} samples, {split['storage']}")
    account = {name: data.account.get(name) for name in ("where", "found", "ignored", "notes")}
    return {"splits": splits, **account, "cache": _show_cache(data), "speed": _show_speed(data)}


def _run(name: str, root: Path, overrides: list[str]) -> RunDirectory | None:
    """Return the run of that name, or None if it is an experiment."""
    experiments = [experiment for experiment, _ in options(root)["experiment"]]
    if name in experiments:
        return None
    if overrides:
        raise UserError(f"{name} is not an experiment: the settings of a run cannot be changed")
    try:
        return find_run(name, root)
    except UserError as error:
        raise UserError(f"{error}, nor an experiment{hint(name, experiments, few=0)}") from None


def _place(data: "DataModule", samples: Any) -> str:
    """Return where the samples of a split are kept."""
    from ..data.core.samples import base_dataset
    from ..data.storage.file_samples import FileSamples

    base = base_dataset(samples)
    if base.chunks is not None:
        return f"in a stream (chunks: {len(base.chunks)})"
    return "decoded in every epoch" if isinstance(base, FileSamples) else data.storage.place or "memory"


def _show_cache(data: "DataModule") -> list[dict[str, Any]]:
    from ..data.storage.cache import entries
    from ..data.storage.fingerprint import dataset_name

    found = entries(data.storage.cache, dataset_name(data)) if data.storage.cache else []
    for entry in found:
        state = "in use" if entry["path"] in data.storage.used else "for other files or settings"
        entry["state"] = state if entry["is_whole"] else "damaged"
        size = f"{entry['rows']} samples, {entry['dtype']} {entry['shape']}, {entry['bytes'] / 1e6:.1f} MB"
        _show("cache", f"{entry['path']}: {size}, decoded in {entry['seconds']:.1f} s; {entry['state']}")
    return found


def _show_speed(data: "DataModule") -> dict[str, Any]:
    loader = data.train_dataloader()
    batches = chain.from_iterable(repeat(loader))
    next(batches)  # starts the workers
    begin, num_samples, num_batches = time.perf_counter(), 0, 0
    while (seconds := time.perf_counter() - begin) < MEASURE_SECONDS:
        num_samples += len(next(batches).inputs)
        num_batches += 1
    workers = f"workers: {loader.num_workers}" if loader.num_workers else "in this process"
    _show("speed", f"{num_samples / seconds:.0f} samples/s: {num_batches} batches of {data.batch_size}, {workers}")
    return {"samples_per_second": num_samples / seconds, "batch_size": data.batch_size, "workers": loader.num_workers}


def _clear(data: "DataModule") -> dict[str, Any]:
    from ..data.storage.cache import clear
    from ..data.storage.fingerprint import dataset_name

    freed = clear(data.storage.cache, dataset_name(data)) if data.storage.cache else 0
    freed += data.source.clear() if data.source else 0
    _show("freed", f"{freed / 1e6:.1f} MB in {data.storage.cache}")
    return {"cache": data.storage.cache, "freed_bytes": freed}


def _write(data: "DataModule", folder: Path) -> dict[str, Any]:
    from ..data.stream.writing import write_stream

    write_stream(data, folder)
    _show("stream", f"{folder}: read it, or a copy of it, with data.stream={folder}")
    return {"stream": folder}


def _show(name: str, text: str) -> None:
    print(f"{name:<12} {text}")
