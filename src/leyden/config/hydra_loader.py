"""Hydra's loader of configuration files, without the settings and plugins of its launchers.

They would take half of the time, and Hydra's public functions always load them: hence its private modules, here alone.
"""

from pathlib import Path
from typing import Any


class HydraLoader:
    """Reads the files in a folder as Hydra does.

    Args:
        folder: configs/.
    """

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
        places = ConfigSearchPathImpl()
        places.append("main", f"file://{folder}")
        places.append("schema", "structured://")
        self.loader = ConfigLoaderImpl(places)
        self.repository = CachingConfigRepository(self.loader.repository)

    def defaults(self, overrides: list[Any]) -> tuple[list[Any], list[Any]]:
        """The files that make train.yaml up, in the order in which they are merged, and the overrides of single values."""
        from hydra._internal.defaults_list import create_defaults_list

        listed = create_defaults_list(self.repository, "train", overrides, prepend_hydra=False, skip_missing=False)
        return listed.defaults, listed.config_overrides

    def read(self, default: Any) -> Any:
        """One of these files, at its place in the configuration."""
        return self.loader._compose_config_from_defaults_list([default], self.repository)

    def apply(self, override: Any, merged: Any) -> None:
        self.loader._apply_overrides_to_config([override], merged)
