"""Streams: samples written once as chunks and read from a folder or a remote store, of any size."""

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..core.error import DataError
from ..core.sampling import MIXED_CHUNKS
from ..core.split_names import SPLITS, Split
from ..core.state import check_same
from .folder import REMOTE, StreamFolder, litdata_part
from .metadata import check_arrays, check_index, check_metadata, check_text
from .samples import StreamSamples

if TYPE_CHECKING:
    from ..core.datamodule import DataModule

FORMAT = 1  # version of the stream format
METADATA = "stream.json"  # written last


class Stream:
    """Replaces a dataset's files by samples, classes and vocabulary written by `write_stream`.

    Args:
        address: a folder or a remote address, such as s3://bucket/folder.
        kept: folder for downloaded chunks; None without a cache.
        limit: maximum size of the downloaded chunks in bytes.
    """

    def __init__(self, address: str, kept: Path | None, limit: float) -> None:
        self.address, self.kept, self.limit = address, kept, limit
        self._opened: tuple[StreamFolder, dict[str, Any]] | None = None

    def setup(self, data: "DataModule", stage: str) -> None:
        """Set up the samples of a stage, like `DataModule.setup`.

        Raises:
            DataError: there is no stream, or it does not match the data module.
        """
        folder, metadata = self.open()
        _check_settings(self.address, metadata["settings"], settings(data))
        for kind, text in metadata.get("warnings", {}).items():
            data.storage.warnings.warn(kind, text)
        expected = data.state()
        data.restore(folder.file(metadata["files"][-1]).parent)
        check_same(expected, data.state(), f"data.stream={self.address} holds")
        splits = {"fit": SPLITS[:2], "validate": SPLITS[1:2], "test": SPLITS[2:]}
        for split in splits.get(stage, ()):
            if split not in metadata["splits"]:
                raise DataError(f"data.stream={self.address} has no {split} split, so nothing is tested")
            if split not in data.samples:
                data.samples[split] = self.samples(data, split)

    def splits(self) -> tuple[Split, ...]:
        """The splits that were written."""
        return tuple(split for split in SPLITS if split in self.open()[1]["splits"])

    def clear(self) -> int:
        """Remove downloaded chunks and return their size in bytes."""
        folder, _ = self.open()
        if not folder.is_remote:
            return 0
        self._opened = None
        if folder.path.is_symlink() or folder.path.parent != self.kept:
            raise DataError(f"{folder.path} is not a folder of the cache: remove it manually")
        freed = sum(path.stat().st_size for path in folder.path.rglob("*") if path.is_file())
        shutil.rmtree(folder.path)
        return freed

    def open(self) -> tuple[StreamFolder, dict[str, Any]]:
        """The folder of the stream with its metadata files, and the content of `stream.json`."""
        if self._opened:
            return self._opened
        litdata_part("streaming")
        is_remote = self.address.startswith(REMOTE)
        if "://" in self.address and not is_remote:
            raise DataError(
                f"data.stream={self.address} is not supported by litdata: set a folder, or an address that starts with one "
                f"of {' '.join(REMOTE)}"
            )
        if is_remote and not self.kept:
            raise DataError(f"data.stream={self.address} needs a folder for its chunks: set data.cache")
        try:
            text = StreamFolder(self.address, Path(), self.limit).read(METADATA)
            metadata = json.loads(text)
            if isinstance(metadata, dict) and metadata.get("format") != FORMAT:
                raise DataError(
                    f"data.stream={self.address} has format {metadata.get('format')!r}, expected {FORMAT}: write it again"
                )
            check_metadata(self.address, metadata, SPLITS)
            folder = StreamFolder(self.address, (self.kept or Path()) / metadata["id"], self.limit)
        except DataError:
            raise
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(
                f"data.stream={self.address} is not a stream, or is incomplete: write one with `data EXPERIMENT "
                f"--write-stream FOLDER` ({error})"
            ) from error
        for name in metadata["files"]:
            folder.file(name)
        self._opened = folder, metadata
        return self._opened

    def samples(self, data: "DataModule", split: str) -> StreamSamples:
        folder, metadata = self.open()
        part = metadata["splits"][split]
        try:
            file = folder.file(f"{split}/index.json")
            check_text(self.address, file.name, file.stat().st_size)
            chunks = check_index(self.address, json.loads(file.read_text(encoding="utf-8")), part)
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise DataError(f"data.stream={self.address}: {split}/index.json cannot be read: {error!r}") from error
        largest = max((chunk["chunk_bytes"] for chunk in chunks), default=0)
        if folder.is_remote and self.limit < 2 * MIXED_CHUNKS * largest:
            raise DataError(
                f"data.stream_gb={self.limit / 1e9:g} is too small for {2 * MIXED_CHUNKS} chunks of {largest / 1e6:.1f} MB, "
                f"which are mixed in batches: set it to {2 * MIXED_CHUNKS * largest / 1e9:.2g} or more"
            )
        for chunk in () if folder.is_remote else chunks:
            folder.file(f"{split}/{chunk['filename']}", chunk["chunk_bytes"])
        try:
            arrays = {name: torch.from_numpy(np.load(folder.file(f"{split}/{name}.npy"))) for name in part["arrays"]}
        except (ValueError, TypeError, EOFError) as error:  # a pickle, or not an array of numbers
            raise DataError(f"data.stream={self.address}: the arrays of {split} cannot be read: {error}") from error
        check_arrays(self.address, arrays, part, largest)
        return StreamSamples(
            folder, split, part, chunks, arrays.get("targets"), arrays.get("lengths"), data.join_targets
        )


def settings(data: "DataModule") -> dict[str, Any]:
    """JSON-serializable settings of a data module on which its samples depend."""
    names = {*getattr(data, "decoding", ()), *data.provides} - data.state().keys()
    values = {name: vars(data)[name] for name in sorted(names) if name in vars(data)}
    plain = {name: list(value) if isinstance(value, (list, tuple)) else value for name, value in values.items()}
    return {name: value for name, value in plain.items() if isinstance(value, (int, float, str, list))}


def _check_settings(address: str, written: dict[str, Any], current: dict[str, Any]) -> None:
    if written.keys() != current.keys():
        raise DataError(
            f"data.stream={address} holds samples of another kind: they depend on {', '.join(written)}, those of this "
            f"data module on {', '.join(current)}"
        )
    for name, value in written.items():
        if value != current[name]:
            raise DataError(
                f"data.stream={address} was written with {name}={value}, but data.{name}={current[name]}: set it to "
                f"{value}, or write a stream with {current[name]}"
            )
