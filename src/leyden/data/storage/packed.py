from collections.abc import Sequence
from functools import cached_property
from typing import overload

import torch
from torch import Tensor


class Packed(Sequence[Tensor]):
    """Samples of variable length, concatenated in one tensor, which may be memory-mapped or on a device.

    Args:
        flat: concatenated samples (element,).
        lengths: lengths of the samples (sample,), int64, on the CPU.
    """

    def __init__(self, flat: Tensor, lengths: Tensor) -> None:
        self.flat, self.lengths = flat, lengths
        self.starts = torch.cat([lengths.new_zeros(1), lengths.cumsum(0)[:-1]])

    @classmethod
    def of(cls, samples: Sequence[Tensor]) -> "Packed":
        """Concatenate samples."""
        flat = torch.cat(list(samples)) if len(samples) else torch.empty(0)
        return cls(flat, torch.tensor([len(sample) for sample in samples], dtype=torch.int64))

    @classmethod
    def joined(cls, parts: Sequence["Packed"]) -> "Packed":
        """Concatenate the samples of all parts."""
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
            return [self[position] for position in range(*index.indices(len(self)))]
        start = int(self.starts[index])
        return self.flat[start : start + int(self.lengths[index])]

    def padded(self, indices: Sequence[int], padding: int) -> tuple[Tensor, Tensor]:
        """Some samples, padded to the longest of them (sample, element), and their lengths (sample,) on the CPU."""
        samples = torch.as_tensor(indices)
        starts, lengths = self.starts[samples], self.lengths[samples]
        longest = int(lengths.max())
        if self.flat.device.type != "cpu":
            return self.gathered(starts, lengths, longest, padding), lengths
        batch = torch.full((len(samples), longest), padding, dtype=self.flat.dtype)
        target, source = batch.numpy(), self._array
        for sample, start, length in zip(target, starts.tolist(), lengths.tolist(), strict=True):
            sample[:length] = source[start : start + length]
        return batch, lengths

    def gathered(self, starts: Tensor, lengths: Tensor, longest: int, padding: int) -> Tensor:
        """Vectorized version of `padded`, for samples on a device."""
        device = self.flat.device
        starts, lengths = (part.to(device, non_blocking=True).unsqueeze(1) for part in (starts, lengths))
        places = torch.arange(longest, device=device)
        inside = places < lengths
        return self.flat[torch.where(inside, starts + places, 0)].masked_fill(~inside, padding)

    @cached_property
    def _array(self):
        return self.flat.numpy()
