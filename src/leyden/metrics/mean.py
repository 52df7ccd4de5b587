import torch
from torch import Tensor
from torchmetrics import Metric


class Mean(Metric):
    """The weighted mean of all values; NaN where one of them is, or where there is no weight.

    torchmetrics' own leaves values out that are not numbers: a model that fails on some samples would look as good as it
    is on the others.
    """

    is_differentiable, higher_is_better, full_state_update = True, None, False
    total: Tensor
    weight: Tensor

    def __init__(self) -> None:
        super().__init__()
        for name in ("total", "weight"):
            self.add_state(name, torch.tensor(0.0), dist_reduce_fx="sum")

    def update(self, values: Tensor, weights: Tensor | None = None) -> None:
        """Adds values [...] with weights of the same shape, 1 where none are given."""
        weights = torch.ones_like(values) if weights is None else weights.to(values)
        self.total += (values * weights).sum()
        self.weight += weights.sum()

    def compute(self) -> Tensor:
        return self.total / self.weight
