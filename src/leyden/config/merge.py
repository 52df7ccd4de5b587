"""Merge config files and overrides as Hydra does, but drop the arguments of a `_target_` that is replaced."""

from pathlib import Path
from typing import Any

from ..errors import UserError
from .hydra_loader import HydraLoader
from .renamed import renamed
from .static.signature import signature
from .static.source import NameMissingError

TARGET = "_target_"


def merge(overrides: list[Any], folder: Path) -> tuple[Any, list[Any]]:
    """Merge configs/train.yaml, its defaults list and overrides.

    An override that sets a whole node with another `_target_` replaces the node. In files, a new `_target_` only drops
    the arguments that it does not accept, because an experiment may change a single argument of an option.

    Args:
        overrides: Overrides as parsed by Hydra.
        folder: The config folder.

    Returns:
        The merged configuration and the defaults list.

    Raises:
        UserError: An override cannot be applied, such as one below a plain value.
    """
    from omegaconf import OmegaConf

    loader = HydraLoader(folder)
    defaults, config_overrides = loader.defaults(overrides)
    merged = OmegaConf.create()
    for default in defaults:
        part = _with_new_names(loader.read(default), f"configs/{default.config_path}.yaml")
        _drop_arguments(merged, part)
        merged.merge_with(part)
    for override in config_overrides:
        _apply(override, merged, loader)
    return merged, defaults


def _with_new_names(part: Any, origin: str) -> Any:
    from omegaconf import OmegaConf

    plain = OmegaConf.to_container(part)
    changed = renamed(plain, origin)
    return part if changed == plain else OmegaConf.create(changed)


def _apply(override: Any, merged: Any, loader: HydraLoader) -> None:
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    try:
        if isinstance(value := override.value(), dict):
            _replace(merged, override.key_or_group, value)
        loader.apply(override, merged)
    except (HydraException, OmegaConfBaseException, ValueError, TypeError, IndexError) as error:
        reason = str(error.__cause__ or error).partition("\n")[0]
        reason = "list elements are set by index" if "invalid literal" in reason else reason
        raise UserError(f"override {str(override.input_line).lstrip('+')}: {reason}") from None


def _replace(merged: Any, key: str, value: dict[str, Any]) -> None:
    """Clear the nodes for which an override sets another target, except `_partial_`."""
    from omegaconf import DictConfig, OmegaConf

    node = OmegaConf.select(merged, key)
    if not isinstance(node, DictConfig):
        return
    if value.get(TARGET, node.get(TARGET)) != node.get(TARGET):
        for name in [name for name in node if name != "_partial_"]:
            del node[name]
        return
    for name, inner in value.items():
        if isinstance(inner, dict):
            _replace(merged, f"{key}.{name}", inner)


def _drop_arguments(merged: Any, part: Any) -> None:
    """Drop the arguments of a replaced target that the new target of a file does not accept."""
    from omegaconf import DictConfig

    new, old = (dict(node.items_ex(resolve=False)) for node in (part, merged))
    target, former = new.get(TARGET), old.get(TARGET)
    if target is not None and former is not None and target != former:
        try:
            callee = signature(target) if isinstance(target, str) else None
        except NameMissingError:  # reported by the check
            callee = None
        accepted = {*callee.parameters, *new} if callee and not callee.is_open else {*old}
        for name in [name for name in old if name not in accepted and str(name)[0] != "_"]:
            del merged[name]
    for name in merged:
        pair = [old[name], new.get(name)]
        if all(isinstance(node, DictConfig) and len(node) for node in pair):  # neither null nor missing
            _drop_arguments(*pair)
