from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

import torch
from lightning.pytorch import LightningModule, Trainer
from torch import Tensor, nn
from torch.optim import Optimizer
from torchmetrics import Metric

from ..errors import UserError
from ..optim.freezing import freeze
from ..optim.fully_sharded import shard
from ..optim.fused import fused
from ..optim.parameter_groups import parameter_groups, two_groups
from ..optim.schedule import schedule
from .compiled import GraphMode, compile_network
from .internals import FUNCTION_NAME, forget, is_logging_step

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EvaluationStage = Literal["val", "test"]

ONE_VALUE = "Expected more than 1 value per channel when training"  # how torch's batch norm begins its refusal
# Of images and of clips, by the number of axes.
CHANNELS_LAST = {4: torch.channels_last, 5: torch.channels_last_3d}


class EvaluationOutput(NamedTuple):
    """What an evaluation step tells of its batch; plots are made of it."""

    predictions: Any  # one a sample, as `predict_step` gives them
    errors: Tensor  # how wrong each sample is, such as its loss [batch]


class Task(LightningModule):
    """What every task shares: a network, its optimizer and its schedule. A new task implements the four steps below.

    Args:
        network: called with `inputs`, and with `lengths` where the batch has them.
        optimizer: parameter groups -> optimizer.
        scheduler: optimizer -> scheduler. One that takes `total_steps` is given them and steps with each batch, any
            other steps with each epoch; `ReduceLROnPlateau` follows `monitor`. See `schedule`.
        compile: compile the network with `torch.compile`, or go on without where that fails; `reduce-overhead` and
            `max-autotune` with CUDA graphs too, for small networks with inputs of one size.
        channels_last: keep images or clips, and convolutions, in the channels-last memory format.
        float32_matmul: precision of matrix products in float32 on a GPU, see `torch.set_float32_matmul_precision`:
            `high` is TF32 where there is that, `highest` is exact.
        frozen: parts of the network, by their names in it, that are not trained; their norms and dropout stay in
            evaluation mode.
        layer_decay: for fine-tuning, the learning rate of each layer as a part of that of the next one, see
            `parameter_groups`; 1 trains all layers alike.
    """

    # The metric that tells the best checkpoint, and whether more or less of it is better.
    monitor: ClassVar[str] = "val/loss"
    mode: ClassVar[Literal["min", "max"]] = "min"

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
        self.frozen = tuple(frozen)  # names: with trainer.sync_batchnorm others take the place of norms
        freeze(network, frozen)
        if channels_last:
            for parameter in network.parameters():
                if memory_format := CHANNELS_LAST.get(parameter.ndim):
                    parameter.data = parameter.data.contiguous(memory_format=memory_format)
        self.float32_matmul = float32_matmul
        if compile:
            compile_network(network, mode=None if compile is True else compile)

    def configure_model(self) -> None:
        if self.trainer.strategy.root_device.type == "cuda":  # on a CPU it may mean bfloat16
            torch.set_float32_matmul_precision(self.float32_matmul)
        # Lightning would load a checkpoint of trainer.precision=64-true into float32, and then convert that.
        self.trainer.precision_plugin.convert_module(self)
        if self.device_mesh is not None:
            shard(self.network, self.device_mesh["data_parallel"])

    def __setattr__(self, name: str, value: Any) -> None:
        if name == FUNCTION_NAME:  # Lightning sets it 40 times a step, past torch's search for parameters
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)

    def on_train_start(self) -> None:
        self.train()

    def train(self, mode: bool = True) -> "Task":
        super().train(mode)
        for name in self.frozen:  # a BatchNorm that goes on averaging would not be frozen
            self.network.get_submodule(name).eval()
        return self

    def add_metrics(self, **metrics: Metric) -> None:
        """Keeps a copy of each for validation and one for test."""
        for stage in ("val", "test"):
            for name, metric in metrics.items():
                self.add_module(f"{stage}_{name}", metric.clone())

    def measure(self, stage: EvaluationStage, name: str, *values: Any) -> None:
        """Updates a metric and logs it, at the end of the evaluation, as `<stage>/<name>`.

        Metrics see samples, not means of batches: they are exact for any batch size and number of devices.
        """
        metric = getattr(self, f"{stage}_{name}")
        metric.update(*values)
        if metric.update_count == 1:  # to log it again tells Lightning nothing new, at the cost of the update itself
            self.log(f"{stage}/{name}", metric, prog_bar=True)

    def log_training(self, **values: Tensor) -> None:
        """Logs what a batch of training tells, the mean over ranks, as `train/<name>`.

        Only in steps whose row is written, and at the end of an epoch: to log costs more than the arithmetic of a small
        network, and waits for the other ranks.
        """
        if is_logging_step(self.trainer) or self.trainer.is_last_batch:
            for name, value in values.items():
                self.log(f"train/{name}", value, prog_bar=name == "loss", sync_dist=True)

    # What a task implements, beside `training_step`

    def evaluate(self, batch: Any, stage: EvaluationStage) -> EvaluationOutput:
        """Measures all metrics on a batch."""
        raise NotImplementedError

    def predict_step(self, batch: Any, batch_idx: int) -> Any:
        """Predictions, one a sample: what the data module can draw and write."""
        raise NotImplementedError

    def figures(self) -> dict[str, "Figure"]:
        """PredictionPlots of the evaluation that has just ended, by name; called on all ranks."""
        return {}

    def texts(self) -> dict[str, str]:
        """Texts of the evaluation that has just ended, by name; called on all ranks."""
        return {}

    def validation_step(self, batch: Any, batch_idx: int) -> Any:
        return self._evaluated(batch, "val", self.trainer.val_dataloaders)

    def test_step(self, batch: Any, batch_idx: int) -> Any:
        return self._evaluated(batch, "test", self.trainer.test_dataloaders)

    def _evaluated(self, batch: Any, stage: EvaluationStage, loader: Any) -> Any:
        output = self.evaluate(batch, stage)
        if getattr(getattr(loader, "batch_sampler", None), "is_surplus", False):
            for metric in (one for one in self.modules() if isinstance(one, Metric)):
                forget(metric)
        return output

    def forward(self, inputs: Tensor, lengths: Tensor | None = None) -> Any:
        if self.channels_last and (memory_format := CHANNELS_LAST.get(inputs.ndim)):
            inputs = inputs.contiguous(memory_format=memory_format)
        inputs = in_default_type(inputs)
        try:
            return self.network(inputs) if lengths is None else self.network(inputs, lengths)
        except ValueError as error:
            if ONE_VALUE not in str(error):
                raise
            raise UserError(
                "batch norm cannot train on one value of a channel: the batch of this device has one sample, of which the "
                "network leaves one value. Raise data.batch_size (it is shared among the devices) or, of images, "
                "data.image_size"
            ) from error

    def _attached_trainer(self) -> Trainer | None:
        """None where the model is alone."""
        try:
            return self.trainer
        except RuntimeError:
            return None

    def _parameter_groups(self) -> list[dict[str, Any]]:
        """Those of the network, then those which the task has of its own, such as a head or a weight of its loss."""
        groups, of_network = parameter_groups(self.network, self.layer_decay), set(self.network.parameters())
        own = {name: one for name, one in self.named_parameters() if one.requires_grad and one not in of_network}
        if own and self._attached_trainer() and self.device_mesh is not None:
            raise UserError(f"trainer=fsdp divides model.network alone, and the task trains {', '.join(own)}: use DDP")
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
                f"{type(scheduled['scheduler']).__name__} sets all learning rates itself, which undoes model.layer_decay"
            )
        return {"optimizer": optimizer, "lr_scheduler": scheduled}


def in_default_type(inputs: Tensor) -> Tensor:
    """What transforms make in float32 as trainer.precision=64-true and bf16-true want it."""
    return inputs.to(torch.get_default_dtype()) if inputs.is_floating_point() else inputs
