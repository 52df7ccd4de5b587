from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence


class Transcripts(NamedTuple):
    """What is said in each row of a batch, as token numbers."""

    tokens: Tensor  # int64 [batch, token], padded with 0
    lengths: Tensor  # number of tokens of each row, int64 [batch]

    def row(self, number: int) -> Tensor:
        """The tokens of one row, without padding [token]."""
        return self.tokens[number, : self.lengths[number]]


class TranscriptRows:
    """The targets of a dataset: tokens of each row, handed over a batch at a time.

    Args:
        tokens: the token numbers of each row.
    """

    def __init__(self, tokens: Sequence[list[int]]) -> None:
        self.tokens = [torch.tensor(row, dtype=torch.int64) for row in tokens]

    def __len__(self) -> int:
        return len(self.tokens)

    def part(self, rows: list[int]) -> "TranscriptRows":
        return TranscriptRows([self.tokens[row].tolist() for row in rows])

    def __getitem__(self, rows: list[int]) -> Transcripts:
        return join_transcripts([self.tokens[row] for row in rows])


def join_transcripts(rows: Sequence[Tensor]) -> Transcripts:
    """Tokens of several rows -> a batch."""
    return Transcripts(pad_sequence(list(rows), batch_first=True), torch.tensor([len(row) for row in rows]))
