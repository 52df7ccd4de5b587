import os
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..core.batch import Batch
from ..core.samples import Samples
from .folder import StreamFolder, litdata_part

MAX_MAPPED_CHUNKS = 32  # per process


class StreamSamples(Samples):
    """Samples in the chunks of one split of a stream, as written by litdata.

    litdata's own datasets read chunks sequentially and forget each one. In the order of (seed, epoch) they would fetch
    and decode chunks again and again, so only litdata's file format, downloads and decoding are used.

    Args:
        folder: the stream.
        split: name of the split.
        metadata: metadata of the split in `stream.json`.
        chunks: chunks in litdata's index.
        targets: (sample,), or None if the targets are in the chunks.
        lengths: (sample,), int64, or None if all are equal.
        join: collates targets, see `DataModule.join_targets`.
    """

    def __init__(
        self,
        folder: StreamFolder,
        split: str,
        metadata: dict[str, Any],
        chunks: list[dict[str, Any]],
        targets: Tensor | None,
        lengths: Tensor | None,
        join: Callable[[list[list[Tensor]]], Any],
    ) -> None:
        super().__init__(range(metadata["rows"]) if targets is None else targets)
        self.folder, self.split, self.metadata, self._lengths = folder, split, metadata, lengths
        self.join = join
        self.names = [f"{split}/{chunk['filename']}" for chunk in chunks]
        self._chunks = torch.tensor([chunk["chunk_size"] for chunk in chunks], dtype=torch.int64)
        self.sizes = [chunk["chunk_bytes"] for chunk in chunks]
        self.starts = [0, *self._chunks.cumsum(0).tolist()]
        self._reader = _Reader()

    @property
    def decodes(self) -> bool:
        return True

    @property
    def lengths(self) -> Tensor | None:
        return self._lengths

    @property
    def chunks(self) -> Tensor:
        return self._chunks

    def __getitems__(self, indices: list[int]) -> Batch:
        lengths = None if self.lengths is None else self.lengths[indices]
        shape = self.metadata["shape"] if lengths is None else [int(lengths.max())]
        inputs = np.full((len(indices), *shape), self.metadata["padding"], self.metadata["dtype"])
        targets: list[list[Tensor]] = [[]] * len(indices)
        for position in sorted(range(len(indices)), key=indices.__getitem__):  # chunk by chunk
            sample = self.read(indices[position])
            if lengths is None:
                inputs[position] = sample["inputs"]
            else:
                inputs[position, : len(sample["inputs"])] = sample["inputs"]
            targets[position] = [torch.from_numpy(part.copy()) for part in sample.get("targets", ())]
        joined = self.targets[indices] if isinstance(self.targets, Tensor) else self.join(targets)
        return Batch(torch.from_numpy(inputs), joined, lengths)

    def read(self, index: int) -> dict[str, Any]:
        """Read one sample, valid until the next call."""
        chunk = bisect_right(self.starts, index) - 1
        if self._reader.pid != os.getpid():  # memory maps and open files must not be shared with a forked process
            self._reader = _Reader.of(self.folder, self.split, len(self.names))
        try:
            return self._read(self._reader, chunk, index)
        except FileNotFoundError:  # another process has removed the chunk to make room
            self._reader.chunk = -1
            return self._read(self._reader, chunk, index)

    def _read(self, reader: "_Reader", chunk: int, index: int) -> dict[str, Any]:
        if chunk != reader.chunk:
            reader.chunk, reader.path = chunk, str(self.folder.file(self.names[chunk], self.sizes[chunk]))
        return reader.loader.load_item_from_chunk(index, chunk, reader.path, self.starts[chunk], self.sizes[chunk])

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"_reader": _Reader()}


@dataclass
class _Reader:
    """State of reading in one process."""

    pid: int = -1
    loader: Any = None
    chunk: int = -1  # the last chunk read, and its path
    path: str = ""

    @classmethod
    def of(cls, folder: StreamFolder, split: str, num_chunks: int) -> "_Reader":
        # Without batch decoding: in random order, most samples decoded ahead would be discarded.
        loader = litdata_part("streaming.item_loader").PyTreeLoader(batch_decode=0)
        index = folder.file(f"{split}/index.json")
        litdata_part("streaming.reader").BinaryReader(str(index.parent), item_loader=loader).get_length()
        loader.set_posix_fast(True, keep=MAX_MAPPED_CHUNKS, willneed=False)
        loader.set_mmap_allowed_chunks(set(range(num_chunks)))
        return cls(os.getpid(), loader)
