"""Floating-point operations of training: how many there are, and how many a device could do."""

import warnings
from typing import Any

import torch
from lightning.fabric.utilities.throughput import get_available_flops
from lightning.pytorch import Trainer
from torch.utils.flop_counter import FlopCounterMode

DTYPES = {"bf16": torch.bfloat16, "16": torch.float16, "64": torch.float64}


def peak_flops(trainer: Trainer) -> float | None:
    """What one device can do a second at best, as its maker says; None where that is not known.

    Source: the table of `lightning.fabric.utilities.throughput`, without sparsity.
    """
    device = trainer.strategy.root_device
    # Lightning takes an L40S for an L4.
    if device.type != "cuda" or "L40" in torch.cuda.get_device_name(device):
        return None
    dtype = DTYPES.get(str(trainer.precision).partition("-")[0], torch.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a device that is not in the table
        return get_available_flops(device, dtype)


class Flops:
    """Counts the operations of one step, forward and backward; those of others go with the size of their inputs.

    A compiled network runs uncompiled in that step.
    """

    def __init__(self) -> None:
        self.each: float | None = None  # of an element of the inputs
        self.counter: FlopCounterMode | None = None

    def start(self) -> None:
        if self.each is None and self.counter is None:
            self.counter = FlopCounterMode(display=False)
            self.counter.__enter__()

    def stop(self, batch: Any = None) -> None:
        """The step is over; without its batch it failed."""
        if self.counter:
            self.counter.__exit__(None, None, None)
            if batch is not None:
                self.each = self.counter.get_total_flops() / batch.inputs.numel()
            self.counter = None
