"""Hydra's special keys: `_target_` and those that control how it is called."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..errors import hint
from .static.signature import Signature, signature
from .static.source import Module, NameMissingError, find

HYDRA_KEYS = {"_target_", "_args_", "_partial_", "_recursive_", "_convert_"}
MISSING = "???"  # OmegaConf's marker of a mandatory value
CONVERSIONS = ("none", "partial", "object", "all")


class TargetError(Exception):
    """A `_target_` is not a class or function."""


def read_target(target: Any) -> Signature | None:
    """Return the signature of a `_target_`, or None if it cannot be determined from source.

    Raises:
        TargetError: The target is definitely not a class or function.
    """
    if not isinstance(target, str) or not all(part.isidentifier() for part in target.split(".")):
        raise TargetError("expected the dotted name of a class or function, such as torch.optim.AdamW")
    try:
        if isinstance(find(target), Module):
            raise TargetError(f"expected a class or function, got the module {target}")
        return signature(target)
    except NameMissingError as error:
        where = f"in {error.module}" if error.module else "among the installed packages"
        if not error.module and Path("src", error.name).is_dir():
            raise TargetError(
                f"src/{error.name} is not installed: run make setup, or pip install --editable ."
            ) from None
        raise TargetError(f"there is no {error.name!r} {where}{hint(error.name, error.choices)}") from None


def hydra_key_errors(node: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the misspelt or invalid Hydra keys of a node, each with a message."""
    for name in map(str, node.keys() - HYDRA_KEYS):
        if "_" in (name[:1], name[-1:]) and (near := hint(name, HYDRA_KEYS, few=0, cutoff=0.7)):
            yield name, f"there is no {name!r}{near}"
    for name in ("_partial_", "_recursive_"):
        if not isinstance(node.get(name, True), bool):
            yield name, "expected true or false"
    if not isinstance(node.get("_args_", []), list):
        yield "_args_", "expected a list of arguments by position"
    if node.get("_convert_", "all") not in CONVERSIONS:
        yield "_convert_", f"expected one of {', '.join(CONVERSIONS)}"
