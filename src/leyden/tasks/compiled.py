"""Compiling a network, for as long as the compiler is up to it."""

import logging
from collections.abc import Callable
from typing import Any, Literal

import torch
import torch._functorch.config as functorch
from torch import Tensor, nn
from torch.utils._pytree import tree_map_only

log = logging.getLogger(__name__)

# With CUDA graphs, which launch the whole network at once; the second also tries several kernels for each operation.
GraphMode = Literal["reduce-overhead", "max-autotune"]


def compile_network(network: nn.Module, mode: GraphMode | None = None) -> None:
    """Compiles a network in place with `torch.compile`; where the compiler fails, it goes on uncompiled, and says why.

    Errors of the network itself stay what they are.
    """
    # Else what fails there fails once the loss is known; torch 2.3 has no such switch.
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
            # The next run of a CUDA graph writes into the same memory, and evaluations keep outputs.
            return tree_map_only(Tensor, torch.clone, output) if mode and not torch.is_grad_enabled() else output
        output = network._call_impl(*args, **kwargs)  # pyrefly: ignore[not-callable]
        network._compiled_call_impl = None
        log.warning("torch.compile failed, and training goes on uncompiled (model.compile=false): %s", failure)
        return output

    network._compiled_call_impl = call  # pyrefly: ignore[bad-assignment]


def _reason(error: BaseException) -> str:
    """What the compiler says, in a line."""
    inner = getattr(error, "inner_exception", error)
    lines = [line.strip() for line in str(inner).splitlines() if line.strip()]
    return f"{type(inner).__name__}: {lines[0]}" if lines else type(inner).__name__
