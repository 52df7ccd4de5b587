"""Decoding is paid for once where the decoded rows may be kept, and in every epoch where they may not."""

import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

import torch
from lightning.pytorch.utilities import rank_zero_only
from rich.progress import track

from .cache import Entry, Row, Stored
from .error import DataError
from .fingerprint import file_states
from .mapped import mapped
from .packed import Packed
from .residence import Residence, say
from .rows import FileRows, RaggedRows, Rows, TensorRows, part_of

SAMPLE = 32  # files that tell how large all of them are, decoded
AHEAD = 256  # rows that are decoded while others are written


def decoded(files: FileRows, residence: Residence, in_threads: bool = True) -> Rows:
    """The rows of files, decoded once and kept as `residence` says; or as they are, where it does not hold them.

    They are kept in its cache, where `made_of` of the files tells what they depend on and all are files, else in
    memory. A file that cannot be read is named or, with `on_corrupt=skip`, is no row any more. What reads the files
    runs in several threads unless `in_threads` forbids it.

    Raises:
        DataError: a file cannot be read, or none can.
    """
    if not len(files) or residence.place == "disk":
        return files
    entry, what = _entry(files, residence), f"{len(files)} files"
    stored = entry.read() if entry else None
    num_bytes = stored.rows.nbytes if stored else _estimate(files)
    if not residence.holds(num_bytes, what):
        return files
    if entry:
        build, is_good = partial(_arrays, files, in_threads), partial(_is_good, files)
        if kept := residence.keep(entry, build, files.ragged, num_bytes, is_good):
            return _mapped_rows(files, kept)
        if num_bytes > residence.memory_gb * 1e9:
            say(f"{what} take more than data.memory_gb={residence.memory_gb:g} without a cache: decoded in every epoch")
            return files
    return _in_memory(files, in_threads)


def _entry(files: FileRows, residence: Residence) -> Entry | None:
    if residence.cache is None or files.made_of is None:
        return None
    try:
        return residence.entry(files.made_of | {"files": files.made_of.get("files") or file_states(files.paths)})
    except OSError:  # to name the file that is not there is for the one who decodes it
        return None


def _is_good(files: FileRows, stored: Stored) -> bool:
    """Files that could not be read are tried again each time: they are named, and what is mended is a row again."""
    if stored.kept is None:
        return True
    missing = sorted(set(range(len(files))) - set(stored.kept.tolist()))
    return all(files.decode(files.paths[number]) is None for number in missing)


def _arrays(files: FileRows, in_threads: bool) -> Iterator[Row]:
    is_empty = True
    for row in decode_all(files.paths, files.decode, in_threads, is_alone=True):
        is_empty &= row is None
        yield None if row is None else row.numpy()
    if is_empty:
        raise _none_readable(files)


def _mapped_rows(files: FileRows, stored: Stored) -> Rows:
    targets = files.targets if stored.kept is None else part_of(files.targets, stored.kept.tolist())
    rows = mapped(stored.rows)
    if stored.lengths is None:
        return TensorRows(rows, targets)
    return RaggedRows(Packed(rows, mapped(stored.lengths)), targets)


def _in_memory(files: FileRows, in_threads: bool) -> Rows:
    start, rows, kept = time.perf_counter(), [], []
    for number, row in enumerate(decode_all(files.paths, files.decode, in_threads)):
        if row is not None:
            rows.append(row)
            kept.append(number)
    if not kept:
        raise _none_readable(files)
    num_bytes, seconds = sum(row.nbytes for row in rows), time.perf_counter() - start
    say(f"{len(kept)} files decoded in {seconds:.1f} s and kept in memory: {num_bytes / 1e6:.1f} MB")
    targets = part_of(files.targets, kept)
    return RaggedRows(rows, targets) if files.ragged else TensorRows(torch.stack(rows), targets)


def _estimate(files: FileRows) -> float:
    """Bytes of all rows, as some of them have it."""
    sample = files.paths[:: max(1, len(files) // SAMPLE)]
    sizes = [row.nbytes for path in sample if (row := files.decode(path)) is not None]
    return len(files) * sum(sizes) / max(1, len(sizes))


def _none_readable(files: FileRows) -> DataError:
    return DataError(f"none of {len(files)} files could be read: {files.paths[0]} ...")


def decode_all(
    items: Sequence[Any], decode: Callable[[Any], Any], in_threads: bool = True, is_alone: bool = False
) -> Iterator[Any]:
    """Decodes on all processors and hands over in order, with a bar where somebody watches.

    Args:
        items: what is decoded.
        decode: one item -> its row.
        in_threads: whether several may be decoded at the same time.
        is_alone: whether all other processes wait for this one, whatever its rank.
    """
    with ThreadPoolExecutor(None if in_threads else 1) as pool:
        results = _in_order(pool, items, decode)
        # Even a disabled bar of rich 13 writes an empty line.
        yield from track(results, "decoding", total=len(items)) if somebody_watches(is_alone) else results


def _in_order(pool: ThreadPoolExecutor, items: Sequence[Any], decode: Callable[[Any], Any]) -> Iterator[Any]:
    waiting: deque[Future[Any]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(decode, item))
            if len(waiting) == AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


def somebody_watches(is_alone: bool) -> bool:
    is_first = is_alone or not getattr(rank_zero_only, "rank", None)
    return is_first and sys.stdout.isatty()
