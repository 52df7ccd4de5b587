"""Samples that belong to classes: numbers for labels, and how a prediction is written and drawn."""

import logging
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ...errors import hint
from .error import DataError

if TYPE_CHECKING:
    pass

log = logging.getLogger(__name__)


class Labels:
    """What the labels in files mean: one class a sample, or several where a separator is given.

    Args:
        classes: the classes, in the order of their numbers; otherwise all that the files name, sorted.
        separator: what stands between the classes of a sample; None where each sample has exactly one.
    """

    def __init__(self, classes: Sequence[str] | None = None, separator: str | None = None) -> None:
        if separator == "":
            raise ValueError("label_separator is empty; it must be what stands between two labels, such as ';'")
        self.classes, self.separator = list(classes or []), separator

    def names_in(self, label: str) -> list[str]:
        """The classes of one sample; none for an empty label where there may be several."""
        if self.separator is None:
            return [label]
        return [name.strip() for name in label.split(self.separator) if name.strip()]

    def class_names(self, train: list[str], others: list[str]) -> list[str]:
        """All classes, in the order of their numbers.

        Where they are given, or a sample has several, those without a training sample are named in a warning.

        Args:
            train: labels of the training samples.
            others: labels of the validation and test samples.

        Raises:
            DataError: a class that was not asked for has no training sample.
        """
        seen = Counter(name for label in train for name in self.names_in(label))
        tested = Counter(name for label in others for name in self.names_in(label))
        names = self.classes or sorted(seen | tested)
        for name in names:
            if name not in seen:
                near = hint(name, seen, few=0)
                text = (
                    f"class {name!r} has no training sample, so none of its {tested[name]} other samples can be right"
                )
                if not self.classes and self.separator is None:
                    raise DataError(
                        f"{text}{near}\nCorrect the label, leave these samples out, or list all classes in data.classes"
                    )
                log.warning("%s%s", text, near)
        return names

    def targets(self, labels: list[str], class_names: list[str], split: str) -> Tensor:
        """Class numbers [sample], int64; where samples have several classes, 1 for each of them [sample, class], uint8.

        Raises:
            DataError: a label is none of the classes.
        """
        if self.separator is None:
            return class_numbers(labels, class_names, split)
        samples = [class_numbers(self.names_in(label), class_names, split) for label in labels]
        targets = torch.zeros(len(samples), len(class_names), dtype=torch.uint8)
        for target, numbers in zip(targets, samples, strict=True):
            target[numbers] = 1
        return targets

    def strata(self, labels: list[str]) -> Tensor:
        """A number for each label, for stratified splits [sample]; all 0 where samples have several classes."""
        if self.separator is not None:
            return torch.zeros(len(labels), dtype=torch.int64)
        return class_numbers(labels, sorted(set(labels)), "whole")

    def record(self, probabilities: Tensor, class_names: Sequence[str]) -> dict[str, Any]:
        """Probabilities [class] of one sample -> what `predict` writes of it."""
        if self.separator is None:
            return class_record(probabilities, class_names)
        known = [round(value, 6) for value in probabilities.tolist()]
        predicted = self.separator.join(likely(probabilities, class_names))
        return {"prediction": predicted, "probabilities": dict(zip(class_names, known, strict=True))}

    def caption(self, target: Tensor, probabilities: Tensor, class_names: Sequence[str]) -> tuple[str, bool]:
        """The predicted classes, with the true ones where these are others; and whether they are right."""
        if self.separator is None:
            return class_caption(target, probabilities, class_names)
        predicted, true = ("; ".join(likely(one, class_names)) or "none" for one in (probabilities, target))
        return predicted if predicted == true else f"{predicted}, not {true}", predicted == true


def class_numbers(labels: list[str], class_names: list[str], split: str) -> Tensor:
    """Labels -> class numbers [sample].

    Raises:
        DataError: a label is none of the classes.
    """
    numbers = {name: number for number, name in enumerate(class_names)}
    if unknown := sorted(set(labels) - numbers.keys()):
        raise DataError(f"labels of the {split} split that are no class: {unknown[:5]}; known: {class_names[:10]}")
    return torch.tensor([numbers[label] for label in labels], dtype=torch.int64)


def check_classes(classes: Tensor, class_names: Sequence[str], split: str) -> None:
    """Refuses class numbers [sample] that stand for no class; any will do where there are no names.

    Raises:
        DataError: there are such, or no samples at all.
    """
    if not len(classes):
        raise DataError(f"the {split} split has no samples")
    if class_names and (classes.min() < 0 or classes.max() >= len(class_names)):
        raise DataError(
            f"labels of the {split} split run from {classes.min()} to {classes.max()}; "
            f"{len(class_names)} classes allow 0 to {len(class_names) - 1}"
        )


def class_counts(targets: Any, num_classes: int) -> list[int]:
    """How many samples each class has, by targets [sample] or [sample, class]; nothing where targets are something else."""
    if isinstance(targets, Tensor) and targets.ndim == 1 and num_classes:
        return targets.bincount(minlength=num_classes).tolist()
    if isinstance(targets, Tensor) and targets.ndim == 2 and targets.shape[1] == num_classes:
        return targets.sum(dim=0).tolist()
    return []


def likely(probabilities: Tensor, class_names: Sequence[str]) -> list[str]:
    """The classes with a probability of a half and more."""
    return [name for name, value in zip(class_names, probabilities.tolist(), strict=True) if value >= 0.5]


def class_record(probabilities: Tensor, class_names: Sequence[str]) -> dict[str, Any]:
    """Probabilities [class] of one sample -> what `predict` writes of it."""
    known = [round(value, 6) for value in probabilities.tolist()]
    best = int(probabilities.argmax())  # of what was not rounded: several may be 1.0 or 0.5 when it is
    return {
        "prediction": class_names[best],
        "probability": known[best],
        "probabilities": dict(zip(class_names, known, strict=True)),
    }


def class_caption(target: Tensor, probabilities: Tensor, class_names: Sequence[str]) -> tuple[str, bool]:
    """The predicted class and its probability, with those of the true one where it is another; and whether it is right."""

    def text(number: Tensor) -> str:
        return f"{class_names[int(number)]} {probabilities[int(number)]:.2f}"

    predicted = probabilities.argmax()
    is_right = bool(predicted == target)
    return text(predicted) if is_right else f"{text(predicted)}, not {text(target)}", is_right
