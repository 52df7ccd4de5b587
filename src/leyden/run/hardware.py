"""What a trainer's configuration leaves to the machine: precision on an old GPU, how several ranks train together, and
what a CPU does with memory that is free again.
"""

import ctypes
import logging
import platform
from typing import Any

import torch
from lightning.pytorch.strategies import DDPStrategy

log = logging.getLogger("leyden")

FIRST_WITH_BFLOAT16 = (8, 0)  # compute capability: Ampere

# Of malloc.h: the memory at the heap's end that is given back once it is free, and the blocks outside of the heap.
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4


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


def keep_freed_memory() -> None:
    """Has glibc keep what a step frees for the next one, as torch itself does on a GPU.

    By default each large tensor is a mapping of its own, which the system fills with zeros, page by page, in each step
    anew: https://man7.org/linux/man-pages/man3/mallopt.3.html. Elsewhere than on Linux with glibc this does nothing.
    """
    if platform.libc_ver()[0] == "glibc":
        malloc = ctypes.CDLL(None)
        malloc.mallopt(M_MMAP_MAX, 0)
        malloc.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
