from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..io import Curve, read_curves
from .figures import save_figure, warn_on_error

NAME = "curves"
PANEL = (3.6, 2.8)  # inches
MOST_MARKED = 40  # points; more are drawn as a line without marks


class LearningCurves(Callback):
    """Draw `plots/curves.png` at the end of training: loss, the task's metric and the learning rate by step.

    The values are read from metrics.csv, so that the curves of a resumed run are complete.
    """

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if not trainer.is_global_zero:
            return
        metric = str(getattr(pl_module, "monitor", "val/loss")).partition("/")[2]
        with warn_on_error(f"{NAME}.png"):  # the training is done, and worth more than its figure
            if figure := draw(read_curves(Path(trainer.default_root_dir) / "metrics.csv"), metric):
                save_figure(trainer, figure, NAME)


def draw(curves: dict[str, Curve], metric: str) -> Figure | None:
    """Draw a panel each for loss, metric and learning rate, if they were logged; None if none was."""
    panels: list[tuple[str, list[str]]] = [("loss", ["train/loss", "val/loss"])]
    if metric != "loss":
        panels.append((metric, [f"train/{metric}", f"val/{metric}"]))
    panels.append(("learning rate", ["train/learning_rate"]))
    panels = [(title, [name for name in names if name in curves]) for title, names in panels]
    panels = [(title, names) for title, names in panels if names]
    if not panels:
        return None
    figure = Figure(figsize=(PANEL[0] * len(panels), PANEL[1]), layout="constrained")
    for axes, (title, names) in zip(figure.subplots(1, len(panels), squeeze=False).flat, panels, strict=True):
        for name in names:
            _line(axes, curves[name], name.partition("/")[0])
        axes.set(title=title.replace("_", " "), xlabel="step")
        if len(names) > 1:
            axes.legend(frameon=False)
    return figure


def _line(axes: Axes, curve: Curve, split: str) -> None:
    style: dict[str, Any] = {
        "color": "tab:blue" if split == "train" else "tab:orange",
        "label": split,
        "linewidth": 1.2,
    }
    if len(curve.steps) <= MOST_MARKED:
        style |= {"marker": "o", "markersize": 2.5}
    axes.plot(curve.steps, curve.values, **style)
    axes.grid(alpha=0.25)
