from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from matplotlib.figure import Figure
from torch import Tensor
from torchmetrics.classification import MulticlassConfusionMatrix


class ClassificationPictures(Callback):
    """After an evaluation: a confusion matrix of all rows and a grid of the first rows with their predictions.

    They are written to `plots/` and handed to every logger that takes pictures. Rows of the matrix are the true
    classes, columns the predicted ones.

    Args:
        num_rows: rows in the grid.
    """

    def __init__(self, num_rows: int = 16) -> None:
        if num_rows < 1:
            raise ValueError(f"num_rows is {num_rows}; it must be at least 1")
        self.num_rows = num_rows

    def _start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.data: Any = trainer.datamodule  # pyrefly: ignore[missing-attribute]
        self.matrix = MulticlassConfusionMatrix(len(self.data.class_names)).to(pl_module.device)
        self.examples: list[tuple[Tensor, int, int]] = []

    def _update(self, logits: Any, batch: Any) -> None:
        self.matrix.update(logits, batch.targets)
        for row in range(min(self.num_rows - len(self.examples), len(logits))):
            inputs = batch.inputs[row] if batch.lengths is None else batch.inputs[row, : batch.lengths[row]]
            self.examples.append((inputs.cpu(), int(logits[row].argmax()), int(batch.targets[row])))

    def _end(self, trainer: Trainer, split: str) -> None:
        counts = self.matrix.compute().cpu()  # over all ranks, so on all ranks
        if trainer.is_global_zero:
            _write(trainer, f"{split}_confusion_matrix", confusion_matrix(counts, self.data.class_names))
            _write(trainer, f"{split}_predictions", self._grid())

    def _grid(self) -> Figure:
        columns = min(4, len(self.examples))
        rows = -(-len(self.examples) // columns)
        figure = Figure(figsize=(2.5 * columns, 2.5 * rows), layout="constrained")
        grid = list(figure.subplots(rows, columns, squeeze=False).flat)
        for axes in grid:
            axes.set_axis_off()
        for axes, (inputs, predicted, true) in zip(grid, self.examples, strict=False):
            self.data.draw(axes, inputs)
            names = self.data.class_names
            title = names[predicted] if predicted == true else f"{names[predicted]}, not {names[true]}"
            axes.set_title(title, color="black" if predicted == true else "red", fontsize=9)
        return figure

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._start(trainer, pl_module)

    def on_test_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        self._update(outputs, batch)

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._end(trainer, "test")

    # Within training, the pictures wait for the test.

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.state.fn == "validate":
            self._start(trainer, pl_module)

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        if trainer.state.fn == "validate":
            self._update(outputs, batch)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.state.fn == "validate":
            self._end(trainer, "val")


def _write(trainer: Trainer, name: str, figure: Figure) -> None:
    path = Path(trainer.default_root_dir) / "plots" / f"{name}.png"
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=120)
    for logger in trainer.loggers:
        if log_image := getattr(logger, "log_image", None):
            log_image(f"plots/{name}", [str(path)])


def confusion_matrix(counts: Tensor, class_names: list[str]) -> Figure:
    """Counts [true class, predicted class] -> a picture, coloured by the share of the true class."""
    size = max(4.0, 0.45 * len(class_names))
    figure = Figure(figsize=(size + 1, size), layout="constrained")
    axes = figure.subplots()
    shares = counts / counts.sum(dim=1, keepdim=True).clamp(min=1)
    image = axes.imshow(shares.numpy(), cmap="Blues", vmin=0, vmax=1)
    figure.colorbar(image, ax=axes, label="share of the true class")
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    if len(class_names) <= 40:
        axes.set_xticks(range(len(class_names)), class_names, rotation=90)
        axes.set_yticks(range(len(class_names)), class_names)
    if len(class_names) <= 20:
        for row, column in torch.nonzero(counts).tolist():
            color = "white" if shares[row, column] > 0.5 else "black"
            axes.text(column, row, str(int(counts[row, column])), ha="center", va="center", color=color, fontsize=7)
    return figure
