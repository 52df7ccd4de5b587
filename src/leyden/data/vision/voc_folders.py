"""Boxes in VOC XML files without VOC's lists of images."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from ..core.error import DataError
from ..core.groups import held_out_split
from ..core.split_names import Split
from ..files.file_splits import FileSplits
from ..files.scan import scan
from .boxed_image import BoxedImages
from .image_data import SUFFIXES
from .voc import read_annotation


def has_lists(root: Path) -> bool:
    """Whether there is a folder ImageSets, at most two levels below."""
    return any(next(root.glob(f"{depth}ImageSets"), None) for depth in ("", "*/", "*/*/"))


def read_voc_folders(
    root: Path,
    patterns: Mapping[Split, str | None],
    test_fraction: float | None,
    groups: Callable[[list[Path]], Tensor | None],
) -> dict[Split, BoxedImages]:
    """Read all XML files below a folder with the images of the same name, by split.

    Splits are folders, such as `train/` and `test/`, or regular expressions; see `FileSplits`. Without a test split, a part
    of all images is held out with seed 0.

    Args:
        root: the folder.
        patterns: regular expressions on the path of an XML file below `root`.
        test_fraction: share to hold out; None for none.
        groups: maps images to group indices (image,), or to None; whole groups are held out.

    Raises:
        DataError: there are no XML files, or one has no image or several.
    """
    files, images = FileSplits(root, {".xml"}, patterns), defaultdict(list)
    for path in scan(root, SUFFIXES).files:
        images[path.stem].append(path)
    pairs = {
        split: [(_image_of(path, images[path.stem]), path) for path in paths] for split, paths in files.by_split.items()
    }
    if test_fraction is not None and not (files.folders or "test" in files.patterns):
        train = pairs["train"]
        parts = held_out_split(torch.zeros(len(train)), groups([image for image, _ in train]), test_fraction, seed=0)
        pairs |= {"train": [train[i] for i in parts[0]], "test": [train[i] for i in parts[1]]}
    return {split: BoxedImages([read_annotation(*pair) for pair in items], None) for split, items in pairs.items()}


def _image_of(annotation: Path, candidates: list[Path]) -> Path:
    """The image of an XML file: in the same folder, else in a sibling folder, else the only one with that name."""
    same = [path for path in candidates if path.parent == annotation.parent]
    beside = [path for path in candidates if path.parent.parent == annotation.parent.parent]
    matches = same or beside or candidates
    if len(matches) != 1:
        names = ", ".join(map(str, matches[:3])) or "none"
        raise DataError(f"expected one image for {annotation}, got: {names}")
    return matches[0]
