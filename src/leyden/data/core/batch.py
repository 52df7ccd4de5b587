from typing import Any, NamedTuple

import torch
from torch import Tensor


class Batch(NamedTuple):
    """What every loader hands over and every model receives.

    Before the device transform `inputs` keeps its storage dtype; after it, it is what the network reads. Targets that
    are no single tensor, such as boxes, are a NamedTuple of tensors with a method `sample` of its own.
    """

    inputs: Tensor  # image [batch, channel, height, width], waveform [batch, time] or tokens [batch, token]
    targets: Any  # class numbers [batch], int64; or what the task says
    lengths: Tensor | None = None  # valid part of the last axis [batch], int64; None where all sizes are equal

    def to(self, device: torch.device) -> "Batch":
        """On that device; from pinned memory, without waiting."""
        return _moved(self, device)

    def sample(self, number: int) -> tuple[Tensor, Any]:
        """Inputs and target of one sample, without padding."""
        inputs = self.inputs[number]
        if self.lengths is not None:
            inputs = inputs[: self.lengths[number]]
        return inputs, self.targets[number] if isinstance(self.targets, Tensor) else self.targets.sample(number)


def _moved(part: Any, device: torch.device) -> Any:
    if isinstance(part, Tensor):
        return part.to(device, non_blocking=True)
    return type(part)(*(_moved(one, device) for one in part)) if isinstance(part, tuple) else part
