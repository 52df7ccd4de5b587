"""Count the floating-point operations of training and look up the peak of a device."""

import warnings
from typing import Any

import torch
from lightning.fabric.utilities.throughput import get_available_flops
from lightning.pytorch import Trainer
from torch.utils.flop_counter import FlopCounterMode

DTYPES = {"bf16": torch.bfloat16, "16": torch.float16, "64": torch.float64}


def peak_flops(trainer: Trainer) -> float | None:
    """Return the specified peak FLOP/s of one device without sparsity, or None if it is unknown.

    Source: the table in `lightning.fabric.utilities.throughput`.
    """
    device = trainer.strategy.root_device
    # Lightning mistakes an L40S for an L4.
    if device.type != "cuda" or "L40" in torch.cuda.get_device_name(device):
        return None
    dtype = DTYPES.get(str(trainer.precision).partition("-")[0], torch.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about a device that is not in the table
        return get_available_flops(device, dtype)


class Flops:
    """Count the operations of one training step; those of other steps are proportional to the size of their inputs.

    A compiled network runs uncompiled in the counted step.
    """

    def __init__(self) -> None:
        self.per_element: float | None = None  # operations per element of the inputs
        self.counter: FlopCounterMode | None = None

    def start(self) -> None:
        if self.per_element is None and self.counter is None:
            self.counter = FlopCounterMode(display=False)
            self.counter.__enter__()

    def stop(self, batch: Any = None) -> None:
        """End the counted step; without a batch, the step failed and is discarded."""
        if self.counter:
            self.counter.__exit__(None, None, None)
            if batch is not None:
                self.per_element = self.counter.get_total_flops() / batch.inputs.numel()
            self.counter = None
