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
from .packed import Packed

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


class FileRows(Rows):
    """Rows read from files when their batch is asked for.

    Args:
        paths: one file a row, or what else `read` takes and an error message names.
        targets: [row], or what the task says, one a row.
        read: file -> tensor in storage dtype; raises on a file that it cannot decode.
        ragged: pad to the longest of the batch (waveforms) instead of stacking (images of one size).
        on_corrupt: `raise`, or `skip` the file with a warning: the batch is then smaller.
        measure: file -> its length, from its header alone; 0 for a file that cannot be read. Asked once for each file.
        made_of: plain values that tell how the files are decoded, see `decoder`; without them no cache keeps the rows.

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
        made_of: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(targets)
        self.paths, self.read, self.ragged, self.on_corrupt = paths, read, ragged, on_corrupt
        self.measure, self.made_of = measure, made_of
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
