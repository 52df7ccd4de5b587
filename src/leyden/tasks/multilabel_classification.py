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
    """Any number of classes for each sample: a yes or no for every class by itself.

    The loss of a sample is the mean over the classes of the binary cross-entropy

        -(w t log p + (1 - t) log(1 - p)),   p = sigmoid(logit),

    with t = 1 for a class that the sample has and 0 otherwise. In training, t is smoothed to (1 - s) t + s / 2, and w is
    the class's weight; both are left out of the losses that evaluations log.

    Metrics, over all samples of an evaluation: `map`, the mean over the classes of the area below the steps of precision
    over recall, for which no threshold is needed; `macro_f1`, the mean over the classes of the F1 score of what has a
    probability above a half. Classes of which the split has no sample are left out of both, and reported once.

    Args:
        network: inputs -> logits [batch, class].
        class_names: the classes, in the order of their numbers.
        label_smoothing: s above.
        class_weights: `balanced` gives the samples of rare classes more weight, w = labels / (classes * labels of the
            class), all counted in the training samples; null is w = 1.
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
        self.reported: set[str] = set()  # stages of which absent classes are known

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
        """The probability of each class [batch, class]."""
        return self(batch.inputs, batch.lengths).float().sigmoid()

    def on_validation_epoch_end(self) -> None:
        self._report_absent("val")

    def on_test_epoch_end(self) -> None:
        self._report_absent("test")

    def _report_absent(self, stage: EvaluationStage) -> None:
        metric = getattr(self, f"{stage}_macro_f1")
        metric.compute()  # over all ranks, so on all; it is kept for the log
        absent = [
            name for name, is_there in zip(self.class_names, metric.present.tolist(), strict=True) if not is_there
        ]
        if absent and stage not in self.reported:
            self.reported.add(stage)
            log.warning("the %s split has no sample of %s: means over classes leave them out", stage, ", ".join(absent))

    def _targets(self, batch: Any) -> Tensor:
        """0 or 1 [batch, class], uint8 -> float."""
        if batch.targets.ndim != 2:
            raise UserError(
                "these samples have one class each: set data.label_separator, or leave the model's multilabel"
            )
        return batch.targets.float()
