"""Configuration files and overrides, merged as Hydra merges them; but arguments give way with their `_target_`."""

from pathlib import Path
from typing import Any

from ..errors import UserError
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
    from hydra._internal.defaults_list import create_defaults_list
    from omegaconf import OmegaConf

    loader, repository = _loader(folder)
    listed = create_defaults_list(repository, "train", overrides, prepend_hydra=False, skip_missing=False)
    merged = OmegaConf.create()
    for default in listed.defaults:
        part = loader._compose_config_from_defaults_list([default], repository)
        _give_way(merged, part)
        merged.merge_with(part)
    for override in listed.config_overrides:
        _apply(override, merged, loader)
    return merged, listed.defaults


def _loader(folder: Path) -> tuple[Any, Any]:
    """Hydra's loader of the files in a folder, and what it keeps of them."""
    from hydra._internal.config_loader_impl import ConfigLoaderImpl
    from hydra._internal.config_repository import CachingConfigRepository
    from hydra._internal.config_search_path_impl import ConfigSearchPathImpl
    from hydra._internal.core_plugins.file_config_source import FileConfigSource
    from hydra._internal.core_plugins.structured_config_source import StructuredConfigSource
    from hydra._internal.sources_registry import SourcesRegistry
    from hydra.version import setbase

    setbase("1.3")
    for source in (FileConfigSource, StructuredConfigSource):
        SourcesRegistry.instance().register(source)
    places = ConfigSearchPathImpl()
    places.append("main", f"file://{folder}")
    places.append("schema", "structured://")
    loader = ConfigLoaderImpl(places)
    return loader, CachingConfigRepository(loader.repository)


def _apply(override: Any, merged: Any, loader: Any) -> None:
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    try:
        if isinstance(value := override.value(), dict):
            _replace(merged, override.key_or_group, value)
        loader._apply_overrides_to_config([override], merged)
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

    target, former = (node._get_node(TARGET) for node in (part, merged))
    if target is not None and former is not None and target._value() != former._value():
        try:
            known = signature(target._value()) if isinstance(target._value(), str) else None
        except NameMissingError:  # for the check to say
            known = None
        accepted = {*known.parameters, *part} if known and not known.is_open else {*merged}
        for name in [name for name in merged if name not in accepted and str(name)[0] != "_"]:
            del merged[name]
    for name in merged:
        below = [node._get_node(name) for node in (merged, part)]
        if all(isinstance(node, DictConfig) and not node._is_none() and not node._is_missing() for node in below):
            _give_way(*below)
