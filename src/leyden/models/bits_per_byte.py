import math
from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric


class BitsPerByte(Metric):
    """How many bits of a compressed file the model would spend on a byte of the text, whatever the tokens are.

    Updated with the losses of tokens in nats [...] and the number of bytes that each stands for, of the same shape.
    """

    is_differentiable, higher_is_better, full_state_update = False, False, False
    nats: Tensor
    num_bytes: Tensor

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.add_state("nats", torch.tensor(0.0), dist_reduce_fx="sum")
        self.add_state("num_bytes", torch.tensor(0), dist_reduce_fx="sum")

    def update(self, losses: Tensor, num_bytes: Tensor) -> None:
        self.nats += losses.sum()
        self.num_bytes += num_bytes.sum()

    def compute(self) -> Tensor:
        return self.nats / math.log(2) / self.num_bytes
