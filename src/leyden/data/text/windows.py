"""A long stream of tokens as rows: windows of it, and the order in which training sees them."""

from math import ceil
from typing import Any

import numpy as np
import torch

from ..batch import Batch
from ..rows import Rows
from ..sampling import EpochBatches

IGNORED = -100  # a target that does not count: the default of torch's cross-entropy


class Windows(Rows):
    """Windows of a stream, each `stride` tokens after the one before; the target of a token is the next one.

    With `stride=max_tokens` every token but the first is the target of exactly one row. The last window may reach
    beyond the end: it is filled up with padding, and targets that do not count.

    Args:
        stream: token ids of all documents [token], uint16 or int32.
        max_tokens: inputs of a row.
        stride: tokens from the beginning of a row to that of the next one.
        padding: the token that fills the rest.
    """

    def __init__(self, stream: np.ndarray, max_tokens: int, stride: int, padding: int = 0) -> None:
        self.stream, self.stride, self.padding = stream, stride, padding
        self.window = np.arange(max_tokens + 1)
        left_by_the_first = max(0, len(stream) - 1 - max_tokens)
        super().__init__(range(1 + ceil(left_by_the_first / stride)))

    def __getitems__(self, indices: list[int]) -> Batch:
        """Inputs and targets [batch, max_tokens], int32."""
        places = np.array(indices)[:, None] * self.stride + self.window
        inside = places < len(self.stream)
        tokens = self.stream[np.minimum(places, len(self.stream) - 1)].astype(np.int32)
        inputs, targets = np.where(inside, tokens, self.padding), np.where(inside, tokens, IGNORED)
        return Batch(torch.from_numpy(inputs[:, :-1]), torch.from_numpy(targets[:, 1:]))


class DisjointWindows(EpochBatches):
    """Batches of windows with `stride=1` of which no two of an epoch overlap.

    The first window of an epoch begins at one of the first `max_tokens` tokens. That place and the order of the
    windows are functions of (seed, epoch): from epoch to epoch a token has other tokens before it.

    Args:
        num_tokens: length of the stream.
        max_tokens: inputs of a row.
        **batches: arguments of `EpochBatches`, without `num_rows`.
    """

    def __init__(self, num_tokens: int, max_tokens: int, **batches: Any) -> None:
        self.max_tokens = max_tokens
        # As many as fit behind the last of the first places.
        super().__init__(num_rows=(num_tokens - max_tokens) // max_tokens, **batches)

    def _order(self, epoch: int) -> list[int]:
        (state,) = np.random.SeedSequence((self.seed, epoch)).generate_state(1)
        first = int(state) % self.max_tokens
        return [first + self.max_tokens * number for number in super()._order(epoch)]
