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

OPEN = 32  # chunks that a process has mapped


class StreamSamples(Samples):
    """Samples in the chunks of one split of a stream, as litdata writes them.

    litdata's own datasets go through their chunks one after the other and forget each one. Samples in the order of
    (seed, epoch) would have them fetch and decode chunks again and again, so only litdata's files, downloads and
    decoding are used here.

    Args:
        folder: the stream.
        split: its name.
        about: what `write_stream` says of it.
        chunks: its chunks, as litdata's index has them.
        targets: [sample]; None where they are in the chunks.
        lengths: [sample], int64; None where all are equal.
        join: the tensors of the targets of samples -> those of a batch; see `DataModule.join_targets`.
    """

    def __init__(
        self,
        folder: StreamFolder,
        split: str,
        about: dict[str, Any],
        chunks: list[dict[str, Any]],
        targets: Tensor | None,
        lengths: Tensor | None,
        join: Callable[[list[list[Tensor]]], Any],
    ) -> None:
        super().__init__(range(about["rows"]) if targets is None else targets)
        self.folder, self.split, self.about, self._lengths = folder, split, about, lengths
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
        shape = self.about["shape"] if lengths is None else [int(lengths.max())]
        inputs = np.full((len(indices), *shape), self.about["padding"], self.about["dtype"])
        targets: list[list[Tensor]] = [[]] * len(indices)
        for place in sorted(range(len(indices)), key=indices.__getitem__):  # chunk by chunk
            sample = self.read(indices[place])
            if lengths is None:
                inputs[place] = sample["inputs"]
            else:
                inputs[place, : len(sample["inputs"])] = sample["inputs"]
            targets[place] = [torch.from_numpy(part.copy()) for part in sample.get("targets", ())]
        joined = self.targets[indices] if isinstance(self.targets, Tensor) else self.join(targets)
        return Batch(torch.from_numpy(inputs), joined, lengths)

    def read(self, number: int) -> dict[str, Any]:
        """One sample; valid until the next one is read."""
        chunk = bisect_right(self.starts, number) - 1
        if self._reader.pid != os.getpid():  # what is mapped and open is not shared with a process that was forked
            self._reader = _Reader.of(self.folder, self.split, len(self.names))
        try:
            return self._read(self._reader, chunk, number)
        except FileNotFoundError:  # another process, with other samples to read, has made room
            self._reader.chunk = -1
            return self._read(self._reader, chunk, number)

    def _read(self, reader: "_Reader", chunk: int, number: int) -> dict[str, Any]:
        if chunk != reader.chunk:
            reader.chunk, reader.path = chunk, str(self.folder.file(self.names[chunk], self.sizes[chunk]))
        return reader.loader.load_item_from_chunk(number, chunk, reader.path, self.starts[chunk], self.sizes[chunk])

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"_reader": _Reader()}


@dataclass
class _Reader:
    """What one process reads with."""

    pid: int = -1
    loader: Any = None
    chunk: int = -1  # the last one, and where it is
    path: str = ""

    @classmethod
    def of(cls, folder: StreamFolder, split: str, num_chunks: int) -> "_Reader":
        # Decoded ahead, samples that nobody asks for next would cost ten times as much as those that are asked for.
        loader = litdata_part("streaming.item_loader").PyTreeLoader(batch_decode=0)
        index = folder.file(f"{split}/index.json")
        litdata_part("streaming.reader").BinaryReader(str(index.parent), item_loader=loader).get_length()
        loader.set_posix_fast(True, keep=OPEN, willneed=False)
        loader.set_mmap_allowed_chunks(set(range(num_chunks)))
        return cls(os.getpid(), loader)
