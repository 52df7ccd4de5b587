"""A long stream of tokens as samples: windows of it, and the order in which training sees them."""

from collections.abc import Iterator
from math import ceil

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Sampler

from ..core.batch import Batch
from ..core.samples import Samples
from ..core.sampling import EpochBatches

IGNORED = -100  # a target that does not count: the default of torch's cross-entropy


class Windows(Samples):
    """Disjoint windows of a stream, one after the other; the target of a token is the next one.

    For an evaluation every token but the first is the target of exactly one sample; the last window may reach beyond the
    end, and is filled up with padding and targets that do not count. For training there are as many windows as fit
    wherever the first one begins: sample `number + shift * len(samples)` is window `number` of those that begin `shift`
    tokens later, with `shift` below `max_tokens`.

    Args:
        stream: token ids of all documents [token], uint16 or int32.
        max_tokens: inputs of a sample.
        shifts: whether the samples are for training.
        padding: the token that fills the rest.
    """

    def __init__(self, stream: np.ndarray, max_tokens: int, shifts: bool, padding: int = 0) -> None:
        self.stream, self.max_tokens, self.padding = stream, max_tokens, padding
        self.window = np.arange(max_tokens + 1)
        self.on_device: Tensor | None = None
        # Shifted windows lose up to `max_tokens - 1` tokens at the beginning, and an incomplete one at the end.
        num_samples = (len(stream) - max_tokens) // max_tokens if shifts else ceil((len(stream) - 1) / max_tokens)
        super().__init__(range(num_samples))

    def __getitems__(self, indices: list[int]) -> Batch:
        """Inputs and targets [batch, max_tokens], int32."""
        shifts, numbers = np.divmod(np.array(indices), len(self))
        starts = shifts + numbers * self.max_tokens
        if self.on_device is not None:
            return self.gathered(torch.from_numpy(starts), self.on_device)
        places = starts[:, None] + self.window
        inside = places < len(self.stream)
        tokens = self.stream[np.minimum(places, len(self.stream) - 1)].astype(np.int32)
        inputs, targets = np.where(inside, tokens, self.padding), np.where(inside, tokens, IGNORED)
        return Batch(torch.from_numpy(inputs[:, :-1]), torch.from_numpy(targets[:, 1:]))

    def gathered(self, starts: Tensor, stream: Tensor) -> Batch:
        """The same of a stream that lies on a device."""
        places = starts.to(stream.device, non_blocking=True).unsqueeze(1) + torch.arange(
            len(self.window), device=stream.device
        )
        inside = places < len(stream)
        tokens = stream[places.clamp(max=len(stream) - 1)]
        inputs, targets = (tokens.masked_fill(~inside, filling) for filling in (self.padding, IGNORED))
        return Batch(inputs[:, :-1], targets[:, 1:])

    def move(self, device: torch.device) -> int:
        stream = torch.from_numpy(self.stream.astype(np.int32)).to(device)
        self.on_device = stream
        return stream.nbytes


class ShiftedBatches(Sampler[list[int]]):
    """Batches of windows that begin at another place each epoch, so that a token has other tokens before it.

    The place, like the order, is a function of (seed, epoch), and the same on all ranks.

    Args:
        batches: of the numbers of the windows.
        max_tokens: how many places there are.
    """

    def __init__(self, batches: EpochBatches, max_tokens: int) -> None:
        self.batches, self.max_tokens = batches, max_tokens
        self.resume_at = batches.resume_at

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[list[int]]:
        first = self._first(self.batches.next_epoch())
        return ([first + number for number in batch] for batch in self.batches)

    def training_batches(self, epoch: int) -> list[Tensor]:
        """Sample numbers of each batch over all ranks, shifted as those that are read."""
        first = self._first(epoch)
        return [first + batch for batch in self.batches.training_batches(epoch)]

    def _first(self, epoch: int) -> int:
        (state,) = np.random.SeedSequence((self.batches.seed, epoch)).generate_state(1)
        return int(state) % self.max_tokens * self.batches.num_samples
