"""Rows that belong to one class: numbers for labels, and how a prediction is written and drawn."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from .error import DataError

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def class_numbers(labels: list[str], class_names: list[str], split: str) -> Tensor:
    """Labels -> class numbers [row].

    Raises:
        DataError: a label is none of the classes, as one that appears in the test split alone.
    """
    numbers = {name: number for number, name in enumerate(class_names)}
    if unknown := sorted(set(labels) - numbers.keys()):
        raise DataError(
            f"labels of the {split} split that training never saw: {unknown[:5]}; known: {class_names[:10]}"
        )
    return torch.tensor([numbers[label] for label in labels], dtype=torch.int64)


def class_record(probabilities: Tensor, class_names: Sequence[str]) -> dict[str, Any]:
    """Probabilities [class] of one row -> what `predict` writes of it."""
    known = [round(value, 6) for value in probabilities.tolist()]
    best = max(range(len(known)), key=known.__getitem__)
    return {
        "prediction": class_names[best],
        "probability": known[best],
        "probabilities": dict(zip(class_names, known, strict=True)),
    }


def class_title(axes: "Axes", target: Tensor, probabilities: Tensor, class_names: Sequence[str]) -> None:
    """The predicted class and its probability above a picture; in red, with those of the true one, where it is wrong."""

    def text(number: Tensor) -> str:
        return f"{class_names[int(number)]} {probabilities[int(number)]:.2f}"

    predicted = probabilities.argmax()
    title = text(predicted) if predicted == target else f"{text(predicted)}, not {text(target)}"
    axes.set_title(title, color="black" if predicted == target else "red", fontsize=9)
