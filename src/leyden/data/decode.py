"""Decoding is paid for once where the decoded rows fit into memory, and in every epoch where they do not."""

import logging
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
from lightning.pytorch.utilities import rank_zero_only
from rich.progress import track

from .error import DataError
from .rows import FileRows, RaggedRows, Rows, TensorRows

log = logging.getLogger(__package__)

SAMPLE = 32  # files that tell how large all of them are, decoded


def decoded(files: FileRows, memory_gb: float, in_threads: bool = True) -> Rows:
    """The rows of files, decoded and kept in memory; or as they are, where they would take more than `memory_gb`.

    A file that cannot be read is named or, with `on_corrupt=skip`, is no row any more. What reads the files runs in
    several threads unless `in_threads` forbids it.

    Raises:
        DataError: a file cannot be read, or none can.
    """
    if not len(files):
        return files
    sample = files.paths[:: max(1, len(files) // SAMPLE)]
    sizes = [row.nbytes for path in sample if (row := files.decode(path)) is not None]
    if not fits(len(files) * sum(sizes) / max(1, len(sizes)), memory_gb, f"{len(files)} files"):
        return files
    start, rows, kept = time.perf_counter(), [], []
    for number, row in enumerate(decode_all(files.paths, files.decode, in_threads)):
        if row is not None:
            rows.append(row)
            kept.append(number)
    if not kept:
        raise DataError(f"none of {len(files)} files could be read: {files.paths[0]} ...")
    num_bytes, seconds = sum(row.nbytes for row in rows), time.perf_counter() - start
    say(f"{len(kept)} files decoded in {seconds:.1f} s and kept in memory: {num_bytes / 1e6:.1f} MB")
    targets = files.targets[kept]
    return RaggedRows(rows, targets) if files.ragged else TensorRows(torch.stack(rows), targets)


def fits(num_bytes: float, memory_gb: float, what: str) -> bool:
    """Whether decoded rows may be kept in memory; says so where they may not."""
    if num_bytes <= memory_gb * 1e9:
        return True
    say(
        f"{what} take {num_bytes / 1e9:.2f} GB decoded, more than data.memory_gb={memory_gb:g}: they are decoded in "
        "every epoch. Raise the limit, or decode ahead with data.num_workers"
    )
    return False


def decode_all(items: Sequence[Any], decode: Callable[[Any], Any], in_threads: bool = True) -> Iterator[Any]:
    """Decodes on all processors and hands over in order, with a bar where somebody watches."""
    with ThreadPoolExecutor(None if in_threads else 1) as pool:
        results = pool.map(decode, items)
        yield from track(results, "decoding", total=len(items), disable=not somebody_watches())


@rank_zero_only
def somebody_watches() -> bool:
    return sys.stdout.isatty()


@rank_zero_only
def say(text: str) -> None:
    log.info(text)
