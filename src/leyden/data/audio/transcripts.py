from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence


class Transcripts(NamedTuple):
    """Transcripts of a batch, as token indices."""

    tokens: Tensor  # int64 (batch, token), padded with 0
    lengths: Tensor  # number of tokens of each transcript, int64 (batch,)

    def sample(self, index: int) -> Tensor:
        """Tokens of one sample, without padding (token,)."""
        return self.tokens[index, : self.lengths[index]]


class TranscriptSamples:
    """Transcripts of a dataset, indexed by lists of sample indices.

    Args:
        tokens: token indices of each sample.
    """

    def __init__(self, tokens: Sequence[list[int]]) -> None:
        self.tokens = [torch.tensor(sample, dtype=torch.int64) for sample in tokens]

    def __len__(self) -> int:
        return len(self.tokens)

    def part(self, samples: list[int]) -> "TranscriptSamples":
        return TranscriptSamples([self.tokens[sample].tolist() for sample in samples])

    def __getitem__(self, samples: list[int]) -> Transcripts:
        return join_transcripts([self.tokens[sample] for sample in samples])


def join_transcripts(samples: Sequence[Tensor]) -> Transcripts:
    """Collate the tokens of several samples."""
    return Transcripts(pad_sequence(list(samples), batch_first=True), torch.tensor([len(sample) for sample in samples]))
