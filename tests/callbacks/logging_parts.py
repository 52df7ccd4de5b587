"""A callback and a task that keep more state between batches than those of the library."""

from collections.abc import Sequence
from typing import Any

import torch
from lightning.pytorch import Callback
from torch import nn
from torchmetrics import MeanMetric

from leyden.tasks import Classification


class EpochMeans(Callback):
    """Log the epoch mean of the loss, and its sum over the batches of every second step."""

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        loss = outputs.get("loss", torch.tensor(float(batch_idx)))  # none with manual optimization
        size = len(batch.inputs)
        pl_module.log("train/mean", loss, on_step=False, on_epoch=True, batch_size=size)
        if batch_idx % 2:
            pl_module.log("train/odd", loss, on_step=True, on_epoch=True, reduce_fx="sum", batch_size=size)


class TwoOptimizers(Classification):
    """The first optimizer steps after each batch, the second after every two batches."""

    automatic_optimization = False

    def __init__(self, network: nn.Module, class_names: Sequence[str], **arguments: Any) -> None:
        super().__init__(network, class_names, **arguments)
        self.mean_loss = MeanMetric()

    def configure_optimizers(self) -> Any:
        parameters = list(self.network.parameters())
        half = len(parameters) // 2
        return [torch.optim.Adam(parameters[:half], lr=1e-3), torch.optim.SGD(parameters[half:], lr=0.1, momentum=0.9)]

    def training_step(self, batch: Any, batch_idx: int) -> None:
        first, second = self.optimizers()
        loss = super().training_step(batch, batch_idx)
        first.zero_grad()
        self.manual_backward(loss)
        first.step()
        if batch_idx % 2:
            second.step()
            second.zero_grad()
        self.mean_loss.update(loss.detach())
        self.log("train/mean_loss", self.mean_loss, on_step=False, on_epoch=True)
