"""Multilabel metrics averaged over the classes that occur in a split."""

from typing import Any

import torch
from torch import Tensor
from torchmetrics.classification import MultilabelAveragePrecision, MultilabelF1Score
from torchmetrics.functional.classification import binary_average_precision
from torchmetrics.utilities import dim_zero_cat


class PresentAveragePrecision(MultilabelAveragePrecision):
    """Mean average precision over classes with a positive sample; NaN if a probability is, or without such classes.

    torchmetrics counts a class without a positive sample as 0.
    """

    def compute(self) -> Tensor:
        probabilities, targets = dim_zero_cat(self.preds), dim_zero_cat(self.target)
        if probabilities.isnan().any():
            return torch.tensor(torch.nan, device=probabilities.device)
        present = (targets == 1).any(dim=0).nonzero().flatten().tolist()
        each = [
            binary_average_precision(probabilities[:, index], targets[:, index], validate_args=False)
            for index in present
        ]
        return torch.stack(each).mean() if each else torch.tensor(torch.nan, device=probabilities.device)


class PresentF1(MultilabelF1Score):
    """Mean F1 score over classes with a positive sample; NaN if a probability is, or without such classes."""

    num_nan: Tensor

    def __init__(self, num_labels: int, **options: Any) -> None:
        super().__init__(num_labels, average="none", **options)
        self.add_state("num_nan", torch.tensor(0), dist_reduce_fx="sum")
        self.present = torch.ones(num_labels, dtype=torch.bool)  # updated by `compute`

    def update(self, preds: Tensor, target: Tensor) -> None:
        super().update(preds, target)
        self.num_nan += preds.isnan().sum()

    def compute(self) -> Tensor:
        true, false, missed = map(dim_zero_cat, (self.tp, self.fp, self.fn))
        self.present = (true + missed > 0).cpu()
        score = (2 * true / (2 * true + false + missed))[true + missed > 0].mean()
        return torch.where(self.num_nan > 0, torch.nan, score)
