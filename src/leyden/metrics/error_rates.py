"""Word and character error rates, also of references without a word."""

import torch
from torch import Tensor
from torchmetrics.text import CharErrorRate, WordErrorRate


class WordErrors(WordErrorRate):
    """Insertions, deletions and substitutions for each word of the references. Where these have none, 0 if nothing is
    transcribed either, and else NaN: there is nothing to divide by.
    """

    def compute(self) -> Tensor:
        return _rate(self.errors, self.total)


class CharacterErrors(CharErrorRate):
    """The same of characters."""

    def compute(self) -> Tensor:
        return _rate(self.errors, self.total)


def _rate(errors: Tensor, total: Tensor) -> Tensor:
    undefined = torch.where(errors > 0, torch.nan, 0.0)
    return torch.where(total > 0, errors / total, undefined)
