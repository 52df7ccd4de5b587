"""Candidate arguments for the official validation split of a torchvision dataset, derived from those of training."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..core.split_names import split_of

NAMES = ("val", "valid", "validation")


def validation_choices(train: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Replace train in `split: train` by val and its synonyms, and in `root: X/train` by sibling folders.

    Values that include other splits, such as `trainval`, are skipped.
    """
    for key, value in train.items():
        if not isinstance(value, str):
            continue
        if key == "root":
            if split_of(Path(value).name) == "train" and (parent := Path(value).parent).is_dir():
                folders = sorted(path for path in parent.iterdir() if path.is_dir())
                yield from ({**train, key: str(path)} for path in folders if split_of(path.name) == "validation")
            continue
        parts = re.split("([-_])", value)
        if "train" not in parts:
            continue
        longer = ["".join(name if part == "train" else part for part in parts) for name in NAMES]
        yield from ({**train, key: name} for name in dict.fromkeys([*longer, *NAMES]))
