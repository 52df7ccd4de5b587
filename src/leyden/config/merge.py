"""Configuration files and overrides, merged as Hydra merges them; but arguments give way with their `_target_`."""

from pathlib import Path
from typing import Any

from ..errors import UserError
from .hydra_loader import HydraLoader
from .renamed import renamed
from .static.signature import signature
from .static.source import NameMissingError

TARGET = "_target_"


def merge(overrides: list[Any], folder: Path) -> tuple[Any, list[Any]]:
    """Hydra's own merging, without the settings and plugins of its launchers, which would take half of the time.

    A node that an override gives as a whole, with another `_target_`, replaces the one that was there. In files, where
    an experiment may change one argument of what it chooses, only those arguments give way that the new target has not.

    Args:
        overrides: as Hydra parses them.
        folder: configs/.

    Returns:
        The merged configuration and the files in it.

    Raises:
        UserError: an override cannot be applied, as where it goes below a plain value.
    """
    from omegaconf import OmegaConf

    loader = HydraLoader(folder)
    defaults, config_overrides = loader.defaults(overrides)
    merged = OmegaConf.create()
    for default in defaults:
        part = _with_new_names(loader.read(default), f"configs/{default.config_path}.yaml")
        _give_way(merged, part)
        merged.merge_with(part)
    for override in config_overrides:
        _apply(override, merged, loader)
    return merged, defaults


def _with_new_names(part: Any, place: str) -> Any:
    from omegaconf import OmegaConf

    plain = OmegaConf.to_container(part)
    changed = renamed(plain, place)
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
        reason = "a list's elements have numbers" if "invalid literal" in reason else reason
        raise UserError(f"override {str(override.input_line).lstrip('+')}: {reason}") from None


def _replace(merged: Any, key: str, value: dict[str, Any]) -> None:
    """Empties the nodes of which a value names another target; whether they are called later stays as it was."""
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


def _give_way(merged: Any, part: Any) -> None:
    """Takes out the arguments of a former target that the one which a file names does not have."""
    from omegaconf import DictConfig

    new, old = (dict(node.items_ex(resolve=False)) for node in (part, merged))
    target, former = new.get(TARGET), old.get(TARGET)
    if target is not None and former is not None and target != former:
        try:
            known = signature(target) if isinstance(target, str) else None
        except NameMissingError:  # for the check to say
            known = None
        accepted = {*known.parameters, *new} if known and not known.is_open else {*old}
        for name in [name for name in old if name not in accepted and str(name)[0] != "_"]:
            del merged[name]
    for name in merged:
        below = [old[name], new.get(name)]
        if all(isinstance(node, DictConfig) and len(node) for node in below):  # neither null nor missing
            _give_way(*below)
