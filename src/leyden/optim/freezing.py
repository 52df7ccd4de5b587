from collections.abc import Sequence

from torch import nn

from ..errors import UserError, hint


def freeze(network: nn.Module, names: Sequence[str]) -> None:
    """Freeze the named modules of a network, such as `layer1` or `features.0`.

    Raises:
        UserError: the network has no such module, or no parameters are left to train.
    """
    parts = dict(network.named_modules())
    for name in names:
        if not name or name not in parts:
            near = hint(name, parts, few=0) or ";"
            children = ", ".join(part for part, _ in network.named_children())
            raise UserError(f"model.frozen: the network has no module {name!r}{near} Its top-level modules: {children}")
        parts[name].requires_grad_(False)
    if not any(parameter.requires_grad for parameter in network.parameters()):
        if not names:
            raise UserError(f"the network, {type(network).__name__}, has no parameters to train")
        raise UserError(f"model.frozen={list(names)} leaves no parameters to train")
