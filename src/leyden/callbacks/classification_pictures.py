from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.utilities import rank_zero_only
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
        if trainer.state.fn == "fit":  # in training, the pictures wait for the test
            return
        self.class_names: list[str] = trainer.datamodule.class_names
        self.matrix = MulticlassConfusionMatrix(len(self.class_names)).to(pl_module.device)
        self.inputs: list[Tensor] = []
        self.titles: list[tuple[str, bool]] = []

    def _update(self, trainer: Trainer, pl_module: LightningModule, logits: Any, batch: Any, *args: Any) -> None:
        if trainer.state.fn == "fit":
            return
        self.matrix.update(logits, batch.targets)
        for row in range(min(self.num_rows - len(self.inputs), len(logits))):
            predicted, true = int(logits[row].argmax()), int(batch.targets[row])
            length = batch.lengths[row] if batch.lengths is not None else None
            self.inputs.append(batch.inputs[row, ..., :length].float().cpu() if length else batch.inputs[row].cpu())
            title = self.class_names[predicted] + ("" if predicted == true else f", not {self.class_names[true]}")
            self.titles.append((title, predicted == true))

    def _end(self, trainer: Trainer, stage: str) -> None:
        if trainer.state.fn == "fit":
            return
        counts = self.matrix.compute().cpu()  # over all ranks, so on all ranks
        if trainer.is_global_zero:
            self._write(trainer, f"{stage}_confusion_matrix", confusion_matrix(counts, self.class_names))
            self._write(trainer, f"{stage}_predictions", self._grid(trainer))

    def _grid(self, trainer: Trainer) -> Figure:
        columns = min(4, len(self.inputs))
        rows = -(-len(self.inputs) // columns)
        figure = Figure(figsize=(2.5 * columns, 2.5 * rows), layout="constrained")
        axes = figure.subplots(rows, columns, squeeze=False).flat
        for one in axes:
            one.set_axis_off()
        for one, inputs, (title, is_right) in zip(figure.axes, self.inputs, self.titles, strict=False):
            trainer.datamodule.draw(one, inputs)
            one.set_title(title, color="black" if is_right else "red", fontsize=9)
        return figure

    @rank_zero_only
    def _write(self, trainer: Trainer, name: str, figure: Figure) -> None:
        path = Path(trainer.default_root_dir) / "plots" / f"{name}.png"
        path.parent.mkdir(exist_ok=True)
        figure.savefig(path, dpi=120)
        for logger in trainer.loggers:
            if hasattr(logger, "log_image"):
                logger.log_image(f"plots/{name}", [str(path)])

    on_test_start = on_validation_start = _start
    on_test_batch_end = on_validation_batch_end = _update

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._end(trainer, "test")

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._end(trainer, "val")


def confusion_matrix(counts: Tensor, class_names: list[str]) -> Figure:
    """Counts [true class, predicted class] -> a picture, coloured by the share of the true class."""
    size = max(4.0, 0.45 * len(class_names))
    figure = Figure(figsize=(size + 1, size), layout="constrained")
    axes = figure.subplots()
    shares = counts / counts.sum(dim=1, keepdim=True).clamp(min=1)
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    figure.colorbar(image, ax=axes, label="share of the true class")
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    if len(class_names) <= 40:
        axes.set_xticks(range(len(class_names)), class_names, rotation=90)
        axes.set_yticks(range(len(class_names)), class_names)
    if len(class_names) <= 20:
        for row, column in torch.nonzero(counts).tolist():
            color = "white" if shares[row, column] > 0.5 else "black"
            axes.text(column, row, int(counts[row, column]), ha="center", va="center", color=color, fontsize=7)
    return figure
