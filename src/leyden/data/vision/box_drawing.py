from collections.abc import Sequence
from typing import TYPE_CHECKING

from torch import Tensor

from .boxes import Boxes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TARGET_COLOR, PREDICTED_COLOR = "lime", "darkorange"


def draw_boxes(axes: "Axes", target: Boxes, prediction: dict[str, Tensor], class_names: Sequence[str]) -> None:
    """Draw target boxes with their class below, dotted if ignored, and predicted boxes with class and score above.

    Args:
        axes: axes with the image.
        target: boxes of the image.
        prediction: boxes (box, 4), labels (box,) and scores (box,), in descending order of the score.
        class_names: class names; the first one is that of label 1.
    """
    for corners, label, ignored in zip(*(part.tolist() for part in target[:3]), strict=True):
        _rectangle(axes, corners, TARGET_COLOR, ":" if ignored else "-")
        _text(axes, corners[0], corners[3], class_names[label - 1], TARGET_COLOR, "top")
    # Reversed, so that the highest score is on top.
    shown = [prediction[name].flip(0).tolist() for name in ("boxes", "labels", "scores")]
    for corners, label, score in zip(*shown, strict=True):
        _rectangle(axes, corners, PREDICTED_COLOR, "-")
        _text(axes, corners[0], corners[1], f"{class_names[label - 1]} {score:.2f}", PREDICTED_COLOR, "bottom")


def _rectangle(axes: "Axes", corners: Sequence[float], color: str, line: str) -> None:
    from matplotlib.patches import Rectangle  # imported late: it takes half a second

    left, top, right, bottom = (value - 0.5 for value in corners)  # matplotlib counts from the centre of a pixel
    axes.add_patch(Rectangle((left, top), right - left, bottom - top, fill=False, color=color, linestyle=line))


def _text(axes: "Axes", left: float, height: float, words: str, color: str, side: str) -> None:
    box = {"facecolor": "black", "alpha": 0.4, "pad": 0.5, "linewidth": 0}
    axes.text(left, height, words, color=color, fontsize=5, verticalalignment=side, bbox=box, clip_on=True)
