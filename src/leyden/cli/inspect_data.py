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
from ..errors import RunError, UserError, hint
from ..run.directory import RunDirectory, find_run
from ..run.trust import require_trust
from .checked import checked

if TYPE_CHECKING:
    from ..data import DataModule

MEASURE_SECONDS = 2.0  # for which batches are loaded


def inspect_data(options: argparse.Namespace) -> int:
    """Show the data of a run or an experiment."""
    return inspect(options.run, options.overrides, options.clear, options.write_stream, options.trust)


def inspect(
    name: str,
    overrides: list[str],
    clears: bool,
    stream: Path | None = None,
    trusts: bool = False,
) -> int:
    """Show the data of a run or an experiment, clear its cache, or write it as a stream.

    Args:
        name: A run directory, `latest`, or an experiment.
        overrides: Settings of the experiment.
        clears: Whether to clear the cache instead.
        stream: Folder to write the samples to instead; see `write_stream`.
        trusts: Whether to execute a run that was not created here; see `require_trust`.

    Returns:
        The exit code.

    Raises:
        UserError: The run or experiment does not exist, or a setting is invalid.
    """
    root = project_root()
    run = _run(name, root, overrides)
    if run:
        require_trust(run, root, "data", trusts)
    config = run.config if run else resolve(checked([f"experiment={name}", *overrides], not clears)[1], root)
    stream = stream and stream.absolute()
    os.chdir(root)
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr, force=True)
    logging.getLogger("leyden").setLevel(logging.INFO)
    try:
        _carry_out(_data(config, run), run, clears, stream)
    except RunError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _carry_out(data: "DataModule", run: RunDirectory | None, clears: bool, stream: Path | None) -> None:
    if clears:
        _clear(data)
        return
    _prepare(data, run)
    _write(data, stream) if stream else _show_all(data)


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


def _show_all(data: "DataModule") -> None:
    _show_samples(data)
    _show_cache(data)
    _show_speed(data)


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


def _show_samples(data: "DataModule") -> None:
    from ..data.core.samples import base_dataset
    from ..data.storage.file_samples import FileSamples

    for stage, samples in data.samples.items():
        where = (
            "decoded in every epoch"
            if isinstance(base_dataset(samples), FileSamples)
            else data.storage.place or "memory"
        )
        if (chunks := base_dataset(samples).chunks) is not None:
            where = f"in a stream (chunks: {len(chunks)})"
        _show(stage, f"{len(samples)} samples, {where}")


def _show_cache(data: "DataModule") -> None:
    from ..data.storage.cache import entries
    from ..data.storage.fingerprint import dataset_name

    for entry in entries(data.storage.cache, dataset_name(data)) if data.storage.cache else []:
        state = "in use" if entry["path"] in data.storage.used else "for other files or settings"
        size = f"{entry['rows']} samples, {entry['dtype']} {entry['shape']}, {entry['bytes'] / 1e6:.1f} MB"
        state = state if entry["is_whole"] else "damaged"
        _show("cache", f"{entry['path']}: {size}, decoded in {entry['seconds']:.1f} s; {state}")


def _show_speed(data: "DataModule") -> None:
    loader = data.train_dataloader()
    batches = chain.from_iterable(repeat(loader))
    next(batches)  # starts the workers
    begin, num_samples, num_batches = time.perf_counter(), 0, 0
    while (seconds := time.perf_counter() - begin) < MEASURE_SECONDS:
        num_samples += len(next(batches).inputs)
        num_batches += 1
    workers = f"workers: {loader.num_workers}" if loader.num_workers else "in this process"
    _show("speed", f"{num_samples / seconds:.0f} samples/s: {num_batches} batches of {data.batch_size}, {workers}")


def _clear(data: "DataModule") -> None:
    from ..data.storage.cache import clear
    from ..data.storage.fingerprint import dataset_name

    freed = clear(data.storage.cache, dataset_name(data)) if data.storage.cache else 0
    freed += data.source.clear() if data.source else 0
    _show("freed", f"{freed / 1e6:.1f} MB in {data.storage.cache}")


def _write(data: "DataModule", folder: Path) -> None:
    from ..data.stream.writing import write_stream

    write_stream(data, folder)
    _show("stream", f"{folder}: read it, or a copy of it, with data.stream={folder}")


def _show(name: str, text: str) -> None:
    print(f"{name:<12} {text}")
