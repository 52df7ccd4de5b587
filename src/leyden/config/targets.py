"""What a configuration says of Hydra's own keys: `_target_`, and how it is to be called."""

from collections.abc import Iterator
from typing import Any

from ..errors import hint
from .static.signature import Signature, signature
from .static.source import Module, NameMissingError, find

OF_HYDRA = {"_target_", "_args_", "_partial_", "_recursive_", "_convert_"}
MISSING = "???"  # a value that is still to be given
CONVERSIONS = ("none", "partial", "object", "all")


class TargetError(Exception):
    """A `_target_` that is no class or function."""


def read_target(target: Any) -> Signature | None:
    """The signature of what a `_target_` names; None where source does not tell.

    Raises:
        TargetError: it certainly is no class or function.
    """
    if not isinstance(target, str) or not all(part.isidentifier() for part in target.split(".")):
        raise TargetError("expected the dotted name of a class or function, such as torch.optim.AdamW")
    try:
        if isinstance(find(target), Module):
            raise TargetError(f"{target} is a module: name a class or function in it")
        return signature(target)
    except NameMissingError as error:
        place = f"in {error.place}" if error.place else "among the installed packages"
        raise TargetError(f"there is no {error.name!r} {place}{hint(error.name, error.choices)}") from None


def misused(node: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Hydra's own keys of a node, where they are misspelt or have values that Hydra does not know."""
    for name in map(str, node.keys() - OF_HYDRA):
        if "_" in (name[:1], name[-1:]) and (near := hint(name, OF_HYDRA, few=0, cutoff=0.7)):
            yield name, f"there is no {name!r}{near}"
    for name in ("_partial_", "_recursive_"):
        if not isinstance(node.get(name, True), bool):
            yield name, "expected true or false"
    if not isinstance(node.get("_args_", []), list):
        yield "_args_", "expected a list of arguments by position"
    if node.get("_convert_", "all") not in CONVERSIONS:
        yield "_convert_", f"expected one of {', '.join(CONVERSIONS)}"
