from collections.abc import Callable
from functools import partial
from inspect import signature
from typing import Any, get_args

from torchvision.models import WeightsEnum

from ...errors import UserError, hint


def weights_of(builder: Callable[..., Any], name: str, argument: str = "weights") -> WeightsEnum:
    """Pretrained weights of a builder in torchvision.models.

    Args:
        builder: such as `torchvision.models.resnet18`.
        name: such as `DEFAULT`, `IMAGENET1K_V1` or `ResNet18_Weights.DEFAULT`.
        argument: argument of the builder for the weights.

    Raises:
        UserError: there are no such weights.
    """
    function: Any = builder.func if isinstance(builder, partial) else builder
    parameter = signature(function).parameters.get(argument)
    kinds = get_args(parameter.annotation) if parameter else ()
    weights = next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, WeightsEnum)), None)
    if weights is None:
        raise UserError(f"torchvision has no weights for {function.__name__}: set model.network.{argument}=null")
    name = name.removeprefix(f"{weights.__name__}.")
    if name not in weights.__members__:
        names = list(weights.__members__)
        near = hint(name, names, few=0)
        raise UserError(f"{function.__name__} has no weights {name!r}, only {', '.join(names)}{near}")
    return weights[name]


def preprocessing(
    builder: Callable[..., Any], weights: str | None = None, weights_backbone: str | None = None
) -> dict[str, Any]:
    """Preprocessing of the images on which torchvision's weights were trained.

    Args:
        builder: builder in torchvision.models.
        weights: name of the weights of a classifier, which also determine the image size.
        weights_backbone: name of the weights of a backbone, for images of any size.

    Returns:
        `mean`, `std` and `interpolation`, and `image_size` for classifiers; empty without weights.

    Raises:
        UserError: there are no such weights.
    """
    given = {"weights": weights, "weights_backbone": weights_backbone}
    argument, name = next(((argument, name) for argument, name in given.items() if name), ("", ""))
    if not name:
        return {}
    transform: Any = weights_of(builder, name, argument).transforms()
    if not hasattr(transform, "mean"):  # detectors include their preprocessing
        return {}
    values = {"mean": list(transform.mean), "std": list(transform.std), "interpolation": transform.interpolation.value}
    if argument == "weights" and hasattr(transform, "crop_size"):
        size = list(transform.crop_size)  # height and width, or one number for both
        values["image_size"] = size if len(set(size)) == 2 else size[0]
    return values
