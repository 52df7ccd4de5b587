import torch
from torch import Tensor
from torchmetrics import Metric


class NatsPerUnit(Metric):
    """Mean negative log-likelihood in nats per unit (token, word or byte) of a text; NaN if there are no units.

    Update with losses of tokens in nats (...) and the number of units of each token, of the same shape.
    """

    is_differentiable, higher_is_better, full_state_update = False, False, False
    nats: Tensor
    num_units: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.add_state("nats", torch.tensor(0.0), dist_reduce_fx="sum")
        self.add_state("num_units", torch.tensor(0), dist_reduce_fx="sum")

    def update(self, losses: Tensor, num_units: Tensor) -> None:
        self.nats += losses.sum()
        self.num_units += num_units.sum()

    def compute(self) -> Tensor:
        return torch.where(self.num_units > 0, self.nats / self.num_units, torch.nan)
