from typing import Any, NamedTuple

import torch
from torch import Tensor


class Batch(NamedTuple):
    """The batch that every loader yields and every task receives.

    `inputs` has the storage dtype before the batch transform and the dtype of the network after it. Targets that are not
    a single tensor, such as boxes, are a NamedTuple of tensors with a method `sample(index)`.
    """

    inputs: Tensor  # images (batch, channel, height, width), waveforms (batch, time) or tokens (batch, token)
    targets: Any  # class indices (batch,), int64, or as defined by the task
    lengths: Tensor | None = None  # valid part of the last axis (batch,), int64; None where all sizes are equal

    def to(self, device: torch.device) -> "Batch":
        """Move to a device, asynchronously from pinned memory."""
        return _moved(self, device)

    def sample(self, index: int) -> tuple[Tensor, Any]:
        """Inputs and target of one sample, without padding."""
        inputs = self.inputs[index]
        if self.lengths is not None:
            inputs = inputs[: self.lengths[index]]
        return inputs, self.targets[index] if isinstance(self.targets, Tensor) else self.targets.sample(index)


def _moved(part: Any, device: torch.device) -> Any:
    if isinstance(part, Tensor):
        return part.to(device, non_blocking=True)
    return type(part)(*(_moved(field, device) for field in part)) if isinstance(part, tuple) else part
