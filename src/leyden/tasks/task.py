from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

import torch
from lightning.pytorch import LightningModule, Trainer
from torch import Tensor, nn
from torch.optim import Optimizer
from torchmetrics import MeanMetric, Metric

from ..errors import UserError
from ..optim.freezing import freeze
from ..optim.fully_sharded import shard
from ..optim.fused import fused
from ..optim.parameter_groups import parameter_groups, two_groups
from ..optim.schedule import schedule
from .compiled import GraphMode, compile_network
from .internals import FUNCTION_NAME, discard_samples, is_logging_step

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EvaluationStage = Literal["val", "test"]

BATCH_NORM_ERROR = "Expected more than 1 value per channel when training"  # message of torch
CHANNELS_LAST = {4: torch.channels_last, 5: torch.channels_last_3d}  # by the number of axes, of images and clips


class EvaluationOutput(NamedTuple):
    """Output of an evaluation step, from which samples are plotted."""

    predictions: Any  # one per sample, as returned by `predict_step`
    per_sample_loss: Tensor  # loss or another error of each sample (batch,)


class Task(LightningModule):
    """Base class of all tasks: a network with its optimizer and schedule. A new task implements the methods below.

    Args:
        network: called with `inputs`, and with `lengths` if the batch has them.
        optimizer: builds an optimizer from parameter groups.
        scheduler: builds a scheduler from an optimizer. With an argument `total_steps`, it steps with each batch, otherwise
            with each epoch; `ReduceLROnPlateau` follows `monitor`. See `schedule`.
        compile: compile the network with `torch.compile`, falling back to the uncompiled network; `reduce-overhead` and
            `max-autotune` add CUDA graphs, for small networks with inputs of one size.
        channels_last: use the channels-last memory format for images or clips and convolutions.
        float32_matmul: precision of float32 matrix products on a GPU, see `torch.set_float32_matmul_precision`: `high`
            allows TF32, `highest` does not.
        frozen: names of modules of the network that are not trained; they stay in evaluation mode.
        layer_decay: factor between the learning rates of successive layers for fine-tuning, see `parameter_groups`; 1
            for equal rates.
    """

    # Metric that selects the best checkpoint, and whether it is best at its minimum or maximum.
    monitor: ClassVar[str] = "val/loss"
    mode: ClassVar[Literal["min", "max"]] = "min"
    # What `per_sample_loss` is called in the table of the worst samples.
    sample_error: ClassVar[str] = "loss"

    def __init__(
        self,
        network: nn.Module,
        optimizer: Callable[..., Optimizer],
        scheduler: Callable[..., Any] | None = None,
        compile: bool | GraphMode = False,
        channels_last: bool = False,
        float32_matmul: Literal["highest", "high", "medium"] = "high",
        frozen: Sequence[str] = (),
        layer_decay: float = 1.0,
    ) -> None:
        if not 0 < layer_decay <= 1:
            raise ValueError(f"layer_decay is {layer_decay}; it must be above 0 and at most 1")
        super().__init__()
        self.network, self.optimizer, self.scheduler = network, optimizer, scheduler
        self.channels_last, self.layer_decay = channels_last, layer_decay
        self.frozen = tuple(frozen)  # names, since trainer.sync_batchnorm replaces modules
        freeze(network, frozen)
        if channels_last:
            for parameter in network.parameters():
                if memory_format := CHANNELS_LAST.get(parameter.ndim):
                    parameter.data = parameter.data.contiguous(memory_format=memory_format)
        self.float32_matmul = float32_matmul
        if compile:
            compile_network(network, mode=None if compile is True else compile)

    def configure_model(self) -> None:
        if self.trainer.strategy.root_device.type == "cuda":  # on a CPU, the setting may allow bfloat16
            torch.set_float32_matmul_precision(self.float32_matmul)
        # Convert before loading: with trainer.precision=64-true, Lightning would load a checkpoint as float32.
        self.trainer.precision_plugin.convert_module(self)
        if self.device_mesh is not None:
            shard(self.network, self.device_mesh["data_parallel"])

    def __setattr__(self, name: str, value: Any) -> None:
        if name == FUNCTION_NAME:  # set 40 times a step by Lightning: skip the overhead of nn.Module
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)

    def on_train_start(self) -> None:
        self.train()

    def train(self, mode: bool = True) -> "Task":
        super().train(mode)
        for name in self.frozen:  # do not update running statistics
            self.network.get_submodule(name).eval()
        return self

    def add_metrics(self, **metrics: Metric) -> None:
        """Add a copy of each metric for validation and one for testing."""
        for stage in ("val", "test"):
            for name, metric in metrics.items():
                self.add_module(f"{stage}_{name}", metric.clone())

    def measure(self, stage: EvaluationStage, name: str, *values: Any) -> None:
        """Update a metric, and log it at the end of the evaluation as `<stage>/<name>`.

        Metrics aggregate samples, not batch means: they are exact for any batch size and number of devices.
        """
        metric: Any = getattr(self, f"{stage}_{name}", None)
        if not isinstance(metric, Metric):
            raise UserError(
                f"{type(self).__name__} has no metric {name!r}: expected self.add_metrics({name}=...) in __init__"
            )
        is_number = len(values) == 1 and not getattr(values[0], "ndim", 0)
        if is_number and (isinstance(metric, MeanMetric) or getattr(metric, "averages_samples", False)):
            raise UserError(
                f"{type(self).__name__}: measure({stage!r}, {name!r}) expects a value for each sample (batch,), got a single "
                "number, such as the mean of a batch, which is inexact if batches differ in size: use reduction='none', or "
                "add the number of samples as a weight"
            )
        metric.update(*values)
        if metric.update_count == 1:  # logging it once is enough, and costs as much as an update
            self.log(f"{stage}/{name}", metric, prog_bar=True)

    def log_training(self, **values: Tensor) -> None:
        """Log values of a training batch, averaged over ranks, as `train/<name>`.

        Only in steps that loggers record and at the end of an epoch: logging costs more than the arithmetic of a small
        network, and synchronizes the ranks.
        """
        if is_logging_step(self.trainer) or self.trainer.is_last_batch:
            for name, value in values.items():
                self.log(f"train/{name}", value, prog_bar=name == "loss", sync_dist=True)

    # To be implemented by a task, in addition to `training_step`

    def evaluate(self, batch: Any, stage: EvaluationStage) -> EvaluationOutput:
        """Update all metrics with a batch."""
        raise UserError(
            f"{type(self).__name__} does not implement evaluate(batch, stage), which returns an EvaluationOutput"
        )

    def predict_step(self, batch: Any, batch_idx: int) -> Any:
        """Predictions, one per sample, in the format that the data module draws and writes."""
        raise UserError(f"{type(self).__name__} does not implement predict_step(batch, batch_idx)")

    def figures(self) -> dict[str, "Figure"]:
        """Figures of the last evaluation, by name; called on all ranks."""
        return {}

    def texts(self) -> dict[str, str]:
        """Texts of the last evaluation, by name; called on all ranks."""
        return {}

    def tables(self) -> dict[str, list[list[Any]]]:
        """Tables of the last evaluation, by name: a header, then rows; called on all ranks."""
        return {}

    def validation_step(self, batch: Any, batch_idx: int) -> Any:
        return self._evaluate_step(batch, "val", self.trainer.val_dataloaders)

    def test_step(self, batch: Any, batch_idx: int) -> Any:
        return self._evaluate_step(batch, "test", self.trainer.test_dataloaders)

    def _evaluate_step(self, batch: Any, stage: EvaluationStage, loader: Any) -> Any:
        output = self.evaluate(batch, stage)
        if getattr(getattr(loader, "batch_sampler", None), "is_surplus", False):
            for metric in (module for module in self.modules() if isinstance(module, Metric)):
                discard_samples(metric)
        return output

    def forward(self, inputs: Tensor, lengths: Tensor | None = None) -> Any:
        if self.channels_last and (memory_format := CHANNELS_LAST.get(inputs.ndim)):
            inputs = inputs.contiguous(memory_format=memory_format)
        inputs = in_default_type(inputs)
        try:
            return self.network(inputs) if lengths is None else self.network(inputs, lengths)
        except ValueError as error:
            if BATCH_NORM_ERROR not in str(error):
                raise
            raise UserError(
                "batch norm needs more than one value per channel in training, but the batch of this device has one sample "
                "with one value per channel. Raise data.batch_size (which is divided among devices) or, for images, "
                "data.image_size"
            ) from error

    def _attached_trainer(self) -> Trainer | None:
        """The trainer, or None without one."""
        try:
            return self.trainer
        except RuntimeError:
            return None

    def _parameter_groups(self) -> list[dict[str, Any]]:
        """Parameter groups of the network, then those of the task's own parameters."""
        groups, in_network = parameter_groups(self.network, self.layer_decay), set(self.network.parameters())
        own = {
            name: value for name, value in self.named_parameters() if value.requires_grad and value not in in_network
        }
        if own and self._attached_trainer() and self.device_mesh is not None:
            raise UserError(f"trainer=fsdp shards only model.network, but the task trains {', '.join(own)}: use DDP")
        return groups + two_groups(list(own.values()))

    def configure_optimizers(self) -> Any:
        trainer: Any = self._attached_trainer()
        scales, clips = bool(trainer) and trainer.precision == "16-mixed", bool(trainer and trainer.gradient_clip_val)
        optimizer = fused(self.optimizer, self._parameter_groups(), scales, clips)
        for group in optimizer.param_groups:
            group["lr"] *= group.get("lr_scale", 1.0)
        if self.scheduler is None:
            return optimizer
        scheduled = schedule(self.scheduler, optimizer, trainer, self.monitor, self.mode)
        rates = [group["lr"] / group.get("lr_scale", 1.0) for group in optimizer.param_groups]
        if max(rates) > 1.001 * min(rates):
            raise UserError(
                f"{type(scheduled['scheduler']).__name__} overwrites the learning rates of model.layer_decay: remove either"
            )
        return {"optimizer": optimizer, "lr_scheduler": scheduled}


def in_default_type(inputs: Tensor) -> Tensor:
    """Convert floats to the default dtype, as required by trainer.precision=64-true and bf16-true."""
    return inputs.to(torch.get_default_dtype()) if inputs.is_floating_point() else inputs
