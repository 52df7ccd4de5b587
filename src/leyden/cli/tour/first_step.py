"""Run the first training step of an experiment in this process, as a run would, and record it. Imports torch."""

import tempfile
import time
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, Trainer, seed_everything
from torch import Tensor, nn
from torch.utils.data import Subset

from ...callbacks.lightning_internals import unscales_in_step
from ...config.build import build
from ...data import Batch, DataModule
from ...data.core.samples import PartSamples
from ...data.files.archives import checked_archives
from ...run.harmless_warnings import silence_lightning
from ...run.preprocessing import provided, taking
from ...run.trainer_settings import adapt_settings
from .layers import Calls, Squares, fastest

PASSES = 3  # of which the fastest calls are shown
# What is about more than a step, or writes files.
LONGER = ("profiler", "fast_dev_run", "overfit_batches", "max_time", "accumulate_grad_batches")
NOTHING = ("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary", "use_distributed_sampler")


def first_step(config: dict[str, Any]) -> "StepRecorder":
    """Run the first training step of an experiment and return its record.

    Args:
        config: The resolved configuration of the experiment.

    Raises:
        RunError: The data or the model cannot be used.
    """
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        silence_lightning()
        data: DataModule = build(taking(config["data"], provided(config)), {})
        step = StepRecorder(config, data)
        seed_everything(config["seed"], verbose=False)  # as for a run
        model = config["model"] | ({"compile": False} if "compile" in config["model"] else {})
        step.task = build(model, data.provided())
        trainer = _trainer(config["trainer"], callbacks=[step], default_root_dir=folder)
        with suppress(Finished):
            trainer.fit(step.task, data)
    return step


def _trainer(given: dict[str, Any], **more: Any) -> Trainer:
    settings, unset, environment = adapt_settings({name: given[name] for name in given if name not in LONGER}, False)
    settings |= {"limit_val_batches": 0, "num_sanity_val_steps": 0} | dict.fromkeys(NOTHING, False)
    return build(settings, {}, plugins=[environment], **unset, **more)


class Finished(Exception):  # noqa: N818
    """The step is done, and nothing should follow: neither other batches nor the end of an epoch."""


class StepRecorder(Callback):
    """Prepare the data, record the first training step, and end the training.

    Files are decoded when their batch is read, so a tour does not wait for other files and writes no cache.
    """

    task: Any
    calls: Calls
    loss: float | None = None
    loss_after: float | None = None
    output: Any = None  # of the network
    mixed: Any = None  # by `task.mix`
    optimizer, clip = "none", ""
    rates: tuple[tuple[float, float], ...] = ()  # of each group: of this step, and what a schedule multiplies

    def __init__(self, config: dict[str, Any], data: DataModule) -> None:
        self.config, self.data = config, data
        data.storage.place, data.storage.cache, data.loading.num_workers = "disk", None, 0
        begin = time.perf_counter()
        with checked_archives():
            data.prepare_data()
            for stage in ["fit"] + ["test"] * data.has_test:
                data.setup(stage)
        self.setup_seconds = time.perf_counter() - begin
        self._read(data.train_dataloader())
        self.transform = data.batch_transform("train")
        self.transform.register_forward_hook(self._keep_batches)
        data.batch_transform = lambda stage: self.transform  # pyrefly: ignore[bad-assignment]
        self.gradients: dict[nn.Parameter, float] = {}

    def _read(self, loader: Any) -> None:
        """Read the first batch to measure the time; training reads it again."""
        indices = list(next(iter(loader.batch_sampler)))
        begin = time.perf_counter()
        self.stored: Batch = loader.dataset.__getitems__(indices)
        self.read_seconds, self.files = time.perf_counter() - begin, files_of(loader.dataset, indices)

    def _keep_batches(self, _: nn.Module, inputs: Any, output: Batch) -> None:
        cpu = torch.device("cpu")
        self.batch, self.before, self.after = output, inputs[0].to(cpu), output.to(cpu)

    def on_train_batch_start(self, trainer: Trainer, pl_module: Any, batch: Any, batch_idx: int) -> None:
        self.device = trainer.strategy.root_device
        pl_module.log = pl_module.log_dict = lambda *_, **__: None
        self.old = {one: one.detach().clone() for one in pl_module.parameters()}
        self.random = torch.get_rng_state(), torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []
        if isinstance(network := getattr(pl_module, "network", None), nn.Module):
            self.handle = network.register_forward_hook(self._keep_output)
        if mix := getattr(pl_module, "mix", None):
            object.__setattr__(pl_module, "mix", lambda *batch: self._keep_mixed(mix(*batch)))
        self.calls = Calls(pl_module, self._synchronize)

    def _keep_output(self, module: nn.Module, inputs: Any, output: Any) -> None:
        self.output = output
        self.handle.remove()

    def _keep_mixed(self, mixed: Any) -> Any:
        self.mixed = self.mixed or mixed
        return mixed

    def on_before_backward(self, trainer: Trainer, pl_module: Any, loss: Tensor) -> None:
        self.loss = float(loss.detach()) if self.loss is None else self.loss

    def on_before_optimizer_step(self, trainer: Trainer, pl_module: Any, optimizer: Any) -> None:
        scaler = getattr(trainer.precision_plugin, "scaler", None)
        scale = scaler.get_scale() if scaler and unscales_in_step(optimizer) else 1.0
        for one in pl_module.parameters():
            if one.grad is not None:
                self.gradients.setdefault(one, float(one.grad.float().norm() / scale) ** 2)
        self.optimizer = type(optimizer).__name__
        self.rates += tuple((group["lr"], group.get("initial_lr", group["lr"])) for group in optimizer.param_groups)
        if trainer.gradient_clip_val:
            self.clip = f"{trainer.gradient_clip_algorithm or 'norm'} {trainer.gradient_clip_val:g}"

    def on_train_batch_end(self, trainer: Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        def square(tensor: Tensor) -> float:
            return float(tensor.float().norm()) ** 2

        self.calls.close()
        parts = ((one, self.gradients.get(one, 0.0), old, one.detach() - old) for one, old in self.old.items())
        self.squares: Squares = {one: (gradient, square(old), square(new)) for one, gradient, old, new in parts}
        if pl_module.automatic_optimization and self.loss is not None:
            self.calls = fastest([self._forward(trainer, pl_module, batch) for _ in range(PASSES)])
        raise Finished

    def _forward(self, trainer: Trainer, task: Any, batch: Any) -> Calls:
        """Repeat the forward pass with the changed weights and the same dropout; the first pass of a process is slower."""
        torch.set_rng_state(self.random[0])
        torch.cuda.set_rng_state_all(self.random[1])
        calls = Calls(task, self._synchronize)
        with torch.no_grad():
            loss: Any = trainer.strategy.training_step(batch, 0)
        calls.close()
        self.loss_after = float(loss["loss"] if isinstance(loss, dict) else loss)
        return calls

    def _synchronize(self) -> None:
        if self.device.type in ("cuda", "mps"):
            getattr(torch, self.device.type).synchronize()


def files_of(samples: Any, indices: list[int]) -> list[Path]:
    """Return the files that are read for these samples; empty if the samples are in memory."""
    if isinstance(samples, Subset):
        return files_of(samples.dataset, [samples.indices[index] for index in indices])
    if isinstance(samples, PartSamples):
        return files_of(samples.samples, [samples.indices[index] for index in indices])
    for name in ("samples", "images"):  # of masks, of boxes
        if hasattr(inner := getattr(samples, name, None), "__getitems__"):
            return files_of(inner, indices)
    paths = [samples.paths[index] for index in indices] if hasattr(samples, "paths") else []
    parts = [part for path in paths for part in (path if isinstance(path, tuple) else [path])]
    return sorted({path for path in parts if isinstance(path, Path) and path.is_file()})
