from collections.abc import Callable
from inspect import signature
from typing import Any

import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn
from torch.optim import Optimizer

from .parameter_groups import parameter_groups


class Task(LightningModule):
    """What every task shares: a network, its optimizer and its schedule.

    Args:
        network: called with `inputs`, and with `lengths` where the batch has them.
        optimizer: parameter groups -> optimizer.
        scheduler: optimizer -> scheduler. One that takes `total_steps` is given them and steps with each batch, any
            other steps with each epoch.
        compile: compile the network with `torch.compile`.
        channels_last: keep images and convolutions in the channels-last memory format.
    """

    def __init__(
        self,
        network: nn.Module,
        optimizer: Callable[..., Optimizer],
        scheduler: Callable[..., Any] | None = None,
        compile: bool = False,
        channels_last: bool = False,
    ) -> None:
        super().__init__()
        self.network, self.optimizer, self.scheduler = network, optimizer, scheduler
        self.channels_last = channels_last
        if channels_last:
            network.to(memory_format=torch.channels_last)
        if compile:
            network.compile()

    def forward(self, inputs: Tensor, lengths: Tensor | None = None) -> Tensor:
        if self.channels_last:
            inputs = inputs.contiguous(memory_format=torch.channels_last)
        return self.network(inputs) if lengths is None else self.network(inputs, lengths)

    def configure_optimizers(self) -> Any:
        optimizer = self.optimizer(parameter_groups(self.network))
        if self.scheduler is None:
            return optimizer
        if "total_steps" in signature(self.scheduler).parameters:
            total_steps = int(self.trainer.estimated_stepping_batches)
            schedule = {"scheduler": self.scheduler(optimizer, total_steps=total_steps), "interval": "step"}
        else:
            schedule = {"scheduler": self.scheduler(optimizer), "interval": "epoch"}
        return {"optimizer": optimizer, "lr_scheduler": schedule}
