from collections.abc import Callable
from inspect import signature
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn
from torch.nn.utils import convert_conv2d_weight_memory_format
from torch.optim import Optimizer
from torchmetrics import Metric

from .parameter_groups import parameter_groups

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EvaluationStage = Literal["val", "test"]


class Evaluated(NamedTuple):
    """What an evaluation step tells of its batch; pictures are made of it."""

    predictions: Any  # one a row, as `predict_step` gives them
    errors: Tensor  # how wrong each row is, such as its loss [batch]


class Task(LightningModule):
    """What every task shares: a network, its optimizer and its schedule. A new task implements the four steps below.

    Args:
        network: called with `inputs`, and with `lengths` where the batch has them.
        optimizer: parameter groups -> optimizer.
        scheduler: optimizer -> scheduler. One that takes `total_steps` is given them and steps with each batch, any
            other steps with each epoch.
        compile: compile the network with `torch.compile`.
        channels_last: keep images and convolutions in the channels-last memory format.
    """

    # The metric that tells the best checkpoint, and whether more or less of it is better.
    monitor: ClassVar[str] = "val/loss"
    mode: ClassVar[Literal["min", "max"]] = "min"

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
            convert_conv2d_weight_memory_format(network, torch.channels_last)
        if compile:
            network.compile()

    def add_metrics(self, **metrics: Metric) -> None:
        """Keeps a copy of each for validation and one for test."""
        for stage in ("val", "test"):
            for name, metric in metrics.items():
                self.add_module(f"{stage}_{name}", metric.clone())

    def measure(self, stage: EvaluationStage, name: str, *values: Any) -> None:
        """Updates a metric and logs it, at the end of the evaluation, as `<stage>/<name>`.

        Metrics see rows, not means of batches: they are exact for any batch size and number of devices.
        """
        metric = getattr(self, f"{stage}_{name}")
        metric.update(*values)
        self.log(f"{stage}/{name}", metric, prog_bar=True)

    # What a task implements, beside `training_step`

    def evaluate(self, batch: Any, stage: EvaluationStage) -> Evaluated:
        """Measures all metrics on a batch."""
        raise NotImplementedError

    def predict_step(self, batch: Any, batch_idx: int) -> Any:
        """Predictions, one a row: what the data module can draw and write."""
        raise NotImplementedError

    def figures(self) -> dict[str, "Figure"]:
        """Pictures of the evaluation that has just ended, by name; called on all ranks."""
        return {}

    def validation_step(self, batch: Any, batch_idx: int) -> Any:
        return self.evaluate(batch, "val")

    def test_step(self, batch: Any, batch_idx: int) -> Any:
        return self.evaluate(batch, "test")

    def forward(self, inputs: Tensor, lengths: Tensor | None = None) -> Any:
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
