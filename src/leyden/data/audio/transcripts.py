from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence


class Transcripts(NamedTuple):
    """What is said in each sample of a batch, as token numbers."""

    tokens: Tensor  # int64 [batch, token], padded with 0
    lengths: Tensor  # number of tokens of each sample, int64 [batch]

    def sample(self, number: int) -> Tensor:
        """The tokens of one sample, without padding [token]."""
        return self.tokens[number, : self.lengths[number]]


class TranscriptSamples:
    """The targets of a dataset: tokens of each sample, handed over a batch at a time.

    Args:
        tokens: the token numbers of each sample.
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
    """Tokens of several samples -> a batch."""
    return Transcripts(pad_sequence(list(samples), batch_first=True), torch.tensor([len(sample) for sample in samples]))
