from typing import Any

import torch
from leyden import Task
from leyden.metrics import Mean
from leyden.tasks import EvaluationOutput, EvaluationStage
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits
from torchmetrics.classification import BinaryF1Score


class WordSegmentation(Task):
    """Whether a word begins at each character: binary cross-entropy, and the F1 score of the beginnings.

    The loss is the mean over the characters of each sample, then over the samples.

    Args:
        network: inputs and lengths -> logits (batch, token).
        **task: arguments of `Task`.
    """

    monitor, mode = "val/f1", "max"  # chooses the best checkpoint

    def __init__(self, network: nn.Module, **task: Any) -> None:
        super().__init__(network=network, **task)
        self.add_metrics(loss=Mean(), f1=BinaryF1Score())

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        loss = segmentation_loss(self(batch.inputs, batch.lengths), batch.targets, batch.lengths).mean()
        self.log_training(loss=loss)
        return loss

    def evaluate(self, batch: Any, stage: EvaluationStage) -> EvaluationOutput:
        logits = self(batch.inputs, batch.lengths)
        losses = segmentation_loss(logits, batch.targets, batch.lengths)
        predictions, targets = (unpadded(values, batch.lengths) for values in (logits.sigmoid(), batch.targets))
        self.measure(stage, "loss", losses)
        self.measure(stage, "f1", torch.cat(predictions), torch.cat(targets).long())
        return EvaluationOutput(predictions, losses)

    def predict_step(self, batch: Any, batch_idx: int) -> list[Tensor]:
        return unpadded(self(batch.inputs, batch.lengths).sigmoid(), batch.lengths)


def segmentation_loss(logits: Tensor, targets: Tensor, lengths: Tensor) -> Tensor:
    """Logits and targets (batch, token), lengths (batch) -> losses (batch)."""
    losses = binary_cross_entropy_with_logits(logits, targets.to(logits), reduction="none")
    return torch.stack([of_sample.mean() for of_sample in unpadded(losses, lengths)])


def unpadded(values: Tensor, lengths: Tensor) -> list[Tensor]:
    """Values (batch, token) and lengths (batch) -> the values of each sample (token)."""
    return [of_sample[:length] for of_sample, length in zip(values, lengths.tolist(), strict=True)]
