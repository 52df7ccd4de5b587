"""On-disk cache of decoded samples, memory-mapped by all processes of a node, so that pages are in memory once."""

import json
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from errno import ENOSPC
from hashlib import blake2b
from pathlib import Path
from secrets import token_hex
from typing import Any, NamedTuple

import numpy as np
from filelock import FileLock, Timeout

from ...io import sync, write_atomically
from ..core.error import DataError

FORMAT = 1  # version of the cache format
METADATA = "about.json"  # written last

Sample = np.ndarray | None  # None for a sample that cannot be decoded


class Stored(NamedTuple):
    """Memory-mapped samples on disk."""

    samples: np.ndarray  # (sample, ...); of variable length, concatenated (element,)
    lengths: np.ndarray | None  # lengths of samples of variable length (sample,), int64
    kept: np.ndarray | None  # indices of the files that could be decoded (sample,), int64; None if all could
    metadata: dict[str, Any]


class Entry:
    """One entry of a cache: a folder that is either complete or missing.

    It is written to a temporary folder under a lock, synced to disk and renamed. Sizes and modification times of the
    files show whether they were changed or truncated since.

    Args:
        folder: folder of the cache.
        made_of: JSON-serializable values on which the samples depend, used as the key. `of` names the dataset.
    """

    def __init__(self, folder: Path, made_of: dict[str, Any]) -> None:
        self.made_of = json.loads(json.dumps(made_of | {"format": FORMAT}, default=str, sort_keys=True))
        key = blake2b(json.dumps(self.made_of, sort_keys=True).encode(), digest_size=12).hexdigest()
        self.path, self.lock = folder / key, folder / f"{key}.lock"
        self.part = folder / f"{key}.{token_hex(4)}.part"  # per process: on some file systems locks are local to a host

    def read(self) -> Stored | None:
        """The samples, or None if the entry is missing or damaged."""
        try:
            metadata = json.loads((self.path / METADATA).read_text(encoding="utf-8"))
            if any(_state(self.path / name) != state for name, state in metadata["files"].items()):
                return None
            shape, dtype = tuple(metadata["shape"]), np.dtype(metadata["dtype"])
            # An empty file cannot be memory-mapped.
            samples = (
                np.memmap(self.path / "rows.bin", dtype, "r", shape=shape) if 0 not in shape else np.empty(shape, dtype)
            )
            arrays = {
                name: np.load(self.path / f"{name}.npy", mmap_mode="r") if f"{name}.npy" in metadata["files"] else None
                for name in ("lengths", "kept")
            }
            return Stored(samples, arrays["lengths"], arrays["kept"], metadata)
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(
        self,
        samples: Iterable[Sample],
        is_ragged: bool,
        num_bytes: float,
        warnings: Callable[[], dict[str, str]] = dict,
    ) -> None:
        """Write the samples, replacing an existing entry.

        Args:
            samples: arrays of one size and dtype; or of variable length (element,).
            is_ragged: whether they have variable length.
            num_bytes: estimated size.
            warnings: returns the warnings about the samples, by kind; called after the last sample.

        Raises:
            OSError: the disk is full, or the folder is not writable.
            DataError: samples have different sizes.
        """
        for abandoned in self.path.parent.glob(f"{self.path.name}.*.part"):  # by a process that was killed
            shutil.rmtree(abandoned, ignore_errors=True)
        self.part.mkdir(parents=True)
        try:
            if (free := shutil.disk_usage(self.part).free) < 1.05 * num_bytes:
                raise OSError(ENOSPC, f"{num_bytes / 1e9:.2f} GB are needed, but only {free / 1e9:.2f} GB are free")
            begin = time.perf_counter()
            metadata = self._write_samples(samples, is_ragged)
            metadata |= {"made_of": self.made_of, "seconds": round(time.perf_counter() - begin, 2)}
            metadata["warnings"] = warnings()
            metadata["files"] = {path.name: _stamped(path) for path in sorted(self.part.iterdir())}
            write_atomically(self.part / METADATA, json.dumps(metadata))
            sync(self.part)
            shutil.rmtree(self.path, ignore_errors=True)  # a damaged entry
            self.part.rename(self.path)
            sync(self.path.parent)
        finally:
            shutil.rmtree(self.part, ignore_errors=True)

    def _write_samples(self, samples: Iterable[Sample], is_ragged: bool) -> dict[str, Any]:
        first, kept, lengths, index = None, [], [], -1
        with (self.part / "rows.bin").open("wb", buffering=1 << 20) as file:
            for index, sample in enumerate(samples):
                if sample is None:
                    continue
                first = sample if first is None else first
                if sample.dtype != first.dtype or (sample.shape != first.shape and not is_ragged):
                    raise DataError(
                        f"sample {index} is {sample.dtype} {sample.shape}, the first one {first.dtype} {first.shape}: "
                        "expected samples of one size"
                    )
                file.write(np.ascontiguousarray(sample).data)
                kept.append(index)
                lengths.append(len(sample))
        if is_ragged:
            np.save(self.part / "lengths.npy", np.array(lengths, dtype=np.int64))
        if len(kept) <= index:
            np.save(self.part / "kept.npy", np.array(kept, dtype=np.int64))
        shape = () if first is None else first.shape
        dtype = np.dtype(np.uint8) if first is None else first.dtype
        return {
            "dtype": dtype.name,
            "rows": len(kept),
            "shape": [sum(lengths)] if is_ragged else [len(kept), *shape],
        }

    @contextmanager
    def locked(self, on_wait: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Lock out all other processes, on all nodes; the lock of a killed process is released.

        Raises:
            OSError: the folder is not writable, or its file system has no locks.
        """
        self.lock.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.lock)
        try:
            try:
                lock.acquire(timeout=0)
            except Timeout:
                on_wait()
                lock.acquire()
        except NotImplementedError as error:
            raise OSError(str(error)) from error
        try:
            yield
        finally:
            lock.release()


def cached(
    entry: Entry,
    build: Callable[[], Iterable[Sample]],
    is_ragged: bool,
    num_bytes: float,
    is_good: Callable[[Stored], bool] = lambda stored: True,
    on_wait: Callable[[], None] = lambda: None,
    warnings: Callable[[], dict[str, str]] = dict,
) -> tuple[Stored, bool]:
    """Samples of a cache entry, built by the first process that needs it while the others wait.

    Args:
        entry: the cache entry.
        build: returns the samples, in order.
        is_ragged, num_bytes, warnings: see `Entry.write`.
        is_good: whether an existing entry may be used.
        on_wait: called before waiting for another process.

    Returns:
        The samples, and whether this process built them.

    Raises:
        OSError: the entry cannot be written.
    """
    if (stored := entry.read()) and is_good(stored):
        return stored, False
    with entry.locked(on_wait):
        if (stored := entry.read()) and is_good(stored):
            return stored, False
        entry.write(build(), is_ragged, num_bytes, warnings)
        if not (stored := entry.read()):
            raise OSError(f"{entry.path} cannot be read back after writing")
        return stored, True


def entries(folder: Path, of: str) -> list[dict[str, Any]]:
    """Cache entries of a dataset: the metadata of each, with its `path`, whether it `is_whole`, and its `bytes`."""
    results = []
    for path in sorted(folder.glob(f"*/{METADATA}")):
        try:
            metadata = json.loads(path.read_text(encoding="utf-8"))
            if metadata["made_of"]["of"] != of:
                continue
            is_whole = Entry(folder, metadata["made_of"]).read() is not None
            size = sum(file.stat().st_size for file in path.parent.iterdir())
            results.append(metadata | {"path": path.parent, "is_whole": is_whole, "bytes": size})
        except (OSError, ValueError, KeyError, TypeError):  # being removed, or not of this format
            continue
    return results


def clear(folder: Path, of: str) -> int:
    """Remove the cache entries of a dataset, and incomplete entries of processes that were killed.

    Returns:
        The number of bytes freed.
    """
    freed = 0
    for entry in entries(folder, of):
        _remove(entry["path"])
        freed += entry["bytes"]
    for part in folder.glob("*.part"):
        try:
            with FileLock(part.with_name(f"{part.name.partition('.')[0]}.lock"), 0):
                freed += sum(file.stat().st_size for file in part.iterdir())
                _remove(part)
        except Timeout:  # it is being written
            continue
    return freed


def _remove(folder: Path) -> None:
    """Remove a folder of the cache; of a symbolic link, only the link."""
    folder.unlink() if folder.is_symlink() else shutil.rmtree(folder)


def _state(path: Path) -> list[int]:
    stat = path.stat()
    return [stat.st_size, stat.st_mtime_ns]


def _stamped(path: Path) -> list[int]:
    """Sync a file to disk, set a modification time that no file system rounds, and return its state."""
    second = int(time.time()) // 2 * 2
    sync(path)
    os.utime(path, (second, second))
    sync(path)
    return _state(path)
