"""Class labels: encoding them as indices, and writing and drawing predicted classes."""

import logging
from collections import Counter
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ...errors import hint
from .error import DataError

log = logging.getLogger(__name__)


class Labels:
    """Class labels of files: one class per sample, or several classes with a separator between them.

    Args:
        classes: class names, in the order of their indices; by default, all labels in the files, sorted.
        separator: text between the classes of a sample; None if each sample has exactly one class.
    """

    def __init__(self, classes: Sequence[str] | None = None, separator: str | None = None) -> None:
        if separator == "":
            raise ValueError("label_separator is empty; expected the text between two labels, such as ';'")
        self.classes, self.separator = list(classes or []), separator

    def names_in(self, label: str) -> list[str]:
        """Classes of one sample; may be empty only with a separator."""
        if self.separator is None:
            return [label]
        return [name.strip() for name in label.split(self.separator) if name.strip()]

    def class_names(self, train: list[str], others: list[str]) -> list[str]:
        """Class names, in the order of their indices.

        Log a warning for each class without a training sample if the classes are given or a sample may have several.

        Args:
            train: labels of the training samples.
            others: labels of the validation and test samples.

        Raises:
            DataError: a class has no training sample, and the classes are not given.
        """
        seen = Counter(name for label in train for name in self.names_in(label))
        tested = Counter(name for label in others for name in self.names_in(label))
        names = self.classes or sorted(seen | tested)
        for name in names:
            if name not in seen:
                near = hint(name, seen, few=0)
                text = f"class {name!r} has no training sample: its {tested[name]} other samples cannot be classified"
                if not self.classes and self.separator is None:
                    raise DataError(
                        f"{text}{near}\nCorrect the label, remove these samples, or list all classes in data.classes"
                    )
                log.warning("%s%s", text, near)
        return names

    def targets(self, labels: list[str], class_names: list[str], split: str) -> Tensor:
        """Class indices (sample,), int64; with a separator, multi-hot targets (sample, class), uint8.

        Raises:
            DataError: a label is not one of the classes.
        """
        if self.separator is None:
            return class_indices(labels, class_names, split)
        samples = [class_indices(self.names_in(label), class_names, split) for label in labels]
        targets = torch.zeros(len(samples), len(class_names), dtype=torch.uint8)
        for target, indices in zip(targets, samples, strict=True):
            target[indices] = 1
        return targets

    def strata(self, labels: list[str]) -> Tensor:
        """Stratum index of each label (sample,), for stratified splits; all 0 if samples may have several classes."""
        if self.separator is not None:
            return torch.zeros(len(labels), dtype=torch.int64)
        return class_indices(labels, sorted(set(labels)), "whole")

    def record(self, probabilities: Tensor, class_names: Sequence[str]) -> dict[str, Any]:
        """Record that `predict` writes for one sample with probabilities (class,)."""
        if self.separator is None:
            return class_record(probabilities, class_names)
        rounded = [round(value, 6) for value in probabilities.tolist()]
        predicted = self.separator.join(predicted_classes(probabilities, class_names))
        return {"prediction": predicted, "probabilities": dict(zip(class_names, rounded, strict=True))}

    def describe(self, target: Any, prediction: Any, class_names: Sequence[str]) -> dict[str, Any]:
        """True and predicted classes of a sample with probabilities (class,); empty if it has other targets."""
        values = prediction.tolist() if isinstance(prediction, Tensor) and prediction.ndim == 1 else []
        if (
            not isinstance(target, Tensor)
            or target.is_floating_point()
            or len(values) != len(class_names)
            or not values
        ):
            return {}
        if self.separator is not None:
            true, predicted = (self.separator.join(predicted_classes(row, class_names)) for row in (target, prediction))
            return {"true": true, "predicted": predicted}
        if target.ndim:
            return {}
        best, true = int(prediction.argmax()), int(target)
        shown = {"true": class_names[true], "predicted": class_names[best]}
        return shown | {"confidence": round(values[best], 6), "probability of true": round(values[true], 6)}

    def caption(self, target: Tensor, probabilities: Tensor, class_names: Sequence[str]) -> tuple[str, bool]:
        """Predicted classes, followed by the true ones if they differ; and whether the prediction is correct."""
        if self.separator is None:
            return class_caption(target, probabilities, class_names)
        predicted, true = (
            "; ".join(predicted_classes(values, class_names)) or "none" for values in (probabilities, target)
        )
        return predicted if predicted == true else f"{predicted}, not {true}", predicted == true


def class_indices(labels: list[str], class_names: list[str], split: str) -> Tensor:
    """Encode labels as class indices (sample,), int64.

    Raises:
        DataError: a label is not one of the classes.
    """
    indices = {name: index for index, name in enumerate(class_names)}
    if unknown := sorted(set(labels) - indices.keys()):
        raise DataError(f"unknown labels in the {split} split: {unknown[:5]}; expected one of {class_names[:10]}")
    return torch.tensor([indices[label] for label in labels], dtype=torch.int64)


def check_classes(classes: Tensor, class_names: Sequence[str], split: str) -> None:
    """Check class indices (sample,) against the class names; without class names, accept any.

    Raises:
        DataError: an index is out of range, or there are no samples.
    """
    if not len(classes):
        raise DataError(f"the {split} split has no samples")
    if class_names and (classes.min() < 0 or classes.max() >= len(class_names)):
        raise DataError(
            f"class indices of the {split} split range from {classes.min()} to {classes.max()}; "
            f"expected 0 to {len(class_names) - 1} for {len(class_names)} classes"
        )


def class_counts(targets: Any, num_classes: int) -> list[int]:
    """Samples per class, from targets (sample,) or (sample, class); empty for other targets."""
    if isinstance(targets, Tensor) and targets.ndim == 1 and num_classes and not targets.is_floating_point():
        return targets.bincount(minlength=num_classes).tolist()
    if isinstance(targets, Tensor) and targets.ndim == 2 and targets.shape[1] == num_classes:
        return targets.sum(dim=0).tolist()
    return []


def lost_classes(before: Sequence[int], after: Sequence[int], class_names: Sequence[str]) -> list[str]:
    """A warning about classes whose training samples are all in other splits; none if there are no such classes.

    Args:
        before: samples of each class before validation and test samples were taken from them.
        after: samples of each class that are left for training.
        class_names: names of the classes.
    """
    lost = [name for name, old, new in zip(class_names, before, after, strict=False) if old and not new]
    if not lost:
        return []
    named = f"{', '.join(map(repr, lost[:5]))}{', ...' * (len(lost) > 5)}"
    return [
        f"warning: the train split has no sample of {len(lost)} of {len(class_names)} classes ({named}): all of them are in "
        "the validation or test split, where they cannot be classified. Add samples of these classes, or remove them; if "
        "data.group keeps their samples together, choose smaller groups"
    ]


def predicted_classes(probabilities: Tensor, class_names: Sequence[str]) -> list[str]:
    """Classes with a probability of at least 0.5."""
    return [name for name, value in zip(class_names, probabilities.tolist(), strict=True) if value >= 0.5]


def class_record(probabilities: Tensor, class_names: Sequence[str]) -> dict[str, Any]:
    """Record that `predict` writes for one sample with probabilities (class,)."""
    rounded = [round(value, 6) for value in probabilities.tolist()]
    best = int(probabilities.argmax())  # before rounding, which creates ties
    return {
        "prediction": class_names[best],
        "probability": rounded[best],
        "probabilities": dict(zip(class_names, rounded, strict=True)),
    }


def class_caption(target: Tensor, probabilities: Tensor, class_names: Sequence[str]) -> tuple[str, bool]:
    """Predicted class with its probability, followed by the true class if it differs; and whether they are equal."""

    def text(label: Tensor) -> str:
        return f"{class_names[int(label)]} {probabilities[int(label)]:.2f}"

    predicted = probabilities.argmax()
    is_right = bool(predicted == target)
    return text(predicted) if is_right else f"{text(predicted)}, not {text(target)}", is_right
