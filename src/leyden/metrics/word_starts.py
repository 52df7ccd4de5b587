from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn


class WordStarts(nn.Module):
    """Number of words, separated by white space, that start in each token of a text.

    Args:
        token_bytes: bytes of each token; empty for the end-of-text token, which also separates words.
    """

    inner: Tensor
    first: Tensor
    separates: Tensor

    def __init__(self, token_bytes: Sequence[bytes]) -> None:
        super().__init__()
        spaces = [[token[index : index + 1].isspace() for index in range(len(token))] for token in token_bytes]
        inner = [sum(before and not after for before, after in pairwise(token)) for token in spaces]
        first = [bool(token) and not token[0] for token in spaces]
        separates = [not token or token[-1] for token in spaces]
        for name, values in (("inner", inner), ("first", first), ("separates", separates)):
            self.register_buffer(name, torch.tensor(values), persistent=False)

    def forward(self, tokens: Tensor, before: Tensor) -> Tensor:
        """Number of words (...) that start in token ids (...), given the ids of the previous tokens (...)."""
        return self.inner[tokens] + (self.first[tokens] & self.separates[before]).long()
