"""Datasets that hand over whole batches: one `__getitems__` a batch instead of one `__getitem__` a row."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset, Subset

from .batch import Batch
from .error import DataError

OnCorrupt = Literal["raise", "skip"]


class Rows(Dataset[Batch]):
    """A dataset of `len(targets)` rows, fetched a batch at a time.

    Args:
        targets: class numbers [row], int64; or what the task says, one a row.
    """

    def __init__(self, targets: Any) -> None:
        self.targets = targets

    @property
    def decodes(self) -> bool:
        """Whether files are decoded whenever a batch is asked for."""
        return False

    @property
    def classes(self) -> Tensor:
        """The class of each row, for stratified splits [row], int64; all 0 where a row has no single one."""
        if isinstance(self.targets, Tensor) and self.targets.ndim == 1:
            return self.targets
        return torch.zeros(len(self), dtype=torch.int64)

    @property
    def lengths(self) -> Tensor | None:
        """The length of each row [row], int64, known without reading it; None where all are equal or nobody knows."""
        return None

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int) -> Batch:
        return self.__getitems__([index])

    def __getitems__(self, indices: list[int]) -> Batch:
        raise NotImplementedError


class TensorRows(Rows):
    """Rows of one size, in memory.

    Args:
        inputs: [row, ...] in storage dtype.
        targets: [row].
    """

    def __init__(self, inputs: Tensor, targets: Tensor) -> None:
        super().__init__(targets)
        self.inputs = inputs

    def __getitems__(self, indices: list[int]) -> Batch:
        rows = torch.tensor(indices)
        return Batch(self.inputs[rows], self.targets[rows])


class RaggedRows(Rows):
    """Rows of many lengths, in memory, padded to the longest of their batch.

    Args:
        inputs: one tensor [time or token] a row.
        targets: [row], or what the task says, one a row.
        padding: the value that fills the rest.
    """

    def __init__(self, inputs: Sequence[Tensor], targets: Any, padding: int = 0) -> None:
        super().__init__(targets)
        self.inputs, self.padding = inputs, padding

    @cached_property
    def lengths(self) -> Tensor:
        return torch.tensor([len(row) for row in self.inputs], dtype=torch.int64)

    def __getitems__(self, indices: list[int]) -> Batch:
        return pad([self.inputs[i] for i in indices], self.targets[indices], self.padding)


class FileRows(Rows):
    """Rows read from files when their batch is asked for.

    Args:
        paths: one file a row, or what else `read` takes and an error message names.
        targets: [row], or what the task says, one a row.
        read: file -> tensor in storage dtype; raises on a file that it cannot decode.
        ragged: pad to the longest of the batch (waveforms) instead of stacking (images of one size).
        on_corrupt: `raise`, or `skip` the file with a warning: the batch is then smaller.
        measure: file -> its length, from its header alone; 0 for a file that cannot be read. Asked once for each file.

    Raises:
        DataError: a file cannot be read; the message names it.
    """

    def __init__(
        self,
        paths: Sequence[Any],
        targets: Any,
        read: Callable[[Any], Tensor],
        ragged: bool = False,
        on_corrupt: OnCorrupt = "raise",
        measure: Callable[[Any], int] | None = None,
    ) -> None:
        super().__init__(targets)
        self.paths, self.read, self.ragged, self.on_corrupt = paths, read, ragged, on_corrupt
        self.measure = measure
        self.corrupt: set[Any] = set()

    @property
    def decodes(self) -> bool:
        return True

    @cached_property
    def lengths(self) -> Tensor | None:
        if self.measure is None:
            return None
        return torch.tensor([self.measure(path) for path in self.paths], dtype=torch.int64)

    def __getitems__(self, indices: list[int]) -> Batch:
        decoded = [(tensor, i) for i in indices if (tensor := self.decode(self.paths[i])) is not None]
        if not decoded:
            names = ", ".join(str(self.paths[i]) for i in indices[:3])
            raise DataError(f"no file of a whole batch could be read: {names} ...")
        inputs, kept = [tensor for tensor, _ in decoded], [i for _, i in decoded]
        if self.ragged:
            return pad(inputs, self.targets[kept])
        return Batch(torch.stack(inputs), self.targets[kept])

    def decode(self, path: Any) -> Tensor | None:
        """One row, or None where its file cannot be read and is skipped."""
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
                print(f"skipped {path}: {reason}", flush=True)
            return None


def pad(inputs: Sequence[Tensor], targets: Any, padding: int = 0) -> Batch:
    """Rows [time] of many lengths -> a batch [batch, longest time] with `lengths`."""
    lengths = torch.tensor([len(row) for row in inputs])
    return Batch(pad_sequence(list(inputs), batch_first=True, padding_value=padding), targets, lengths)


def row_targets(rows: Rows | Subset[Batch]) -> Any:
    """The targets of a dataset, or of a part of one that keeps them in a tensor."""
    if isinstance(rows, Rows):
        return rows.targets
    targets = row_targets(rows.dataset)  # pyrefly: ignore[bad-argument-type]
    return targets[torch.as_tensor(rows.indices)] if isinstance(targets, Tensor) else None


def row_lengths(rows: Rows | Subset[Batch]) -> Tensor | None:
    """The length of each row of a dataset, or of a part of one [row]; None where rows have none."""
    if isinstance(rows, Rows):
        return rows.lengths
    lengths = row_lengths(rows.dataset)  # pyrefly: ignore[bad-argument-type]
    return None if lengths is None else lengths[torch.as_tensor(rows.indices)]
