from collections.abc import Sequence
from functools import cached_property
from typing import overload

import torch
from torch import Tensor


class Packed(Sequence[Tensor]):
    """Rows of many lengths, one after the other in one tensor, which may be a mapped file or lie on a device.

    Args:
        flat: all rows [element of all rows].
        lengths: of the rows [row], int64, in main memory.
    """

    def __init__(self, flat: Tensor, lengths: Tensor) -> None:
        self.flat, self.lengths = flat, lengths
        self.starts = torch.cat([lengths.new_zeros(1), lengths.cumsum(0)[:-1]])

    @classmethod
    def of(cls, rows: Sequence[Tensor]) -> "Packed":
        """Those rows, copied."""
        flat = torch.cat(list(rows)) if len(rows) else torch.empty(0)
        return cls(flat, torch.tensor([len(row) for row in rows], dtype=torch.int64))

    @classmethod
    def joined(cls, parts: Sequence["Packed"]) -> "Packed":
        """The rows of all parts, copied."""
        if not parts:
            return cls.of([])
        return cls(torch.cat([part.flat for part in parts]), torch.cat([part.lengths for part in parts]))

    def to(self, device: torch.device) -> "Packed":
        return Packed(self.flat.to(device), self.lengths)

    def __len__(self) -> int:
        return len(self.lengths)

    @overload
    def __getitem__(self, index: int) -> Tensor: ...
    @overload
    def __getitem__(self, index: slice) -> list[Tensor]: ...
    def __getitem__(self, index: int | slice) -> Tensor | list[Tensor]:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        start = int(self.starts[index])
        return self.flat[start : start + int(self.lengths[index])]

    def padded(self, indices: Sequence[int], padding: int) -> tuple[Tensor, Tensor]:
        """Some rows, padded to the longest of them [row, element], and their lengths [row], in main memory."""
        rows = torch.as_tensor(indices)
        starts, lengths = self.starts[rows], self.lengths[rows]
        longest = int(lengths.max())
        if self.flat.device.type != "cpu":
            return self.gathered(starts, lengths, longest, padding), lengths
        batch = torch.full((len(rows), longest), padding, dtype=self.flat.dtype)
        target, source = batch.numpy(), self._array
        for row, start, length in zip(target, starts.tolist(), lengths.tolist(), strict=True):
            row[:length] = source[start : start + length]
        return batch, lengths

    def gathered(self, starts: Tensor, lengths: Tensor, longest: int, padding: int) -> Tensor:
        """The same in a few large steps, as a device wants it."""
        device = self.flat.device
        starts, lengths = (part.to(device, non_blocking=True).unsqueeze(1) for part in (starts, lengths))
        places = torch.arange(longest, device=device)
        inside = places < lengths
        return self.flat[torch.where(inside, starts + places, 0)].masked_fill(~inside, padding)

    @cached_property
    def _array(self):
        return self.flat.numpy()
