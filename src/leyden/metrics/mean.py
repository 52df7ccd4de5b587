import torch
from torch import Tensor
from torchmetrics import Metric


class Mean(Metric):
    """Weighted mean; NaN if a value is NaN or the total weight is 0.

    torchmetrics' `MeanMetric` ignores NaN, which would hide samples on which a model fails.
    """

    averages_samples = True  # a task refuses the mean of a batch
    is_differentiable, higher_is_better, full_state_update = True, None, False
    total: Tensor
    weight: Tensor

    def __init__(self) -> None:
        super().__init__()
        for name in ("total", "weight"):
            self.add_state(name, torch.tensor(0.0), dist_reduce_fx="sum")

    def update(self, values: Tensor, weights: Tensor | None = None) -> None:
        """Add values (...) with weights of the same shape, by default 1."""
        weights = torch.ones_like(values) if weights is None else weights.to(values)
        self.total += (values * weights).sum()
        self.weight += weights.sum()

    def compute(self) -> Tensor:
        return self.total / self.weight
