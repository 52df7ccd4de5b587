"""Settings that depend on the hardware: precision on old GPUs, the default strategy and the allocator on CPUs."""

import ctypes
import logging
import platform
from typing import Any

import torch
from lightning.pytorch.strategies import DDPStrategy

log = logging.getLogger("leyden")

BFLOAT16_CAPABILITY = (8, 0)  # compute capability of Ampere

# From malloc.h: the size of free memory at the end of the heap that is returned, and the number of mmapped blocks.
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4


def with_supported_precision(trainer: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration of a trainer with a precision that the GPU, if any, supports."""
    if not torch.cuda.is_available() or trainer.get("accelerator") == "cpu":
        return trainer
    return trainer | {"precision": precision(trainer.get("precision"), torch.cuda.get_device_capability())}


def precision(requested: Any, capability: tuple[int, int]) -> Any:
    """Return the requested precision, or float16 for a GPU that only emulates bfloat16."""
    if requested != "bf16-mixed" or capability >= BFLOAT16_CAPABILITY:
        return requested
    log.warning("this GPU does not support bfloat16: using trainer.precision=16-mixed instead of bf16-mixed")
    return "16-mixed"


def data_parallel() -> DDPStrategy:
    """Return the default strategy for several ranks.

    Gradients are views of the reduction buckets, which saves a copy. Unused parameters are not searched for; the graph
    is not declared static, because networks may drop layers.
    """
    return DDPStrategy(gradient_as_bucket_view=True, find_unused_parameters=False)


def keep_freed_memory() -> None:
    """Have glibc keep freed memory for the next step, as torch's caching allocator does on a GPU.

    By default each large tensor is a separate mapping, whose pages the kernel zeroes in every step:
    https://man7.org/linux/man-pages/man3/mallopt.3.html. This has no effect without glibc.
    """
    if platform.libc_ver()[0] == "glibc":
        malloc = ctypes.CDLL(None)
        malloc.mallopt(M_MMAP_MAX, 0)
        malloc.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
