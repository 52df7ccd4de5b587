from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torchmetrics.classification import (
    MulticlassAccuracy,
    MulticlassCalibrationError,
    MulticlassConfusionMatrix,
    MulticlassF1Score,
)

from ..errors import UserError
from ..metrics.confusion_matrix import confusion_matrix, confusion_table
from ..metrics.mean import Mean
from .class_weights import balanced_weights
from .task import EvaluationOutput, EvaluationStage, Task

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Classification(Task):
    """One class per sample: cross-entropy loss; accuracy, macro F1, calibration error and, for more than 5 classes, top-5 accuracy.

    Macro F1 is the unweighted mean of the F1 scores of the classes.

    The training loss is the mean over the samples of a batch of

        -(sum over classes c of w_c t_c log p_c),   p = softmax(logits),

    with targets t: 1 for the class of the sample, changed by `label_smoothing` and `mix`. It is divided by the number of
    samples, not by the sum of their weights as in torch, which depends on the samples that share a batch or a device.
    The logged losses of evaluations have no weights, smoothing or mixing.

    Args:
        network: maps inputs to logits (batch, class).
        class_names: class names, in the order of their indices.
        label_smoothing: label smoothing in training.
        class_weights: `balanced` weights all classes equally in the training loss: w_c = samples / (classes * samples of
            the class), counted in the training split; null for w_c = 1.
        class_counts: training samples of each class, for `balanced`.
        mix: mixup or cutmix of torchvision.transforms.v2, applied to training batches: maps images and class indices to
            images and class probabilities (batch, class).
        **task: arguments of `Task`.
    """

    monitor, mode = "val/accuracy", "max"

    def __init__(
        self,
        network: nn.Module,
        class_names: Sequence[str],
        label_smoothing: float = 0.0,
        class_weights: Literal["balanced"] | None = None,
        class_counts: Sequence[int] = (),
        mix: Callable[..., tuple[Tensor, Tensor]] | None = None,
        **task: Any,
    ) -> None:
        if not 0 <= label_smoothing < 1:
            raise ValueError(f"label_smoothing is {label_smoothing}; it must be at least 0 and below 1")
        super().__init__(network=network, **task)
        self.class_names, self.label_smoothing, self.mix = class_names, label_smoothing, mix
        num_classes = len(class_names)
        if num_classes < 2:
            raise ValueError(
                f"class_names has {num_classes} classes; expected at least 2, which `load` of the dataset sets"
            )
        weights = balanced_weights(class_counts) if class_weights else torch.ones(num_classes)
        self.register_buffer("class_weights", weights, persistent=False)
        accuracy = MulticlassAccuracy(num_classes, average="micro")
        macro_f1 = MulticlassF1Score(num_classes, average="macro")
        self.add_metrics(loss=Mean(), accuracy=accuracy, macro_f1=macro_f1)
        # Difference between the probability of the predicted class and the accuracy: Guo et al., On Calibration of Modern
        # Neural Networks, 2017, section 2, https://arxiv.org/abs/1706.04599.
        self.add_metrics(calibration_error=MulticlassCalibrationError(num_classes, n_bins=15))
        self.has_top5 = num_classes > 5
        if self.has_top5:
            self.add_metrics(top5_accuracy=MulticlassAccuracy(num_classes, top_k=5, average="micro"))
        self.confusion = MulticlassConfusionMatrix(num_classes)

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        inputs, targets, lengths = batch
        if targets.ndim != 1:
            raise UserError("the samples have several classes each: use a multilabel model, see configs/model/")
        if self.mix:
            inputs, targets = self.mix(inputs, targets)
        logits = self(inputs, lengths)
        losses = cross_entropy(
            logits, targets, self.class_weights, reduction="none", label_smoothing=self.label_smoothing
        )
        loss = losses.mean()
        classes = targets.argmax(dim=1) if targets.ndim == 2 else targets
        self.log_training(loss=loss, accuracy=(logits.argmax(dim=1) == classes).float().mean())
        return loss

    def evaluate(self, batch: Any, stage: EvaluationStage) -> EvaluationOutput:
        logits = self(batch.inputs, batch.lengths)
        losses = cross_entropy(logits, batch.targets, reduction="none")
        self.measure(stage, "loss", losses)
        self.measure(stage, "accuracy", logits, batch.targets)
        self.measure(stage, "macro_f1", logits, batch.targets)
        self.measure(stage, "calibration_error", logits.softmax(dim=1), batch.targets)
        if self.has_top5:
            self.measure(stage, "top5_accuracy", logits, batch.targets)
        self.confusion.update(logits, batch.targets)
        return EvaluationOutput(logits.softmax(dim=1), losses)

    def predict_step(self, batch: Any, batch_idx: int) -> Tensor:
        """Class probabilities (batch, class)."""
        return self(batch.inputs, batch.lengths).softmax(dim=1)

    def figures(self) -> dict[str, "Figure"]:
        return {"confusion_matrix": confusion_matrix(self.confusion.compute().cpu(), self.class_names)}

    def tables(self) -> dict[str, list[list[Any]]]:
        return {"confusion_matrix": confusion_table(self.confusion.compute().cpu(), self.class_names)}

    def on_validation_epoch_start(self) -> None:
        self.confusion.reset()

    def on_test_epoch_start(self) -> None:
        self.confusion.reset()
