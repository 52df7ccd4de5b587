import csv
import heapq
import logging
import textwrap
from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from lightning.pytorch import Callback, LightningModule, Trainer
from matplotlib.figure import Figure
from torch import Tensor

from .figures import save_figure, warn_on_error
from .worst_table import worst_table

log = logging.getLogger(__name__)

# Split -> stage of the data module, attribute of the trainer.
STAGES = {"val": ("validation", "val_dataloaders"), "test": ("test", "test_dataloaders")}


class Example(NamedTuple):
    """A sample of an evaluation, on the CPU; sorted by priority, then by index."""

    priority: float
    order: int  # negative index of the sample
    inputs: Tensor
    target: Any
    prediction: Any


class PredictionPlots(Callback):
    """Plot predictions after a test or validation: random samples, the samples with the largest errors, also as a table,
    and the figures, texts and tables (as CSV) of the task.

    The random samples are the same in each evaluation. The data module draws a sample; the task returns its prediction
    and error. Plots are saved in `plots/` and passed to all loggers that accept images. Validations during training
    are not plotted.

    Args:
        num_samples: Number of samples in a plot.

    Raises:
        ValueError: `num_samples` is not positive.
    """

    def __init__(self, num_samples: int = 16) -> None:
        if num_samples < 1:
            raise ValueError(f"expected num_samples of at least 1, got {num_samples}")
        self.num_samples = num_samples
        self.folder = ""  # in `plots/`, one for each checkpoint

    def _start(self) -> None:
        self.seen = 0
        self.random = Random(0)
        # Heaps: the example with the lowest priority is replaced first.
        self.sample: list[Example] = []
        self.worst: list[Example] = []

    def _update(self, output: Any, batch: Any) -> None:
        losses = getattr(output, "per_sample_loss", None)
        for index, loss in enumerate([] if losses is None else losses.tolist()):
            for heap, priority in ((self.sample, self.random.random()), (self.worst, loss)):
                has_room = len(heap) < self.num_samples
                if has_room or priority > heap[0].priority:
                    values = (*batch.sample(index), output.predictions[index])
                    example = Example(priority, -self.seen, *map(_on_cpu, values))
                    heapq.heappush(heap, example) if has_room else heapq.heappushpop(heap, example)
            self.seen += 1

    def _end(self, trainer: Trainer, pl_module: LightningModule, split: str) -> None:
        figures, texts, tables = {}, {}, {}
        with warn_on_error("figures of the task"):
            figures = pl_module.figures()  # collective, so called on all ranks  # pyrefly: ignore[not-callable]
        with warn_on_error("texts of the task"):
            texts = pl_module.texts()  # pyrefly: ignore[not-callable]
        with warn_on_error("tables of the task"):
            tables = pl_module.tables()  # pyrefly: ignore[not-callable]
        if not trainer.is_global_zero:
            return
        data: Any = trainer.datamodule  # pyrefly: ignore[missing-attribute]
        sample = sorted(self.sample, key=lambda example: -example.order)
        worst = sorted(self.worst, reverse=True)
        if worst:
            stage, loader = STAGES[split]
            with warn_on_error(f"{split}_worst_samples.csv"):
                error = getattr(pl_module, "sample_error", "loss")
                tables["worst_samples"] = worst_table(data, stage, worst, getattr(trainer, loader), self.seen, error)
        for name, examples in (("predictions", sample), ("worst", worst)):
            if examples:
                with warn_on_error(f"{split}_{name}.png"):
                    figures[name] = grid(data, examples)
        for name, text in texts.items():
            with warn_on_error(f"{split}_{name}.txt"):
                self._path(trainer, f"{split}_{name}.txt").write_text(text, encoding="utf-8")
                figures[name] = page(text)
        for name, rows in tables.items():
            with (
                warn_on_error(f"{split}_{name}.csv"),
                self._path(trainer, f"{split}_{name}.csv").open("w", newline="", encoding="utf-8") as file,
            ):
                csv.writer(file).writerows(rows)
        for name, figure in figures.items():
            with warn_on_error(f"{split}_{name}.png"):
                save_figure(trainer, figure, f"{split}_{name}", self.folder)

    def _path(self, trainer: Trainer, name: str) -> Path:
        path = Path(trainer.default_root_dir) / "plots" / self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._start()

    def on_test_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, *_: Any, **__: Any
    ) -> None:
        self._update(outputs, batch)

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._end(trainer, pl_module, "test")

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._start()

    def on_validation_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, *_: Any, **__: Any
    ) -> None:
        if trainer.state.fn == "validate":
            self._update(outputs, batch)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.state.fn == "validate":
            self._end(trainer, pl_module, "val")


def grid(data: Any, examples: list[Example]) -> Figure:
    """Draw examples with the data module in a grid about 10 inches wide."""
    width, height = data.drawn_size
    columns = min(max(int(10 / width), 1), len(examples))
    rows = -(-len(examples) // columns)
    figure = Figure(figsize=(width * columns, height * rows), layout="constrained")
    subplots = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axes in subplots:
        axes.set_axis_off()
    for axes, example in zip(subplots, examples, strict=False):
        data.draw_prediction(axes, example.inputs, example.target, example.prediction)
    return figure


def page(text: str) -> Figure:
    """Draw the first 80 lines of a text, wrapped at 100 characters; the text file contains all of it."""
    lines = [part for line in text.expandtabs(4).splitlines() for part in textwrap.wrap(line, 100) or [""]]
    figure = Figure(figsize=(8, 0.15 * len(lines[:80]) + 0.2))
    options = {"va": "top", "family": "monospace", "fontsize": 8, "parse_math": False}
    figure.text(0.02, 0.98, "\n".join(lines[:80]), **options)
    return figure


def _on_cpu(value: Any) -> Any:
    """Move tensors, and dicts and named tuples of them, to the CPU."""
    if isinstance(value, Tensor):
        return value.detach().cpu()
    if isinstance(value, dict):
        return {name: _on_cpu(item) for name, item in value.items()}
    return type(value)(*map(_on_cpu, value)) if hasattr(value, "_fields") and isinstance(value, Iterable) else value
