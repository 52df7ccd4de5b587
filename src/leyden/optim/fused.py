from collections.abc import Callable
from inspect import signature
from typing import Any

from torch.optim import Optimizer
from torch.utils._foreach_utils import _get_fused_kernels_supported_devices


def fused(optimizer: Callable[..., Optimizer], groups: list[dict[str, Any]], scales: bool, clips: bool) -> Optimizer:
    """Build an optimizer, fused if it supports this for the device of its parameters and `fused` is not set.

    Fused AdamW is 3 to 10 times as fast on 2 CPU cores.

    Args:
        optimizer: builds an optimizer from parameter groups.
        groups: parameter groups.
        scales: whether gradients are scaled, as for float16. The fused kernel unscales them itself, after clipping.
        clips: whether gradients are clipped.
    """
    choice = signature(optimizer).parameters.get("fused")
    devices = {parameter.device.type for group in groups for parameter in group["params"]}
    has_kernel = devices <= set(_get_fused_kernels_supported_devices())  # includes the CPU since torch 2.4
    if choice is None or choice.default is not None or (scales and clips) or not has_kernel:
        return optimizer(groups)
    try:
        built = optimizer([dict(group) for group in groups], fused=True)  # copies, since it modifies them
    except RuntimeError:  # `foreach` is set, or parameters are not floating-point
        return optimizer(groups)
    if not scales:
        built._step_supports_amp_scaling = False  # pyrefly: ignore[missing-attribute] - or Lightning rejects clipping
    return built
