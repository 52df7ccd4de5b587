"""The numbers of a tour, as `--json` reports them. Imports torch."""

import math
from typing import Any

from torch import Tensor

from .batch_sections import tensors
from .first_step import StepRecorder
from .layers import Layer


def result(step: StepRecorder) -> dict[str, Any]:
    """Return shapes, times, parameters and norms of each stage."""
    layers = step.calls.layers(step.squares)
    return {
        "experiment": step.config["name"],
        "seed": step.config["seed"],
        "device": step.device,
        "data": {
            "splits": {name: len(samples) for name, samples in step.data.samples.items()},
            "files": step.files,
            "prepare_seconds": step.setup_seconds,
            "read_seconds": step.read_seconds,
            "batch": _shapes(step.stored),
        },
        "transform": {"before": _shapes(step.before), "after": _shapes(step.after)},
        "network": {
            "parameters": sum(layer.params for layer in layers),
            "forward_seconds": step.calls.seconds,
            "layers": [_layer(layer) for layer in layers],
        },
        "loss": {"before_step": step.loss, "after_step": step.loss_after},
        "optimizer": {"class": step.optimizer, "learning_rates": sorted({rate for rate, _ in step.rates})},
    }


def _shapes(batch: Any) -> dict[str, dict[str, Any]]:
    return {name: _shape(tensor) for name, tensor in tensors(batch)}


def _shape(tensor: Tensor) -> dict[str, Any]:
    return {"dtype": str(tensor.dtype).removeprefix("torch."), "shape": [*tensor.shape], "bytes": tensor.nbytes}


def _layer(layer: Layer) -> dict[str, Any]:
    norms = {name: math.sqrt(getattr(layer, name)) for name in ("gradient", "weight", "change")} if layer.params else {}
    shown = {"name": layer.name, "class": layer.kind, "output_shape": layer.shape, "calls": layer.calls}
    return shown | {"seconds": layer.seconds, "parameters": layer.params, "norms": norms}
