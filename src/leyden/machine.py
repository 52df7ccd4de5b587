"""What a trainer's configuration leaves to the machine: precision on an old GPU, and how several ranks train together."""

import logging
from typing import Any

import torch
from lightning.pytorch.strategies import DDPStrategy

log = logging.getLogger(__package__)

FIRST_WITH_BFLOAT16 = (8, 0)  # compute capability: Ampere


def for_this_gpu(trainer: dict[str, Any]) -> dict[str, Any]:
    """The configuration of a trainer with a precision that the GPU has, where there is one."""
    if not torch.cuda.is_available() or trainer.get("accelerator") == "cpu":
        return trainer
    return trainer | {"precision": precision(trainer.get("precision"), torch.cuda.get_device_capability())}


def precision(asked: Any, capability: tuple[int, int]) -> Any:
    """What is asked for; but a GPU without bfloat16 would imitate it, slowly."""
    if asked != "bf16-mixed" or capability >= FIRST_WITH_BFLOAT16:
        return asked
    log.warning("this GPU has no bfloat16: trainer.precision=16-mixed in place of bf16-mixed")
    return "16-mixed"


def data_parallel() -> DDPStrategy:
    """The strategy for several ranks, where none is chosen.

    Gradients lie in the buckets in which they are reduced, which spares a copy. Which parameters a step uses is not
    asked; nor is the graph said to be static, which that of a network that drops layers is not.
    """
    return DDPStrategy(gradient_as_bucket_view=True, find_unused_parameters=False)
