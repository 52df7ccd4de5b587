"""Compilation of networks, with a fallback to the uncompiled network."""

import logging
from collections.abc import Callable
from typing import Any, Literal

import torch
import torch._functorch.config as functorch
from torch import Tensor, nn
from torch.utils._pytree import tree_map_only

log = logging.getLogger(__name__)

# Modes with CUDA graphs, which launch the whole network at once; max-autotune also benchmarks kernels.
GraphMode = Literal["reduce-overhead", "max-autotune"]


def compile_network(network: nn.Module, mode: GraphMode | None = None) -> None:
    """Compile a network in place with `torch.compile`; if compilation fails, log a warning and continue uncompiled.

    Errors of the network itself are raised unchanged.
    """
    # Compile the backward pass ahead, so that it fails here too; torch 2.3 lacks this setting.
    if hasattr(functorch, "force_non_lazy_backward_lowering"):
        functorch.force_non_lazy_backward_lowering = True  # pyrefly: ignore[missing-attribute]
    network.compile(mode=mode)
    compiled: Callable[..., Any] = network._compiled_call_impl  # pyrefly: ignore[bad-assignment]

    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            output = compiled(*args, **kwargs)
        except Exception as error:
            failure = _reason(error)
        else:
            # Clone: the next replay of a CUDA graph overwrites its outputs, which evaluations keep.
            return tree_map_only(Tensor, torch.clone, output) if mode and not torch.is_grad_enabled() else output
        output = network._call_impl(*args, **kwargs)  # pyrefly: ignore[not-callable]
        network._compiled_call_impl = None
        log.warning("torch.compile failed, training continues uncompiled (model.compile=false): %s", failure)
        return output

    network._compiled_call_impl = call  # pyrefly: ignore[bad-assignment]


def _reason(error: BaseException) -> str:
    """The first line of the compiler's error message."""
    inner = getattr(error, "inner_exception", error)
    lines = [line.strip() for line in str(inner).splitlines() if line.strip()]
    return f"{type(inner).__name__}: {lines[0]}" if lines else type(inner).__name__
