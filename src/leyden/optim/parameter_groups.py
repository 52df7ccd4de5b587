from typing import Any

from torch import nn

from .layers import layers


def parameter_groups(module: nn.Module, layer_decay: float = 1.0) -> list[dict[str, Any]]:
    """Trainable parameters in two groups: with the weight decay of the optimizer, and without weight decay.

    Biases and norm gains, that is parameters with fewer than two axes, are not decayed: Goyal et al., Accurate, Large
    Minibatch SGD, 2017, section 5.3, https://arxiv.org/abs/1706.02677.

    With `layer_decay` below 1, each layer has two groups with a factor `lr_scale` of the learning rate: 1 in the last
    layer, `layer_decay` in the one before, its square before that, and so on.
    Howard and Ruder, Universal Language Model Fine-tuning, 2018, section 3.2, https://arxiv.org/abs/1801.06146.
    """
    if layer_decay == 1:
        return two_groups(list(module.parameters()))
    groups = []
    for distance, parameters in enumerate(reversed(layers(module))):
        groups += [group | {"lr_scale": layer_decay**distance} for group in two_groups(parameters)]
    return groups[::-1]


def two_groups(parameters: list[nn.Parameter]) -> list[dict[str, Any]]:
    """Trainable parameters with weight decay and without."""
    trainable = [parameter for parameter in parameters if parameter.requires_grad]
    decayed = [parameter for parameter in trainable if parameter.ndim >= 2]
    undecayed = [parameter for parameter in trainable if parameter.ndim < 2]
    return [group for group in ({"params": decayed}, {"params": undecayed, "weight_decay": 0.0}) if group["params"]]
