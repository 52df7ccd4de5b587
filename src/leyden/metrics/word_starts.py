from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn


class WordStarts(nn.Module):
    """How many words begin in each token of a text, where a word is what white space separates.

    Args:
        token_bytes: the bytes that each token stands for; none for the end of a text, which separates too.
    """

    inner: Tensor
    first: Tensor
    separates: Tensor

    def __init__(self, token_bytes: Sequence[bytes]) -> None:
        super().__init__()
        spaces = [[token[place : place + 1].isspace() for place in range(len(token))] for token in token_bytes]
        inner = [sum(before and not one for before, one in pairwise(token)) for token in spaces]
        first = [bool(token) and not token[0] for token in spaces]
        separates = [not token or token[-1] for token in spaces]
        for name, values in (("inner", inner), ("first", first), ("separates", separates)):
            self.register_buffer(name, torch.tensor(values), persistent=False)

    def forward(self, tokens: Tensor, before: Tensor) -> Tensor:
        """Token ids and those before them [...] -> numbers of words [...]."""
        return self.inner[tokens] + (self.first[tokens] & self.separates[before]).long()
