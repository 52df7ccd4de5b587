from math import pi
from typing import Any

import torch
from leyden import Batch, Task
from leyden.metrics import Mean
from leyden.tasks import EvaluationOutput, EvaluationStage
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity


class AngleRegression(Task):
    """One angle for each sample: the loss is 1 - cos(error), the metric the mean absolute error in degrees.

    Source: Beyer et al., Biternion Nets: Continuous Head Pose Regression from Discrete Training Labels, 2015,
    https://doi.org/10.1007/978-3-319-24947-6_13.

    Args:
        network: inputs -> vectors (batch, 2), whose direction is the predicted angle.
        **task: arguments of `Task`.
    """

    monitor, mode = "val/error_degrees", "min"  # chooses the best checkpoint

    def __init__(self, network: nn.Module, **task: Any) -> None:
        super().__init__(network=network, **task)
        self.add_metrics(loss=Mean(), error_degrees=Mean())

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        loss = angle_loss(self(batch.inputs), batch.targets).mean()
        self.log_training(loss=loss)
        return loss

    def evaluate(self, batch: Batch, stage: EvaluationStage) -> EvaluationOutput:
        vectors = self(batch.inputs)
        losses, angles = angle_loss(vectors, batch.targets), direction(vectors)
        error = ((angles - batch.targets + pi) % (2 * pi) - pi).abs()  # 359 degrees are one degree
        self.measure(stage, "loss", losses)
        self.measure(stage, "error_degrees", error.rad2deg())
        return EvaluationOutput(angles, losses)

    def predict_step(self, batch: Batch, batch_idx: int) -> Tensor:
        return direction(self(batch.inputs))


def angle_loss(vectors: Tensor, angles: Tensor) -> Tensor:
    """Predicted vectors (batch, 2) and true angles in radians (batch) -> losses (batch)."""
    return 1 - cosine_similarity(vectors, torch.stack([angles.cos(), angles.sin()], dim=1))


def direction(vectors: Tensor) -> Tensor:
    """Vectors (batch, 2) -> angles from -pi to pi, in radians (batch)."""
    return torch.atan2(vectors[:, 1], vectors[:, 0])
