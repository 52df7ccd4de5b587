"""Decoded samples on disk, mapped by all processes of a node: the pages are in memory once, whoever reads them."""

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

FORMAT = 1  # of what is written here
METADATA = "about.json"  # written last

Sample = np.ndarray | None  # None stands for one that cannot be decoded


class Stored(NamedTuple):
    """Samples that are on disk, mapped for reading."""

    samples: np.ndarray  # [sample, ...]; of many lengths, all of them one after the other [element]
    lengths: np.ndarray | None  # of samples of many lengths [sample], int64
    kept: np.ndarray | None  # the numbers of the samples that are there [sample], int64; None where all are
    about: dict[str, Any]


class Entry:
    """One part of a cache: a folder that is either whole or not there.

    It is written beside its place under a lock, brought to the disk, and renamed. Sizes and times of the files tell
    whether somebody changed or cut them since.

    Args:
        folder: the cache.
        made_of: plain values, all that the samples depend on; they are the key. `of` names the dataset.
    """

    def __init__(self, folder: Path, made_of: dict[str, Any]) -> None:
        self.made_of = json.loads(json.dumps(made_of | {"format": FORMAT}, default=str, sort_keys=True))
        key = blake2b(json.dumps(self.made_of, sort_keys=True).encode(), digest_size=12).hexdigest()
        self.path, self.lock = folder / key, folder / f"{key}.lock"
        self.part = folder / f"{key}.{token_hex(4)}.part"  # of this process: some file systems lock on one host alone

    def read(self) -> Stored | None:
        """What is there, or None where nothing is, or it is damaged."""
        try:
            about = json.loads((self.path / METADATA).read_text(encoding="utf-8"))
            if any(_state(self.path / name) != state for name, state in about["files"].items()):
                return None
            shape, dtype = tuple(about["shape"]), np.dtype(about["dtype"])
            # An empty file cannot be mapped.
            samples = (
                np.memmap(self.path / "rows.bin", dtype, "r", shape=shape) if 0 not in shape else np.empty(shape, dtype)
            )
            numbers = {
                name: np.load(self.path / f"{name}.npy", mmap_mode="r") if f"{name}.npy" in about["files"] else None
                for name in ("lengths", "kept")
            }
            return Stored(samples, numbers["lengths"], numbers["kept"], about)
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(
        self,
        samples: Iterable[Sample],
        is_ragged: bool,
        num_bytes: float,
        warnings: Callable[[], dict[str, str]] = dict,
    ) -> None:
        """Puts the samples in the place of what is there.

        Args:
            samples: of one size and dtype; or of many lengths [element].
            is_ragged: whether they have many lengths.
            num_bytes: about how much room they need.
            warnings: what there was to say of the samples once they are all made, by kind.

        Raises:
            OSError: the disk is full, or the folder must not be written.
            DataError: samples have different sizes.
        """
        for abandoned in self.path.parent.glob(f"{self.path.name}.*.part"):  # by one who was killed
            shutil.rmtree(abandoned, ignore_errors=True)
        self.part.mkdir(parents=True)
        try:
            if (free := shutil.disk_usage(self.part).free) < 1.05 * num_bytes:
                raise OSError(ENOSPC, f"{num_bytes / 1e9:.2f} GB are needed and {free / 1e9:.2f} GB free")
            begin = time.perf_counter()
            about = self._write_samples(samples, is_ragged)
            about |= {"made_of": self.made_of, "seconds": round(time.perf_counter() - begin, 2)}
            about["warnings"] = warnings()
            about["files"] = {path.name: _stamped(path) for path in sorted(self.part.iterdir())}
            write_atomically(self.part / METADATA, json.dumps(about))
            sync(self.part)
            shutil.rmtree(self.path, ignore_errors=True)  # what is damaged
            self.part.rename(self.path)
            sync(self.path.parent)
        finally:
            shutil.rmtree(self.part, ignore_errors=True)

    def _write_samples(self, samples: Iterable[Sample], is_ragged: bool) -> dict[str, Any]:
        first, kept, lengths, number = None, [], [], -1
        with (self.part / "rows.bin").open("wb", buffering=1 << 20) as file:
            for number, sample in enumerate(samples):
                if sample is None:
                    continue
                first = sample if first is None else first
                if sample.dtype != first.dtype or (sample.shape != first.shape and not is_ragged):
                    raise DataError(
                        f"sample {number} is {sample.dtype} {sample.shape}, the first one {first.dtype} {first.shape}: "
                        "expected samples of one size"
                    )
                file.write(np.ascontiguousarray(sample).data)
                kept.append(number)
                lengths.append(len(sample))
        if is_ragged:
            np.save(self.part / "lengths.npy", np.array(lengths, dtype=np.int64))
        if len(kept) <= number:
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
        """Keeps all other processes out, on all nodes; who is killed lets go.

        Raises:
            OSError: the folder must not be written, or its file system has no locks.
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
    """What is in a cache, built by the first of all processes that ask for it while the others wait.

    Args:
        entry: where it is.
        build: gives the samples, in order.
        is_ragged, num_bytes, warnings: see `Entry.write`.
        is_good: whether what is there may be used.
        on_wait: called before waiting for another process.

    Returns:
        It, and whether this process built it.

    Raises:
        OSError: it is not there and cannot be written.
    """
    if (stored := entry.read()) and is_good(stored):
        return stored, False
    with entry.locked(on_wait):
        if (stored := entry.read()) and is_good(stored):
            return stored, False
        entry.write(build(), is_ragged, num_bytes, warnings)
        if not (stored := entry.read()):
            raise OSError(f"what was written to {entry.path} cannot be read")
        return stored, True


def entries(folder: Path, of: str) -> list[dict[str, Any]]:
    """What a cache holds of a dataset: of each part the `path`, whether it `is_whole`, `bytes`, and what is known."""
    found = []
    for path in sorted(folder.glob(f"*/{METADATA}")):
        try:
            about = json.loads(path.read_text(encoding="utf-8"))
            if about["made_of"]["of"] != of:
                continue
            is_whole = Entry(folder, about["made_of"]).read() is not None
            size = sum(file.stat().st_size for file in path.parent.iterdir())
            found.append(about | {"path": path.parent, "is_whole": is_whole, "bytes": size})
        except (OSError, ValueError, KeyError, TypeError):  # it goes, or is another's
            continue
    return found


def clear(folder: Path, of: str) -> int:
    """Removes what a cache holds of a dataset, and all that was begun by processes that were killed.

    Returns:
        The bytes that are free now.
    """
    freed = 0
    for about in entries(folder, of):
        _remove(about["path"])
        freed += about["bytes"]
    for part in folder.glob("*.part"):
        try:
            with FileLock(part.with_name(f"{part.name.partition('.')[0]}.lock"), 0):
                freed += sum(file.stat().st_size for file in part.iterdir())
                _remove(part)
        except Timeout:  # it is being written
            continue
    return freed


def _remove(folder: Path) -> None:
    """Removes a folder of the cache; of a link only itself, never what it leads to."""
    folder.unlink() if folder.is_symlink() else shutil.rmtree(folder)


def _state(path: Path) -> list[int]:
    known = path.stat()
    return [known.st_size, known.st_mtime_ns]


def _stamped(path: Path) -> list[int]:
    """Brings a file to the disk, with a time that no file system rounds, and gives its state."""
    second = int(time.time()) // 2 * 2
    sync(path)
    os.utime(path, (second, second))
    sync(path)
    return _state(path)
