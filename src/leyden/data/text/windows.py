"""Windows of a stream of tokens as samples, and their order in training."""

from collections.abc import Iterator
from math import ceil

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Sampler

from ..core.batch import Batch
from ..core.samples import Samples
from ..core.sampling import EpochBatches

IGNORE_INDEX = -100  # target excluded from the loss: the default of torch's cross-entropy


class Windows(Samples):
    """Consecutive windows of a stream; the target of a token is the next token.

    In evaluation, every token but the first is the target of exactly one sample; the last window is padded, with targets
    `IGNORE_INDEX`. In training, windows start at an offset, and there are as many as fit with any offset: sample
    `index + offset * len(samples)` is window `index` at that offset, which is below `max_tokens`.

    Args:
        stream: token ids of all documents (token,), uint16 or int32.
        max_tokens: length of a window.
        shifts: whether windows have offsets, for training.
        padding: id of the padding token.
    """

    def __init__(self, stream: np.ndarray, max_tokens: int, shifts: bool, padding: int = 0) -> None:
        self.stream, self.max_tokens, self.padding = stream, max_tokens, padding
        self.window = np.arange(max_tokens + 1)
        self.on_device: Tensor | None = None
        # Offsets skip up to `max_tokens - 1` tokens at the start, and an incomplete window at the end is dropped.
        num_samples = (len(stream) - max_tokens) // max_tokens if shifts else ceil((len(stream) - 1) / max_tokens)
        super().__init__(range(num_samples))

    def __getitems__(self, indices: list[int]) -> Batch:
        """Inputs and targets (batch, max_tokens), int32."""
        offsets, windows = np.divmod(np.array(indices), len(self))
        starts = offsets + windows * self.max_tokens
        if self.on_device is not None:
            return self.gathered(torch.from_numpy(starts), self.on_device)
        positions = starts[:, None] + self.window
        inside = positions < len(self.stream)
        tokens = self.stream[np.minimum(positions, len(self.stream) - 1)].astype(np.int32)
        inputs, targets = np.where(inside, tokens, self.padding), np.where(inside, tokens, IGNORE_INDEX)
        return Batch(torch.from_numpy(inputs[:, :-1]), torch.from_numpy(targets[:, 1:]))

    def gathered(self, starts: Tensor, stream: Tensor) -> Batch:
        """Like `__getitems__`, from a stream on a device."""
        starts, window = (
            starts.to(stream.device, non_blocking=True),
            torch.arange(len(self.window), device=stream.device),
        )
        positions = starts.unsqueeze(1) + window
        inside = positions < len(stream)
        tokens = stream[positions.clamp(max=len(stream) - 1)]
        inputs, targets = (tokens.masked_fill(~inside, filling) for filling in (self.padding, IGNORE_INDEX))
        return Batch(inputs[:, :-1], targets[:, 1:])

    def move(self, device: torch.device) -> int:
        stream = torch.from_numpy(self.stream.astype(np.int32)).to(device)
        self.on_device = stream
        return stream.nbytes


class ShiftedBatches(Sampler[list[int]]):
    """Batches of windows whose offset changes every epoch, so that tokens get different contexts.

    The offset, like the order, is a function of (seed, epoch), and the same on all ranks.

    Args:
        batches: batches of window indices.
        max_tokens: number of offsets.
    """

    def __init__(self, batches: EpochBatches, max_tokens: int) -> None:
        self.batches, self.max_tokens = batches, max_tokens
        self.resume_at = batches.resume_at

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[list[int]]:
        first = self._first(self.batches.next_epoch())
        return ([first + index for index in batch] for batch in self.batches)

    def training_batches(self, epoch: int) -> list[Tensor]:
        """Sample indices of each batch over all ranks, including the offset."""
        first = self._first(epoch)
        return [first + batch for batch in self.batches.training_batches(epoch)]

    def _first(self, epoch: int) -> int:
        (state,) = np.random.SeedSequence((self.batches.seed, epoch)).generate_state(1)
        return int(state) % self.max_tokens * self.batches.num_samples
