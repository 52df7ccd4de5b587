"""Word and character error rates that are also defined for empty references."""

import torch
from torch import Tensor
from torchmetrics.text import CharErrorRate, WordErrorRate


class WordErrors(WordErrorRate):
    """Word error rate. For references without words, 0 if the predictions are empty too, else NaN."""

    def compute(self) -> Tensor:
        return _rate(self.errors, self.total)


class CharacterErrors(CharErrorRate):
    """Character error rate, with the same convention as `WordErrors`."""

    def compute(self) -> Tensor:
        return _rate(self.errors, self.total)


def _rate(errors: Tensor, total: Tensor) -> Tensor:
    undefined = torch.where(errors > 0, torch.nan, 0.0)
    return torch.where(total > 0, errors / total, undefined)
