"""Samples that are written once as chunks and read from a folder or a store, however many there are."""

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..core.error import DataError
from ..core.sampling import WINDOW
from ..core.split_names import SPLITS, Split
from ..core.state import check_same
from .folder import REMOTE, StreamFolder, litdata_part
from .metadata import check_about, check_arrays, check_index, check_text
from .samples import StreamSamples

if TYPE_CHECKING:
    from ..core.datamodule import DataModule

FORMAT = 1  # of what is written here
METADATA = "stream.json"  # written last


class Stream:
    """Takes the place of a dataset's files: classes, vocabulary and samples are those that `write_stream` wrote.

    Args:
        address: a folder, or one of a remote store, as in s3://bucket/folder.
        kept: folder for the chunks of remote stores; None where there is no cache.
        limit: of those of this stream, in bytes.
    """

    def __init__(self, address: str, kept: Path | None, limit: float) -> None:
        self.address, self.kept, self.limit = address, kept, limit
        self._opened: tuple[StreamFolder, dict[str, Any]] | None = None

    def setup(self, data: "DataModule", stage: str) -> None:
        """The samples of a stage, as `DataModule.setup` has them.

        Raises:
            DataError: there is no stream, or it does not go with the data module.
        """
        folder, about = self.open()
        _check_settings(self.address, about["settings"], settings(data))
        for kind, text in about.get("warnings", {}).items():
            data.storage.warnings.warn(kind, text)
        known = data.state()
        data.restore(folder.file(about["files"][-1]).parent)
        check_same(known, data.state(), f"data.stream={self.address} holds")
        splits = {"fit": SPLITS[:2], "validate": SPLITS[1:2], "test": SPLITS[2:]}
        for split in splits.get(stage, ()):
            if split not in about["splits"]:
                raise DataError(f"data.stream={self.address} has no {split} split, so that nothing is tested")
            if split not in data.samples:
                data.samples[split] = self.samples(data, split)

    def splits(self) -> tuple[Split, ...]:
        """The splits that were written."""
        return tuple(split for split in SPLITS if split in self.open()[1]["splits"])

    def clear(self) -> int:
        """Removes what is kept of a remote stream, and gives its bytes."""
        folder, _ = self.open()
        if not folder.is_remote:
            return 0
        self._opened = None
        if folder.path.is_symlink() or folder.path.parent != self.kept:
            raise DataError(f"{folder.path} is not a folder of the cache: remove it yourself")
        freed = sum(path.stat().st_size for path in folder.path.rglob("*") if path.is_file())
        shutil.rmtree(folder.path)
        return freed

    def open(self) -> tuple[StreamFolder, dict[str, Any]]:
        """The folder with all that describes the stream, and what is written of it."""
        if self._opened:
            return self._opened
        litdata_part("streaming")
        is_remote = self.address.startswith(REMOTE)
        if "://" in self.address and not is_remote:
            raise DataError(
                f"data.stream={self.address} is no place that litdata reads from: give a folder, or an address that "
                f"begins with one of {' '.join(REMOTE)}"
            )
        if is_remote and not self.kept:
            raise DataError(f"data.stream={self.address} needs a place for its chunks: set data.cache to a folder")
        try:
            text = StreamFolder(self.address, Path(), self.limit).read(METADATA)
            about = json.loads(text)
            if isinstance(about, dict) and about.get("format") != FORMAT:
                raise DataError(
                    f"data.stream={self.address} has format {about.get('format')!r}, not {FORMAT}: write it again"
                )
            check_about(self.address, about, SPLITS)
            folder = StreamFolder(self.address, (self.kept or Path()) / about["id"], self.limit)
        except DataError:
            raise
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(
                f"data.stream={self.address} is no stream, or its writing was interrupted: write one with `data "
                f"EXPERIMENT --write-stream FOLDER` ({error})"
            ) from error
        for name in about["files"]:
            folder.file(name)
        self._opened = folder, about
        return self._opened

    def samples(self, data: "DataModule", split: str) -> StreamSamples:
        folder, about = self.open()
        part = about["splits"][split]
        try:
            file = folder.file(f"{split}/index.json")
            check_text(self.address, file.name, file.stat().st_size)
            chunks = check_index(self.address, json.loads(file.read_text(encoding="utf-8")), part)
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise DataError(f"data.stream={self.address}: {split}/index.json cannot be read: {error!r}") from error
        largest = max((chunk["chunk_bytes"] for chunk in chunks), default=0)
        if folder.is_remote and self.limit < 2 * WINDOW * largest:
            raise DataError(
                f"data.stream_gb={self.limit / 1e9:g} is too little for {2 * WINDOW} chunks of {largest / 1e6:.1f} MB, "
                f"from which batches are mixed: set it to {2 * WINDOW * largest / 1e9:.2g} or more"
            )
        for chunk in () if folder.is_remote else chunks:
            folder.file(f"{split}/{chunk['filename']}", chunk["chunk_bytes"])
        try:
            arrays = {name: torch.from_numpy(np.load(folder.file(f"{split}/{name}.npy"))) for name in part["arrays"]}
        except (ValueError, TypeError, EOFError) as error:  # a pickle, or no array of numbers
            raise DataError(f"data.stream={self.address}: the arrays of {split} cannot be read: {error}") from error
        check_arrays(self.address, arrays, part, largest)
        return StreamSamples(
            folder, split, part, chunks, arrays.get("targets"), arrays.get("lengths"), data.join_targets
        )


def settings(data: "DataModule") -> dict[str, Any]:
    """The settings of a data module on which its samples depend, as plain values."""
    names = {*getattr(data, "decoding", ()), *data.provides} - data.state().keys()
    known = {name: vars(data)[name] for name in sorted(names) if name in vars(data)}
    plain = {name: list(one) if isinstance(one, (list, tuple)) else one for name, one in known.items()}
    return {name: one for name, one in plain.items() if isinstance(one, (int, float, str, list))}


def _check_settings(address: str, written: dict[str, Any], asked: dict[str, Any]) -> None:
    if written.keys() != asked.keys():
        raise DataError(
            f"data.stream={address} holds samples of another kind: they depend on {', '.join(written)}, those of this "
            f"data on {', '.join(asked)}"
        )
    for name, value in written.items():
        if value != asked[name]:
            raise DataError(
                f"data.stream={address} was written with {name}={value}, but data.{name}={asked[name]}: set it to "
                f"{value}, or write a stream with {asked[name]}"
            )
