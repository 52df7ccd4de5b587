"""What is known of a torchvision dataset: whether its samples may be kept in a cache, and what they depend on."""

import pickle
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from torchvision.datasets.folder import default_loader

from ..storage.fingerprint import decoder, file_states

FILE_LISTS = ("samples", "_samples", "_image_files", "_images")  # as torchvision's own classes name them


def kept_files(dataset: Any) -> list[Path] | None:
    """The files from which one of torchvision's own datasets reads its samples; none where it holds them itself.

    None stands for a dataset whose samples may depend on what nobody knows: a class of the user's, one with transforms or
    a loader of its own, or one that tells no files.
    """
    if not type(dataset).__module__.startswith("torchvision.") or getattr(dataset, "transforms", None):
        return None
    if getattr(dataset, "loader", default_loader) is not default_loader:
        return None
    if isinstance(getattr(dataset, "data", None), np.ndarray):
        return []
    for name in FILE_LISTS:
        found = getattr(dataset, name, None)
        if isinstance(found, list) and len(found) == len(dataset):
            paths = [Path(one[0] if isinstance(one, tuple) else one) for one in found]
            return paths if all(path.is_file() for path in paths) else None
    return None


def made_of_dataset(data: Any, state: dict[str, Any], files: list[Path] | None) -> dict[str, Any] | None:
    """What the samples of a dataset depend on; None where that is not known.

    Args:
        data: the data module.
        state: all that the dataset holds.
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
    """A file that keeps nothing but the hash of what is written to it."""

    def __init__(self) -> None:
        self.hash = blake2b(digest_size=16)

    def write(self, content: Any) -> int:
        self.hash.update(content)
        return memoryview(content).nbytes
