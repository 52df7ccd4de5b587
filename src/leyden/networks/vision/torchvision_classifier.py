from collections.abc import Callable
from pathlib import Path

import torch
from filelock import FileLock
from torch import Tensor, nn

from ...errors import UserError
from ..provides import provides
from .torchvision_weights import preprocessing, weights_of

LIBRARY_CLASSES = 1000  # outputs of all classifiers and weights in torchvision.models


@provides(preprocessing)
def torchvision_classifier(
    builder: Callable[..., nn.Module], num_classes: int, in_channels: int, weights: str | None = None
) -> nn.Module:
    """A classifier of torchvision.models with a new head, which torchvision does not support with pretrained weights.

    Shape: images (batch, in_channels, height, width) -> logits (batch, num_classes). Parameters keep torchvision's names;
    auxiliary classifiers are removed.

    Args:
        builder: a function or class in torchvision.models, such as `torchvision.models.resnet18`.
        num_classes: number of classes.
        in_channels: 3, or 1 for grey images, which are repeated.
        weights: name of pretrained weights, such as `DEFAULT` or `IMAGENET1K_V1`, downloaded once to torch.hub's folder;
            None for random initialization. The head is always new. Settings of the data that are null get the image
            size, mean, standard deviation and interpolation of the weights.

    Raises:
        UserError: there are no such weights, or they cannot be downloaded.
    """
    if in_channels not in (1, 3):
        raise ValueError(f"in_channels is {in_channels}; torchvision's classifiers support 1 (grey) or 3 (colour)")
    network = builder() if weights is None else _pretrained(builder, weights)
    heads = [name for name, module in network.named_modules() if _num_outputs(module) == LIBRARY_CLASSES]
    if not heads:
        raise UserError(f"{builder} has no layer with {LIBRARY_CLASSES} outputs: it is not a torchvision classifier")
    *auxiliary, head = heads
    for name in auxiliary:  # GoogLeNet and Inception return tuples with them
        setattr(network, name.split(".")[0], None)
        network.aux_logits = False  # pyrefly: ignore[bad-argument-type]
    parent, _, last = head.rpartition(".")
    setattr(network.get_submodule(parent), last, _head(network.get_submodule(head), num_classes))
    if in_channels == 1:
        network.register_forward_pre_hook(_repeat_grey)
    return network


def _pretrained(builder: Callable[..., nn.Module], name: str) -> nn.Module:
    weights = weights_of(builder, name)
    path = Path(torch.hub.get_dir()) / "checkpoints" / weights.url.rpartition("/")[2]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{path}.lock"):  # one process downloads while the others wait
            return builder(weights=weights)
    except (OSError, RuntimeError) as error:
        raise UserError(
            f"cannot download the weights {weights} from {weights.url}: {error}\n"
            f"Without a network, put the file at {path}, or set model.network.weights=null."
        ) from error


def _num_outputs(module: nn.Module) -> int:
    if isinstance(module, nn.Linear):
        return module.out_features
    return module.out_channels if isinstance(module, nn.Conv2d) else 0


def _head(head: nn.Module, num_classes: int) -> nn.Module:
    if isinstance(head, nn.Conv2d):  # SqueezeNet
        return nn.Conv2d(head.in_channels, num_classes, head.kernel_size)  # pyrefly: ignore[bad-argument-type]
    assert isinstance(head, nn.Linear)
    return nn.Linear(head.in_features, num_classes, bias=head.bias is not None)


def _repeat_grey(network: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return (inputs[0].expand(-1, 3, -1, -1), *inputs[1:])
