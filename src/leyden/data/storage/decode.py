"""Decoding of files: once if the decoded samples can be kept, otherwise in every epoch."""

import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain
from typing import Any

import numpy as np
import torch
from lightning.pytorch.utilities import rank_zero_only
from rich.progress import track
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ..core.error import DataError
from ..core.loading import MAX_WORKERS, spare_cores
from ..core.samples import RaggedSamples, Samples, TensorSamples, select_targets
from ..core.worker_signals import leave_signals_to_parent
from .cache import Entry, Sample, Stored
from .file_samples import FileSamples
from .fingerprint import file_states
from .mapped import mapped
from .packed import Packed
from .storage import Storage, log_info

FILES_TO_ESTIMATE_SIZE = 32
INLINE_DECODE_SECONDS = 0.2  # in this process, before starting workers, which costs about as much
FILES_PER_READ_MANY = 64
SAMPLES_PER_TASK = 16  # that a worker returns at once


def decoded(files: FileSamples, storage: Storage) -> Samples:
    """Decode the samples of files once and keep them as `storage` allows; otherwise, return `files`.

    Samples are kept in the cache if `files.made_of` describes how they are decoded, else in memory. A file that cannot
    be read is an error or, with `on_corrupt=skip`, left out with a warning.

    Raises:
        DataError: a file cannot be read, or none can.
    """
    if not len(files) or storage.place == "disk":
        return files
    entry, what = _entry(files, storage), f"{len(files)} files"
    stored = entry.read() if entry else None
    num_bytes = stored.samples.nbytes if stored else _estimate(files)
    if not storage.holds(num_bytes, what):
        return files
    if entry:
        build, is_good = partial(_arrays, files), partial(_is_good, files)
        if kept := storage.keep(entry, build, files.ragged, num_bytes, is_good):
            return _mapped_samples(files, kept)
        if num_bytes > storage.memory_gb * 1e9:
            log_info(
                f"{what} take more than data.memory_gb={storage.memory_gb:g}, and there is no cache: decoded in every epoch"
            )
            return files
    return _in_memory(files)


def _entry(files: FileSamples, storage: Storage) -> Entry | None:
    if storage.cache is None or files.made_of is None:
        return None
    try:
        return storage.entry(files.made_of | {"files": files.made_of.get("files") or file_states(files.paths)})
    except OSError:  # missing files are reported by the decoder
        return None


def _is_good(files: FileSamples, stored: Stored) -> bool:
    """Retry the files that could not be read: they are reported again, and invalidate the entry once they can be."""
    if stored.kept is None:
        return True
    missing = sorted(set(range(len(files))) - set(stored.kept.tolist()))
    return all(files.decode(files.paths[index]) is None for index in missing)


def _arrays(files: FileSamples) -> Iterator[Sample]:
    is_empty = True
    for sample in _decode_files(files, others_wait=True):
        is_empty &= sample is None
        yield sample
    if is_empty:
        raise _none_readable(files)


def _decode_files(files: FileSamples, others_wait: bool = False) -> Iterator[Sample]:
    if not files.read_many:
        return decode_all(files.paths, lambda path: _array(files.decode(path)), others_wait)
    starts = range(0, len(files), FILES_PER_READ_MANY)
    parts = [files.paths[start : start + FILES_PER_READ_MANY] for start in starts]
    samples = decode_all(parts, files.decode_many, others_wait, in_processes=False)
    return map(_array, chain.from_iterable(samples))


def _array(sample: Tensor | None) -> Sample:
    return None if sample is None else np.ascontiguousarray(sample.numpy())


def _mapped_samples(files: FileSamples, stored: Stored) -> Samples:
    targets = files.targets if stored.kept is None else select_targets(files.targets, stored.kept.tolist())
    inputs = mapped(stored.samples)
    if stored.lengths is None:
        samples: Samples = TensorSamples(inputs, targets)
    else:
        samples = RaggedSamples(Packed(inputs, mapped(stored.lengths)), targets)
    return _grouped(samples, files, stored.kept)


def _in_memory(files: FileSamples) -> Samples:
    start, samples, kept = time.perf_counter(), [], []
    for index, sample in enumerate(_decode_files(files)):
        if sample is not None:
            samples.append(torch.from_numpy(sample))
            kept.append(index)
    if not kept:
        raise _none_readable(files)
    num_bytes, seconds = sum(sample.nbytes for sample in samples), time.perf_counter() - start
    log_info(f"{len(kept)} files decoded in {seconds:.1f} s and kept in memory: {num_bytes / 1e6:.1f} MB")
    targets = select_targets(files.targets, kept)
    decoded_samples = RaggedSamples(samples, targets) if files.ragged else TensorSamples(torch.stack(samples), targets)
    return _grouped(decoded_samples, files, kept)


def _grouped(samples: Samples, files: FileSamples, kept: Any) -> Samples:
    """Copy the groups of the files to their samples; `kept` are the indices of the decoded files, None if all were."""
    if files.groups is not None:
        samples.groups = files.groups if kept is None else files.groups[torch.as_tensor(kept)]
    return samples


def _estimate(files: FileSamples) -> float:
    """Estimated size of all samples in bytes, from some of them."""
    paths = files.paths[:: max(1, len(files) // FILES_TO_ESTIMATE_SIZE)]
    sizes = [sample.nbytes for path in paths if (sample := files.decode(path)) is not None]
    return len(files) * sum(sizes) / max(1, len(sizes))


def _none_readable(files: FileSamples) -> DataError:
    return DataError(f"none of {len(files)} files could be read: {files.paths[0]} ...")


def decode_all(
    items: Sequence[Any], decode: Callable[[Any], Any], others_wait: bool = False, in_processes: bool = True
) -> Iterator[Any]:
    """Decode on all CPU cores, in order, with a progress bar on a terminal.

    Args:
        items: the items to decode.
        decode: converts one item to its sample; its side effects in this process are lost, except in shared memory.
        others_wait: whether all other processes wait for this one, whatever its rank.
        in_processes: whether worker processes may decode.

    Raises:
        DataError: raised by `decode`.
    """
    # Threads would contend: they decode short samples at a third of the speed of a single thread.
    can_fork = in_processes and multiprocessing.get_start_method() == "fork" and hasattr(os, "sched_getaffinity")
    most = 32 if others_wait else MAX_WORKERS
    num_workers = min(spare_cores(1) + 1, len(os.sched_getaffinity(0)), most) if can_fork else 0
    results = _in_order(items, decode, num_workers)
    # Even a disabled progress bar of rich 13 prints an empty line.
    yield from track(results, "decoding", total=len(items)) if shows_progress(others_wait) else results


def _in_order(items: Sequence[Any], decode: Callable[[Any], Any], num_workers: int) -> Iterator[Any]:
    begin, index = time.perf_counter(), 0
    while index < len(items) and (not num_workers or time.perf_counter() < begin + INLINE_DECODE_SECONDS):
        yield decode(items[index])
        index += 1
    if index == len(items):
        return
    rest = _Decoding(items[index:], decode)
    results: Iterable[list[Any]] = DataLoader(
        rest,
        SAMPLES_PER_TASK,
        num_workers=num_workers,
        collate_fn=list,
        worker_init_fn=leave_signals_to_parent,
        generator=torch.Generator(),  # must not draw from the global generator
    )
    for result in chain.from_iterable(results):
        if isinstance(result, DataError):
            raise result
        yield result


class _Decoding(Dataset[Any]):
    def __init__(self, items: Sequence[Any], decode: Callable[[Any], Any]) -> None:
        self.items, self.decode = items, decode

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Any:
        try:
            return self.decode(self.items[index])
        except DataError as error:  # torch would put its traceback into the message
            return error


def shows_progress(others_wait: bool) -> bool:
    is_first = others_wait or not getattr(rank_zero_only, "rank", None)
    return is_first and sys.stdout.isatty()
