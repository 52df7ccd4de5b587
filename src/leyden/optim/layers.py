from collections.abc import Iterator

from torch import nn


def layers(network: nn.Module) -> list[list[nn.Parameter]]:
    """Group the parameters of a network by layer, from the input to the output, each parameter once.

    Layers are the modules in sequences and module lists, such as convolutions, residual or Transformer blocks. A module
    with more than half of all weights, such as the encoder of a Transformer, is split into its children. A module
    without weight matrices, such as a norm, belongs to the previous layer.
    """
    result: list[list[nn.Parameter]] = [[]]
    seen: set[nn.Parameter] = set()
    has_weights = False
    for parameters, is_layer in _parts(network, _size(network) / 2):
        if is_layer and has_weights:
            result.append([])
        has_weights |= is_layer
        result[-1] += [parameter for parameter in parameters if parameter not in seen]
        seen |= set(parameters)
    return result


def _parts(module: nn.Module, half: float) -> Iterator[tuple[list[nn.Parameter], bool]]:
    """Parameters of each part, in order, and whether it is a layer."""
    children = list(module.children())
    if children and (isinstance(module, nn.Sequential | nn.ModuleList) or _size(module) > half):
        yield list(module.parameters(recurse=False)), False
        for child in children:
            yield from _parts(child, half)
    else:
        parameters = list(module.parameters())
        yield parameters, any(parameter.ndim >= 2 for parameter in parameters)


def _size(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())
