from typing import Any

import torch
from leyden import Batch, Task
from leyden.metrics import Mean
from leyden.tasks import EvaluationOutput, EvaluationStage
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

LOWEST = 32.7032  # Hz: C1, the pitch of the first bin
STEP, BLUR = 20, 25  # cents between bins; standard deviation of the target in cents


class PitchEstimation(Task):
    """One pitch for each sample: the loss is the binary cross-entropy of bins that are blurred around the true pitch.

    The metrics are the share of samples within 50 cents of their pitch and the mean absolute error in cents.

    Source: Kim et al., CREPE, 2018, section 2.2, https://arxiv.org/abs/1802.06182.

    Args:
        network: inputs and lengths -> logits of pitches from C1 in steps of 20 cents (batch, bin).
        **task: arguments of `Task`.
    """

    monitor, mode = "val/raw_pitch_accuracy", "max"  # chooses the best checkpoint

    def __init__(self, network: nn.Module, **task: Any) -> None:
        super().__init__(network=network, **task)
        self.add_metrics(loss=Mean(), raw_pitch_accuracy=Mean(), error_cents=Mean())

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        loss = pitch_loss(self(batch.inputs, batch.lengths), batch.targets).mean()
        self.log_training(loss=loss)
        return loss

    def evaluate(self, batch: Batch, stage: EvaluationStage) -> EvaluationOutput:
        logits = self(batch.inputs, batch.lengths)
        losses, pitches = pitch_loss(logits, batch.targets), best_pitch(logits)
        error = 1200 * torch.log2(pitches / batch.targets).abs()  # cents
        self.measure(stage, "loss", losses)
        self.measure(stage, "raw_pitch_accuracy", (error <= 50).float())
        self.measure(stage, "error_cents", error)
        return EvaluationOutput(pitches, losses)

    def predict_step(self, batch: Batch, batch_idx: int) -> Tensor:
        return best_pitch(self(batch.inputs, batch.lengths))


def pitch_loss(logits: Tensor, pitches: Tensor) -> Tensor:
    """Logits (batch, bin) and true pitches in Hz (batch) -> losses (batch)."""
    bins = STEP * torch.arange(logits.shape[1], device=logits.device)
    distances = bins - 1200 * torch.log2(pitches / LOWEST).unsqueeze(1)
    blurred = torch.exp(-distances.square() / (2 * BLUR**2))
    return binary_cross_entropy_with_logits(logits, blurred.to(logits), reduction="none").mean(dim=1)


def best_pitch(logits: Tensor) -> Tensor:
    """Logits (batch, bin) -> pitches in Hz (batch): the mean of the bins within 80 cents of the best, by activation."""
    bins = STEP * torch.arange(logits.shape[1], device=logits.device)
    weights = logits.sigmoid() * ((bins - STEP * logits.argmax(dim=1, keepdim=True)).abs() <= 80)
    return LOWEST * 2 ** ((weights * bins).sum(dim=1) / weights.sum(dim=1) / 1200)
