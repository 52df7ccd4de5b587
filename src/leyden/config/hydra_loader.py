"""Hydra's config loader without the settings and plugins of its launchers.

Hydra's public functions always load these, which takes half of the time; only this module uses its private modules.
"""

from pathlib import Path
from typing import Any


class HydraLoader:
    """Load the files of a config folder as Hydra does."""

    def __init__(self, folder: Path) -> None:
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
        search_path = ConfigSearchPathImpl()
        search_path.append("main", f"file://{folder}")
        search_path.append("schema", "structured://")
        self.loader = ConfigLoaderImpl(search_path)
        self.repository = CachingConfigRepository(self.loader.repository)

    def defaults(self, overrides: list[Any]) -> tuple[list[Any], list[Any]]:
        """Return the files in the defaults list of train.yaml, in merge order, and the overrides of single values."""
        from hydra._internal.defaults_list import create_defaults_list

        listed = create_defaults_list(self.repository, "train", overrides, prepend_hydra=False, skip_missing=False)
        return listed.defaults, listed.config_overrides

    def read(self, default: Any) -> Any:
        """Load one of these files into its package."""
        return self.loader._compose_config_from_defaults_list([default], self.repository)

    def apply(self, override: Any, merged: Any) -> None:
        self.loader._apply_overrides_to_config([override], merged)
