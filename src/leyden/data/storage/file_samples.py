import logging
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, Literal

import torch
from torch import Tensor

from ..core.batch import Batch
from ..core.error import DataError
from ..core.samples import Samples, pad

log = logging.getLogger(__name__)

OnCorrupt = Literal["raise", "skip"]


class FileSamples(Samples):
    """Samples that are read from files on access.

    Args:
        paths: one file per sample, or other arguments of `read` that identify a sample in messages.
        targets: (sample,), or a sequence of targets as defined by the task.
        read: converts a file to a tensor in storage dtype; raises an error for a file that it cannot decode.
        ragged: pad to the longest sample of the batch (waveforms) instead of stacking (images of one size).
        on_corrupt: `raise`, or `skip` the file with a warning, which makes the batch smaller.
        measure: returns the length of a file from its header; 0 if it cannot be read. Called once per file.
        made_of: JSON-serializable values that describe the decoding, see `decoder`; without them samples are not cached.
        read_many: converts several files at once, with None for each that is left to `read`; for decoders that are faster
            on batches and cannot run in worker processes, such as on a GPU.

    Raises:
        DataError: a file cannot be read.
    """

    def __init__(
        self,
        paths: Sequence[Any],
        targets: Any,
        read: Callable[[Any], Tensor],
        ragged: bool = False,
        on_corrupt: OnCorrupt = "raise",
        measure: Callable[[Any], int] | None = None,
        made_of: dict[str, Any] | None = None,
        read_many: Callable[[Sequence[Any]], list[Tensor | None]] | None = None,
    ) -> None:
        super().__init__(targets)
        self.paths, self.read, self.ragged, self.on_corrupt = paths, read, ragged, on_corrupt
        self.measure, self.made_of, self.read_many = measure, made_of, read_many
        self.corrupt: set[Any] = set()

    @property
    def decodes(self) -> bool:
        return self.read_many is None

    @cached_property
    def lengths(self) -> Tensor | None:
        if self.measure is None:
            return None
        return torch.tensor([self.measure(path) for path in self.paths], dtype=torch.int64)

    def __getitems__(self, indices: list[int]) -> Batch:
        samples = zip(indices, self.decode_many([self.paths[i] for i in indices]), strict=True)
        decoded = [(tensor, i) for i, tensor in samples if tensor is not None]
        if not decoded:
            names = ", ".join(str(self.paths[i]) for i in indices[:3])
            raise DataError(f"no file of the batch could be read: {names} ...")
        inputs, kept = [tensor for tensor, _ in decoded], [i for _, i in decoded]
        if self.ragged:
            return pad(inputs, self.targets[kept])
        return Batch(torch.stack(inputs), self.targets[kept])

    def decode_many(self, paths: Sequence[Any]) -> list[Tensor | None]:
        """One sample per file, or None for a file that cannot be read and is skipped."""
        samples = self.read_many(paths) if self.read_many else [None] * len(paths)
        return [self.decode(path) if sample is None else sample for path, sample in zip(paths, samples, strict=True)]

    def decode(self, path: Any) -> Tensor | None:
        """One sample, or None if its file cannot be read and is skipped."""
        try:
            return self.read(path)
        except (OSError, RuntimeError, ValueError) as error:
            reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            if self.on_corrupt == "raise":
                raise DataError(
                    f"cannot read {path}: {reason}\nRepair or remove the file, or set data.on_corrupt=skip."
                ) from None
            if path not in self.corrupt:
                self.corrupt.add(path)
                log.warning("skipped %s: %s", path, reason)
            return None
