"""Whether the samples of a torchvision dataset may be cached, and what they depend on."""

import pickle
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from torchvision.datasets.folder import default_loader

from ..storage.fingerprint import decoder, file_states

FILE_LISTS = ("samples", "_samples", "_image_files", "_images")  # attributes of torchvision's classes


def kept_files(dataset: Any) -> list[Path] | None:
    """The files from which one of torchvision's own datasets reads its samples; empty if it holds them in memory.

    None if the samples may depend on anything else: a class from elsewhere, transforms, a custom loader, or no known list
    of files.
    """
    if not type(dataset).__module__.startswith("torchvision.") or getattr(dataset, "transforms", None):
        return None
    if getattr(dataset, "loader", default_loader) is not default_loader:
        return None
    if isinstance(getattr(dataset, "data", None), np.ndarray):
        return []
    for name in FILE_LISTS:
        items = getattr(dataset, name, None)
        if isinstance(items, list) and len(items) == len(dataset):
            paths = [Path(item[0] if isinstance(item, tuple) else item) for item in items]
            return paths if all(path.is_file() for path in paths) else None
    return None


def made_of_dataset(data: Any, state: dict[str, Any], files: list[Path] | None) -> dict[str, Any] | None:
    """What the samples of a dataset depend on; None if unknown.

    Args:
        data: the data module.
        state: all attributes of the dataset.
        files: see `kept_files`.
    """
    if files is None:
        return None
    digest = HashFile()
    try:
        pickle.Pickler(digest, protocol=5).dump(state)
        return decoder(data, dataset=digest.hash.hexdigest(), files=file_states(files))
    except (OSError, pickle.PicklingError, TypeError, AttributeError):
        return None


class HashFile:
    """A write-only file that computes a hash of its content."""

    def __init__(self) -> None:
        self.hash = blake2b(digest_size=16)

    def write(self, content: Any) -> int:
        self.hash.update(content)
        return memoryview(content).nbytes
