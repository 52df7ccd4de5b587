import logging
from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from ..errors import UserError
from ..metrics.mean import Mean
from ..metrics.present_classes import PresentAveragePrecision, PresentF1
from .class_weights import balanced_weights
from .task import EvaluationOutput, EvaluationStage, Task

log = logging.getLogger(__name__)


class MultilabelClassification(Task):
    """Multilabel classification: an independent binary decision for each class.

    The loss of a sample is the mean over the classes of the binary cross-entropy

        -(w t log p + (1 - t) log(1 - p)),   p = sigmoid(logit),

    with t = 1 for the classes of the sample and 0 otherwise. In training, t is smoothed to (1 - s) t + s / 2, and w is
    the class weight; the logged losses of evaluations have neither.

    Metrics, over all samples of an evaluation: `map`, the mean average precision over classes, and `macro_f1`, the mean F1
    score over classes at a threshold of 0.5. Classes without a sample in the split are excluded, with one warning.

    Args:
        network: maps inputs to logits (batch, class).
        class_names: class names, in the order of their indices.
        label_smoothing: s above.
        class_weights: `balanced` gives rare classes a higher weight, w = labels / (classes * labels of the class),
            counted in the training split; null for w = 1.
        class_counts: training samples of each class, for `balanced`.
        **task: arguments of `Task`.
    """

    monitor, mode = "val/map", "max"

    def __init__(
        self,
        network: nn.Module,
        class_names: Sequence[str],
        label_smoothing: float = 0.0,
        class_weights: Literal["balanced"] | None = None,
        class_counts: Sequence[int] = (),
        **task: Any,
    ) -> None:
        if not 0 <= label_smoothing < 1:
            raise ValueError(f"label_smoothing is {label_smoothing}; it must be at least 0 and below 1")
        super().__init__(network=network, **task)
        self.class_names, self.label_smoothing = class_names, label_smoothing
        num_classes = len(class_names)
        weights = balanced_weights(class_counts) if class_weights else torch.ones(num_classes)
        self.register_buffer("class_weights", weights, persistent=False)
        self.add_metrics(
            loss=Mean(),
            map=PresentAveragePrecision(num_classes),
            macro_f1=PresentF1(num_classes),
        )
        self.reported: set[str] = set()  # stages with a warning about absent classes

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        targets = self._targets(batch)
        smooth = targets * (1 - self.label_smoothing) + self.label_smoothing / 2
        logits = self(batch.inputs, batch.lengths)
        loss = binary_cross_entropy_with_logits(logits, smooth, pos_weight=self.class_weights)
        self.log_training(loss=loss)
        return loss

    def evaluate(self, batch: Any, stage: EvaluationStage) -> EvaluationOutput:
        targets = self._targets(batch)
        logits = self(batch.inputs, batch.lengths)
        losses = binary_cross_entropy_with_logits(logits, targets, reduction="none").mean(dim=1)
        probabilities = logits.float().sigmoid()
        self.measure(stage, "loss", losses)
        self.measure(stage, "map", probabilities, batch.targets.long())
        self.measure(stage, "macro_f1", probabilities, batch.targets.long())
        return EvaluationOutput(probabilities, losses)

    def predict_step(self, batch: Any, batch_idx: int) -> Tensor:
        """Probability of each class (batch, class)."""
        return self(batch.inputs, batch.lengths).float().sigmoid()

    def on_validation_epoch_end(self) -> None:
        self._report_absent("val")

    def on_test_epoch_end(self) -> None:
        self._report_absent("test")

    def _report_absent(self, stage: EvaluationStage) -> None:
        metric = getattr(self, f"{stage}_macro_f1")
        metric.compute()  # synchronizes all ranks; the result is cached for logging
        present = zip(self.class_names, metric.present.tolist(), strict=True)
        absent = [name for name, is_present in present if not is_present]
        if absent and stage not in self.reported:
            self.reported.add(stage)
            log.warning("the %s split has no sample of %s: excluded from means over classes", stage, ", ".join(absent))

    def _targets(self, batch: Any) -> Tensor:
        """Multi-hot targets (batch, class) as floats."""
        if batch.targets.ndim != 2:
            raise UserError("the samples have one class each: set data.label_separator, or use a classification model")
        return batch.targets.float()
