"""Data for testing an experiment: its own if it is available, else that of an embedded experiment."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hydra.utils import get_object

from ..config.build import build
from ..config.data_paths import missing_paths
from ..config.embedded import is_embedded
from ..config.static.provides import declared
from ..config.static.signature import signature
from ..config.static.source import NameMissingError
from ..data import DataError, DataModule
from ..errors import UserError
from .project import configuration, embedded, place, target
from .small import small_data

LIBRARY = __name__.partition(".")[0]
SAMPLE_SETTINGS = ("in_channels", "max_tokens")  # expected by the network of an experiment


def usable_data(root: Path, name: str, config: dict[str, Any]) -> dict[str, Any]:
    """Configuration of the data for testing an experiment; skips the test if there is none.

    Embedded data and files of the project are used as they are. Datasets that would be downloaded, and missing files,
    are replaced by the data of an embedded experiment with the same task and a model in the same folder. Nothing is
    downloaded.

    Args:
        root: root of the project.
        name: name of the experiment.
        config: its configuration.
    """
    data = config["data"]
    if is_embedded(target(config, "data")):
        return data
    downloads = _downloads(data)
    reason = "its data is downloaded" if downloads else unreadable(data, root)
    if not reason:
        return data
    for other in embedded(root):
        replacement = configuration(root, other)
        if place(root, other) == place(root, name) and target(replacement, "model") == target(config, "model"):
            return replacement["data"] | {key: data[key] for key in SAMPLE_SETTINGS if key in data}
    if downloads and not (reason := unreadable(data, root)):
        return data  # already downloaded
    task = target(config, "model").rpartition(".")[2]
    pytest.skip(
        f"{name} is not tested, since its data is not available: {reason}; and no experiment with embedded data has the task "
        f"{task} and a model in configs/model/{place(root, name)}/"
    )


def unreadable(data: dict[str, Any], root: Path) -> str:
    """Why a dataset's files cannot be read; empty if they can. Files listed in `paths` are only checked for existence."""
    name = str(data["_target_"])
    try:
        arguments = signature(name)
    except NameMissingError as error:
        return str(error)
    values = (arguments.defaults() if arguments else {}) | data | {"download": None}
    for argument, text in missing_paths(name, values, root):
        return f"data.{argument}: {text}"
    if declared(name, "paths"):
        return ""
    try:
        prepared(data)
    except (DataError, UserError, OSError, RuntimeError) as error:
        return str(error)
    return ""


def prepared(data: dict[str, Any]) -> DataModule:
    """A data module with its training samples, shared by all tests of this process with the same configuration."""
    return _prepared(json.dumps(small_data(data)))


@cache
def _prepared(data: str) -> DataModule:
    module: DataModule = build(json.loads(data), {})
    module.setup("fit")
    return module


def _downloads(data: dict[str, Any]) -> bool:
    """Whether it is a dataset of the library that downloads files; a project's own datasets are used as they are."""
    kind = get_object(data["_target_"])
    arguments = signature(str(data["_target_"]))
    has_setting = bool(arguments and "download" in arguments.parameters)
    fetches = getattr(kind, "download_files", None) is not DataModule.download_files
    is_of_library = str(kind.__module__).startswith(f"{LIBRARY}.")
    return is_of_library and fetches and (not has_setting or bool(data.get("download")))
