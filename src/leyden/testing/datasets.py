"""The data with which an experiment is tested: its own where that is here, else that of an embedded experiment."""

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
FORM = ("in_channels", "max_tokens")  # of samples, as an experiment's network expects them


def usable_data(root: Path, name: str, config: dict[str, Any]) -> dict[str, Any]:
    """The configuration of the data with which an experiment is tested; the test is skipped where there is none.

    Data that comes with the project is taken as it is, and so are a researcher's own files. What has to be downloaded,
    and files that are not here, are replaced by the data of an embedded experiment with the same task and a model of
    the same folder. Nothing is downloaded.

    Args:
        root: of the project.
        name: of the experiment.
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
            return replacement["data"] | {key: data[key] for key in FORM if key in data}
    if downloads and not (reason := unreadable(data, root)):
        return data  # somebody has downloaded it
    task = target(config, "model").rpartition(".")[2]
    pytest.skip(
        f"{name} is not tested, since its data is not here: {reason}; and no experiment with embedded data has the task {task} and "
        f"a model in configs/model/{place(root, name)}/"
    )


def unreadable(data: dict[str, Any], root: Path) -> str:
    """Why a dataset's files cannot be read, or nothing. The files that a class names in `paths` only have to exist."""
    name = str(data["_target_"])
    try:
        known = signature(name)
    except NameMissingError as error:
        return str(error)
    arguments = (known.defaults() if known else {}) | data | {"download": None}
    for argument, text in missing_paths(name, arguments, root):
        return f"data.{argument}: {text}"
    if declared(name, "paths"):
        return ""
    try:
        prepared(data)
    except (DataError, UserError, OSError, RuntimeError) as error:
        return str(error)
    return ""


def prepared(data: dict[str, Any]) -> DataModule:
    """A data module with its training samples, one for all tests of this process that need the same."""
    return _prepared(json.dumps(small_data(data)))


@cache
def _prepared(data: str) -> DataModule:
    module: DataModule = build(json.loads(data), {})
    module.setup("fit")
    return module


def _downloads(data: dict[str, Any]) -> bool:
    """Whether it is a dataset of the library that fetches its files: a researcher's own is used where it is here."""
    kind = get_object(data["_target_"])
    known = signature(str(data["_target_"]))
    has_setting = bool(known and "download" in known.parameters)
    fetches = getattr(kind, "download_files", None) is not DataModule.download_files
    is_of_library = str(kind.__module__).startswith(f"{LIBRARY}.")
    return is_of_library and fetches and (not has_setting or bool(data.get("download")))
