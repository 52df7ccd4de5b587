"""The first samples of a batch before and after the device transform: a figure, or texts token by token. Imports torch."""

from base64 import b64encode
from io import BytesIO
from typing import Any

import torch
from matplotlib.figure import Figure
from torch import Tensor

from ...data import Batch
from .section import Token

SAMPLES, TEXTS, TOKENS = 4, 3, 40  # drawn samples, shown texts, and tokens of each


def drawn(data: Any, plain: Batch, after: Batch) -> str:
    """Return a PNG as base64; empty if the data module draws nothing.

    Args:
        data: The data module, which draws samples as the network reads them.
        plain: The batch without augmentation.
        after: The batch with augmentation.
    """
    width, height = data.drawn_size
    rows = {"As stored": plain, "After the transform": after}
    if torch.equal(plain.inputs, after.inputs):
        rows = {"As stored; nothing is augmented": after}
    columns = min(SAMPLES, len(after.inputs))
    figure = Figure(figsize=(width * columns, height), layout="constrained")
    for part, (caption, batch) in zip(figure.subfigures(len(rows), 1, squeeze=False)[:, 0], rows.items(), strict=True):
        part.suptitle(caption, x=0.01, ha="left", fontsize=10, weight="bold")
        for number, axes in enumerate(part.subplots(1, columns, squeeze=False)[0]):
            axes.set_axis_off()
            try:
                _draw(data, axes, *batch.sample(number))
            except NotImplementedError:
                return ""
            if axes.get_aspect() == 1:  # an image
                height = min(height, width * axes.get_data_ratio())
    figure.set_figheight((height + 0.5) * len(rows))
    buffer = BytesIO()
    figure.savefig(buffer, dpi=110, metadata={"Software": None})
    return b64encode(buffer.getvalue()).decode()


def _draw(data: Any, axes: Any, inputs: Tensor, target: Any) -> None:
    """Draw a sample with its boxes, its mask as a tint, or its class or transcript as the title."""
    if hasattr(data, "ignore_index"):
        classes = target.masked_fill(target == data.ignore_index, 0)
        data.draw_prediction(axes, inputs, target, classes.to(torch.uint8))
    else:
        data.draw(axes, inputs)
    if hasattr(target, "corners"):
        from ...data.vision.box_drawing import draw_boxes

        draw_boxes(axes, target, {name: torch.zeros(0) for name in ("boxes", "labels", "scores")}, data.class_names)
    axes.set_title(caption(data, target), fontsize=8, parse_math=False)


def texts(data: Any, before: Batch, after: Batch) -> list[tuple[str, list[Token]]]:
    """Return the first texts of a batch; empty if samples are not texts."""
    if not hasattr(data, "tokenizer"):
        return []
    found = []
    for number in range(min(TEXTS, len(after.inputs))):
        (old, _), (new, target) = before.sample(number), after.sample(number)
        pairs = zip(old.tolist(), new.tolist()[:TOKENS], strict=False)
        found.append((caption(data, target), [(_token(data.tokenizer, one), one != other) for other, one in pairs]))
    return found


def _token(tokenizer: Any, number: int) -> str:
    if hasattr(tokenizer, "token_bytes"):
        return tokenizer.token_bytes[number].decode(errors="replace") or "[END]"
    return tokenizer.vocabulary[number]


def caption(data: Any, target: Any) -> str:
    """Return the transcript, class or classes of a sample; empty for other targets."""
    names = list(getattr(data, "class_names", []))
    if hasattr(data, "alphabet"):
        return data.text(target)
    if not isinstance(target, Tensor) or target.is_floating_point() or not names:
        return ""
    if target.ndim == 0:
        return names[int(target)]
    return (
        "; ".join(name for name, value in zip(names, target, strict=True) if value) if len(target) == len(names) else ""
    )
