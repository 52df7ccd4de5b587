"""Datasets that hand over whole batches: one `__getitems__` a batch instead of one `__getitem__` a row."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset, Subset

from ..storage.packed import Packed
from .batch import Batch
from .error import DataError


class Rows(Dataset[Batch]):
    """A dataset of `len(targets)` rows, fetched a batch at a time.

    Args:
        targets: class numbers [row], int64; or what the task says, one a row.
    """

    groups: Tensor | None = None  # the source of each row, which splits keep together [row], int64

    def __init__(self, targets: Any) -> None:
        self.targets = targets

    @property
    def decodes(self) -> bool:
        """Whether files are decoded whenever a batch is asked for, which other processes may do ahead."""
        return False

    @property
    def classes(self) -> Tensor:
        """The class of each row, for stratified splits [row], int64; all 0 where a row has no single one, as of numbers
        with a fraction."""
        if isinstance(self.targets, Tensor) and self.targets.ndim == 1 and not self.targets.is_floating_point():
            return self.targets.cpu()
        return torch.zeros(len(self), dtype=torch.int64)

    @property
    def lengths(self) -> Tensor | None:
        """The length of each row [row], int64, known without reading it; None where all are equal or nobody knows."""
        return None

    @property
    def chunks(self) -> Tensor | None:
        """Rows of each chunk that is fetched as a whole [chunk], int64; None where all rows are near."""
        return None

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int) -> Batch:
        return self.__getitems__([index])

    def __getitems__(self, indices: list[int]) -> Batch:
        raise NotImplementedError

    def move(self, device: torch.device) -> int:
        """Puts all rows on a device, where batches are made from then on; gives their bytes.

        Raises:
            DataError: they are not in memory.
        """
        raise DataError(
            f"data.residence=device, but the rows ({type(self).__name__}) are read batch by batch: set "
            "data.residence=null"
        )


class TensorRows(Rows):
    """Rows of one size, in memory or mapped.

    Args:
        inputs: [row, ...] in storage dtype.
        targets: [row].
    """

    def __init__(self, inputs: Tensor, targets: Tensor) -> None:
        super().__init__(targets)
        self.inputs = inputs

    def __getitems__(self, indices: list[int]) -> Batch:
        rows = torch.tensor(indices)
        return Batch(chosen(self.inputs, rows), chosen(self.targets, rows))

    def move(self, device: torch.device) -> int:
        self.inputs, self.targets = self.inputs.to(device), self.targets.to(device)
        return self.inputs.nbytes


class RaggedRows(Rows):
    """Rows of many lengths, in memory or mapped, padded to the longest of their batch.

    Args:
        inputs: one tensor [time or token] a row.
        targets: [row], or what the task says, one a row.
        padding: the value that fills the rest.
    """

    def __init__(self, inputs: Sequence[Tensor], targets: Any, padding: int = 0) -> None:
        super().__init__(targets)
        self.inputs, self.padding = inputs if isinstance(inputs, Packed) else Packed.of(inputs), padding

    @property
    def lengths(self) -> Tensor:
        return self.inputs.lengths

    def __getitems__(self, indices: list[int]) -> Batch:
        inputs, lengths = self.inputs.padded(indices, self.padding)
        return Batch(inputs, self.targets[indices], lengths)

    def move(self, device: torch.device) -> int:
        self.inputs = self.inputs.to(device)
        if isinstance(self.targets, Tensor):
            self.targets = self.targets.to(device)
        return self.inputs.flat.nbytes


class PartRows(Rows):
    """Some of the rows of a dataset, which stay where they are.

    Args:
        rows: the dataset.
        numbers: of those rows, in their order.
    """

    def __init__(self, rows: Rows, numbers: list[int]) -> None:
        super().__init__(rows.targets[numbers])
        self.rows, self.numbers = rows, numbers

    @property
    def decodes(self) -> bool:
        return self.rows.decodes

    @property
    def lengths(self) -> Tensor | None:
        return None if self.rows.lengths is None else self.rows.lengths[self.numbers]

    def __getitems__(self, indices: list[int]) -> Batch:
        return self.rows.__getitems__([self.numbers[index] for index in indices])

    def move(self, device: torch.device) -> int:
        return self.rows.move(device)


def chosen(values: Tensor, rows: Tensor) -> Tensor:
    """Some rows, where the values are."""
    return values[rows.to(values.device, non_blocking=True)]


def pad(inputs: Sequence[Tensor], targets: Any, padding: int = 0) -> Batch:
    """Rows [time] of many lengths -> a batch [batch, longest time] with `lengths`."""
    lengths = torch.tensor([len(row) for row in inputs])
    return Batch(pad_sequence(list(inputs), batch_first=True, padding_value=padding), targets, lengths)


def part_of(targets: Any, rows: list[int]) -> Any:
    """The targets of some rows, as those of a dataset."""
    return targets.part(rows) if hasattr(targets, "part") else targets[rows]


def whole(rows: Rows | Subset[Batch]) -> Rows:
    """The dataset of which it is a part."""
    return rows if isinstance(rows, Rows) else whole(rows.dataset)  # pyrefly: ignore[bad-argument-type]


def row_targets(rows: Rows | Subset[Batch]) -> Any:
    """The targets of a dataset, or of a part of one that keeps them in a tensor."""
    if isinstance(rows, Rows):
        return rows.targets.cpu() if isinstance(rows.targets, Tensor) else rows.targets
    targets = row_targets(rows.dataset)  # pyrefly: ignore[bad-argument-type]
    return targets[torch.as_tensor(rows.indices)] if isinstance(targets, Tensor) else None


def row_lengths(rows: Rows | Subset[Batch]) -> Tensor | None:
    """The length of each row of a dataset, or of a part of one [row]; None where rows have none."""
    if isinstance(rows, Rows):
        return rows.lengths
    lengths = row_lengths(rows.dataset)  # pyrefly: ignore[bad-argument-type]
    return None if lengths is None else lengths[torch.as_tensor(rows.indices)]
