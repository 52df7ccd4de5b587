from typing import Any

from torch import nn


def parameter_groups(module: nn.Module) -> list[dict[str, Any]]:
    """Trainable parameters in two groups: with the optimizer's own weight decay, and without any.

    Biases and the gains of norms, that is parameters of fewer than two axes, are not decayed: pulling them to zero
    regularises nothing. Goyal et al., Accurate, Large Minibatch SGD, 2017, section 5.3, https://arxiv.org/abs/1706.02677.
    """
    trainable = [parameter for parameter in module.parameters() if parameter.requires_grad]
    decayed = [parameter for parameter in trainable if parameter.ndim >= 2]
    kept = [parameter for parameter in trainable if parameter.ndim < 2]
    return [group for group in ({"params": decayed}, {"params": kept, "weight_decay": 0.0}) if group["params"]]
