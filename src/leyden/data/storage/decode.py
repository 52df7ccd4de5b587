"""Decoding is paid for once where the decoded samples may be kept, and in every epoch where they may not."""

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
from ..core.loading import MOST_WORKERS, spare_cores
from ..core.samples import RaggedSamples, Samples, TensorSamples, part_of
from ..core.worker_signals import leave_to_parent
from .cache import Entry, Sample, Stored
from .file_samples import FileSamples
from .fingerprint import file_states
from .mapped import mapped
from .packed import Packed
from .storage import Storage, say

SAMPLE = 32  # files that tell how large all of them are, decoded
ALONE = 0.2  # seconds of decoding in this process, before others are started: they cost as much
AT_ONCE = 64  # files that are given to what reads many of them
TOGETHER = 16  # samples that a process hands over at once


def decoded(files: FileSamples, storage: Storage) -> Samples:
    """The samples of files, decoded once and kept as `storage` says; or as they are, where it does not hold them.

    They are kept in its cache, where `made_of` of the files tells what they depend on and all are files, else in
    memory. A file that cannot be read is named or, with `on_corrupt=skip`, is no sample any more.

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
            say(f"{what} take more than data.memory_gb={storage.memory_gb:g} without a cache: decoded in every epoch")
            return files
    return _in_memory(files)


def _entry(files: FileSamples, storage: Storage) -> Entry | None:
    if storage.cache is None or files.made_of is None:
        return None
    try:
        return storage.entry(files.made_of | {"files": files.made_of.get("files") or file_states(files.paths)})
    except OSError:  # to name the file that is not there is for the one who decodes it
        return None


def _is_good(files: FileSamples, stored: Stored) -> bool:
    """Files that could not be read are tried again each time: they are named, and what is fixed is a sample again."""
    if stored.kept is None:
        return True
    missing = sorted(set(range(len(files))) - set(stored.kept.tolist()))
    return all(files.decode(files.paths[number]) is None for number in missing)


def _arrays(files: FileSamples) -> Iterator[Sample]:
    is_empty = True
    for sample in _decode_files(files, is_alone=True):
        is_empty &= sample is None
        yield sample
    if is_empty:
        raise _none_readable(files)


def _decode_files(files: FileSamples, is_alone: bool = False) -> Iterator[Sample]:
    if not files.read_many:
        return decode_all(files.paths, lambda path: _array(files.decode(path)), is_alone)
    parts = [files.paths[first : first + AT_ONCE] for first in range(0, len(files), AT_ONCE)]
    samples = decode_all(parts, files.decode_many, is_alone, in_processes=False)
    return map(_array, chain.from_iterable(samples))


def _array(sample: Tensor | None) -> Sample:
    return None if sample is None else np.ascontiguousarray(sample.numpy())


def _mapped_samples(files: FileSamples, stored: Stored) -> Samples:
    targets = files.targets if stored.kept is None else part_of(files.targets, stored.kept.tolist())
    inputs = mapped(stored.samples)
    if stored.lengths is None:
        samples: Samples = TensorSamples(inputs, targets)
    else:
        samples = RaggedSamples(Packed(inputs, mapped(stored.lengths)), targets)
    return _grouped(samples, files, stored.kept)


def _in_memory(files: FileSamples) -> Samples:
    start, samples, kept = time.perf_counter(), [], []
    for number, sample in enumerate(_decode_files(files)):
        if sample is not None:
            samples.append(torch.from_numpy(sample))
            kept.append(number)
    if not kept:
        raise _none_readable(files)
    num_bytes, seconds = sum(sample.nbytes for sample in samples), time.perf_counter() - start
    say(f"{len(kept)} files decoded in {seconds:.1f} s and kept in memory: {num_bytes / 1e6:.1f} MB")
    targets = part_of(files.targets, kept)
    decoded_samples = RaggedSamples(samples, targets) if files.ragged else TensorSamples(torch.stack(samples), targets)
    return _grouped(decoded_samples, files, kept)


def _grouped(samples: Samples, files: FileSamples, kept: Any) -> Samples:
    """The samples with the groups of the files that they were decoded from; `kept` are the numbers of these, None of all."""
    if files.groups is not None:
        samples.groups = files.groups if kept is None else files.groups[torch.as_tensor(kept)]
    return samples


def _estimate(files: FileSamples) -> float:
    """Bytes of all samples, as some of them have it."""
    paths = files.paths[:: max(1, len(files) // SAMPLE)]
    sizes = [sample.nbytes for path in paths if (sample := files.decode(path)) is not None]
    return len(files) * sum(sizes) / max(1, len(sizes))


def _none_readable(files: FileSamples) -> DataError:
    return DataError(f"none of {len(files)} files could be read: {files.paths[0]} ...")


def decode_all(
    items: Sequence[Any], decode: Callable[[Any], Any], is_alone: bool = False, in_processes: bool = True
) -> Iterator[Any]:
    """Decodes on all CPUs and hands over in order, with a bar where somebody watches.

    Args:
        items: what is decoded.
        decode: one item -> its sample; what it changes in this process is lost, unless it lies in shared memory.
        is_alone: whether all other processes wait for this one, whatever its rank.
        in_processes: whether others than this process may decode.

    Raises:
        DataError: `decode` raised it.
    """
    # Threads would wait for each other: short samples are then decoded at a third of the speed of one thread alone.
    can_fork = in_processes and multiprocessing.get_start_method() == "fork" and hasattr(os, "sched_getaffinity")
    most = 32 if is_alone else MOST_WORKERS
    num_workers = min(spare_cores(1) + 1, len(os.sched_getaffinity(0)), most) if can_fork else 0
    results = _in_order(items, decode, num_workers)
    # Even a disabled bar of rich 13 writes an empty line.
    yield from track(results, "decoding", total=len(items)) if somebody_watches(is_alone) else results


def _in_order(items: Sequence[Any], decode: Callable[[Any], Any], num_workers: int) -> Iterator[Any]:
    begin, number = time.perf_counter(), 0
    while number < len(items) and (not num_workers or time.perf_counter() < begin + ALONE):
        yield decode(items[number])
        number += 1
    if number == len(items):
        return
    rest = _Decoding(items[number:], decode)
    results: Iterable[list[Any]] = DataLoader(
        rest,
        TOGETHER,
        num_workers=num_workers,
        collate_fn=list,
        worker_init_fn=leave_to_parent,
        generator=torch.Generator(),  # nothing is drawn from the one that a run begins with
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
        except DataError as error:  # torch would hand over its traceback as the message
            return error


def somebody_watches(is_alone: bool) -> bool:
    is_first = is_alone or not getattr(rank_zero_only, "rank", None)
    return is_first and sys.stdout.isatty()
