"""Means over those classes of several-label samples of which a split has a sample."""

from typing import Any

import torch
from torch import Tensor
from torchmetrics.classification import MultilabelAveragePrecision, MultilabelF1Score
from torchmetrics.functional.classification import binary_average_precision
from torchmetrics.utilities import dim_zero_cat


class PresentAveragePrecision(MultilabelAveragePrecision):
    """The mean average precision over the classes that a split has; NaN where a probability is, or without any class.

    torchmetrics gives a class without a sample the value 0, as if the model had failed on it.
    """

    def compute(self) -> Tensor:
        probabilities, targets = dim_zero_cat(self.preds), dim_zero_cat(self.target)
        if probabilities.isnan().any():
            return torch.tensor(torch.nan, device=probabilities.device)
        present = (targets == 1).any(dim=0).nonzero().flatten().tolist()
        each = [
            binary_average_precision(probabilities[:, number], targets[:, number], validate_args=False)
            for number in present
        ]
        return torch.stack(each).mean() if each else torch.tensor(torch.nan, device=probabilities.device)


class PresentF1(MultilabelF1Score):
    """The mean F1 score over the classes that a split has; NaN where a probability is, or without any class."""

    num_nan: Tensor

    def __init__(self, num_labels: int, **options: Any) -> None:
        super().__init__(num_labels, average="none", **options)
        self.add_state("num_nan", torch.tensor(0), dist_reduce_fx="sum")
        self.present = torch.ones(num_labels, dtype=torch.bool)  # when it was computed last

    def update(self, preds: Tensor, target: Tensor) -> None:
        super().update(preds, target)
        self.num_nan += preds.isnan().sum()

    def compute(self) -> Tensor:
        true, false, missed = map(dim_zero_cat, (self.tp, self.fp, self.fn))
        self.present = (true + missed > 0).cpu()
        score = (2 * true / (2 * true + false + missed))[true + missed > 0].mean()
        return torch.where(self.num_nan > 0, torch.nan, score)
