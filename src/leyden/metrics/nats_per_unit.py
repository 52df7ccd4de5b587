import torch
from torch import Tensor
from torchmetrics import Metric


class NatsPerUnit(Metric):
    """How surprised a model is by a text, in nats for each of its tokens, words or bytes; NaN where there is none.

    Updated with the losses of tokens in nats [...] and the number of units that each stands for, of the same shape.
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
