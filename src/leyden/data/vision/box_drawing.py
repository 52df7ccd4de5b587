from collections.abc import Sequence
from typing import TYPE_CHECKING

from torch import Tensor

from .boxes import Boxes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TRUE, PREDICTED = "lime", "darkorange"


def draw_boxes(axes: "Axes", target: Boxes, found: dict[str, Tensor], class_names: Sequence[str]) -> None:
    """Draws true boxes with their class below, and predicted ones with class and score above; ignored ones are dotted.

    Args:
        axes: with the image.
        target: boxes of the image.
        found: boxes [box, 4], labels [box] and scores [box] of the prediction, the most certain first.
        class_names: the first is that of label 1.
    """
    for corners, label, ignored in zip(*(part.tolist() for part in target[:3]), strict=True):
        _rectangle(axes, corners, TRUE, ":" if ignored else "-")
        _text(axes, corners[0], corners[3], class_names[label - 1], TRUE, "top")
    # The most certain last, so that it lies on top.
    shown = [found[name].flip(0).tolist() for name in ("boxes", "labels", "scores")]
    for corners, label, score in zip(*shown, strict=True):
        _rectangle(axes, corners, PREDICTED, "-")
        _text(axes, corners[0], corners[1], f"{class_names[label - 1]} {score:.2f}", PREDICTED, "bottom")


def _rectangle(axes: "Axes", corners: Sequence[float], color: str, line: str) -> None:
    from matplotlib.patches import Rectangle  # half a second that training need not wait for

    left, top, right, bottom = (value - 0.5 for value in corners)  # plots count from the middle of a pixel
    axes.add_patch(Rectangle((left, top), right - left, bottom - top, fill=False, color=color, linestyle=line))


def _text(axes: "Axes", left: float, height: float, words: str, color: str, side: str) -> None:
    box = {"facecolor": "black", "alpha": 0.4, "pad": 0.5, "linewidth": 0}
    axes.text(left, height, words, color=color, fontsize=5, verticalalignment=side, bbox=box, clip_on=True)
