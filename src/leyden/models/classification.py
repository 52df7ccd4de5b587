from collections.abc import Callable
from typing import Any

from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torchmetrics import MeanMetric, MetricCollection
from torchmetrics.classification import MulticlassAccuracy

from .task import Task


class Classification(Task):
    """One class for each row: cross-entropy and accuracy.

    Args:
        network: inputs -> logits [batch, num_classes].
        num_classes: classes.
        label_smoothing: share of the target spread over all classes, in training.
        mix: mixup or cutmix of torchvision's transforms v2, on the training batches: images and class numbers ->
            images and class probabilities [batch, class].
        **task: arguments of `Task`.
    """

    def __init__(
        self,
        network: nn.Module,
        num_classes: int,
        label_smoothing: float = 0.0,
        mix: Callable[..., tuple[Tensor, Tensor]] | None = None,
        **task: Any,
    ) -> None:
        if not 0 <= label_smoothing < 1:
            raise ValueError(f"label_smoothing is {label_smoothing}; it must be at least 0 and below 1")
        super().__init__(network=network, **task)
        self.label_smoothing, self.mix = label_smoothing, mix
        accuracy = MetricCollection({"accuracy": MulticlassAccuracy(num_classes, average="micro")})
        self.train_metrics, self.val_metrics, self.test_metrics = (
            accuracy.clone(f"{stage}/") for stage in ("train", "val", "test")
        )
        self.val_loss, self.test_loss = MeanMetric(), MeanMetric()

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        inputs, targets, lengths = batch
        if self.mix:
            inputs, targets = self.mix(inputs, targets)
        logits = self(inputs, lengths)
        loss = cross_entropy(logits, targets, label_smoothing=self.label_smoothing)
        self.log("train/loss", loss, prog_bar=True)
        classes = targets.argmax(dim=1) if targets.ndim == 2 else targets
        self.log_dict(self.train_metrics(logits, classes))
        return loss

    def validation_step(self, batch: Any, batch_idx: int) -> Tensor:
        return self._evaluate(batch, "val", self.val_loss, self.val_metrics)

    def test_step(self, batch: Any, batch_idx: int) -> Tensor:
        return self._evaluate(batch, "test", self.test_loss, self.test_metrics)

    def predict_step(self, batch: Any, batch_idx: int) -> Tensor:
        """Class probabilities [batch, class]."""
        return self(batch.inputs, batch.lengths).softmax(dim=1)

    def _evaluate(self, batch: Any, stage: str, loss: MeanMetric, metrics: MetricCollection) -> Tensor:
        logits = self(batch.inputs, batch.lengths)
        # Means over rows, not over batches or ranks: exact for any batch size and number of devices.
        loss.update(cross_entropy(logits, batch.targets, reduction="none"))
        metrics.update(logits, batch.targets)
        self.log(f"{stage}/loss", loss, prog_bar=True)
        self.log_dict(metrics, prog_bar=True)
        return logits
