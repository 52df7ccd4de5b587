from collections.abc import Iterator

from torch import nn


def layers(network: nn.Module) -> list[list[nn.Parameter]]:
    """The parameters of a network, each once, layer by layer from the input to the output.

    A layer is what the network's sequences of modules hold, such as a convolution, a residual block or a Transformer block.
    What holds more than half of all weights, such as the encoder of a Transformer, is no layer but has them inside. What
    has no weights of its own, such as a norm or an embedding of positions, belongs to the layer before it.
    """
    found: list[list[nn.Parameter]] = [[]]
    seen: set[nn.Parameter] = set()
    has_weights = False
    for parameters, is_layer in _parts(network, _size(network) / 2):
        if is_layer and has_weights:
            found.append([])
        has_weights |= is_layer
        found[-1] += [parameter for parameter in parameters if parameter not in seen]
        seen |= set(parameters)
    return found


def _parts(module: nn.Module, half: float) -> Iterator[tuple[list[nn.Parameter], bool]]:
    """Parameters of each part, in order, and whether the part is a layer."""
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
