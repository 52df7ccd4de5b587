from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def confusion_matrix(counts: Tensor, class_names: Sequence[str]) -> "Figure":
    """Plot counts (true class, predicted class), coloured by their share of the true class."""
    from matplotlib.figure import Figure  # imported late: it takes half a second

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
            axes.text(column, row, short(int(counts[row, column])), ha="center", va="center", color=color, fontsize=7)
    return figure


def confusion_table(counts: Tensor, class_names: Sequence[str]) -> list[list[str | int]]:
    """Return counts (true class, predicted class) as rows with the names of the classes."""
    rows = [[name, *row] for name, row in zip(class_names, counts.tolist(), strict=True)]
    return [["true class", *class_names], *rows]


def short(count: int) -> str:
    """A count in at most five characters, such as 12345, 123k or 1.23M."""
    if count < 100_000:
        return str(count)
    return f"{count / 1000:.0f}k" if count < 999_500 else f"{count / 1e6:.{2 if count < 9_995_000 else 0}f}M"
