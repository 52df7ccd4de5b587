from collections.abc import Sequence

from torch import nn

from ..errors import UserError, hint


def freeze(network: nn.Module, names: Sequence[str]) -> None:
    """Takes the named parts of a network, such as `layer1` or `features.0`, out of the training.

    Raises:
        UserError: the network has no such part, or nothing is left to train.
    """
    parts = dict(network.named_modules())
    for name in names:
        if not name or name not in parts:
            near = hint(name, parts, few=0) or ";"
            outermost = ", ".join(part for part, _ in network.named_children())
            raise UserError(f"model.frozen: the network has no part {name!r}{near} Its outermost parts: {outermost}")
        parts[name].requires_grad_(False)
    if not any(parameter.requires_grad for parameter in network.parameters()):
        if not names:
            raise UserError(f"the network, {type(network).__name__}, has no parameters to train")
        raise UserError(f"model.frozen={list(names)} leaves nothing of the network to train")
