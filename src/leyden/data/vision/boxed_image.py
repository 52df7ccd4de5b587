from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from ..core.error import DataError

ORIENTATION = 274  # the EXIF entry; from 5 on, height and width change places


class BoxedImage(NamedTuple):
    """A file and what its annotation says, in the file's own pixels."""

    path: Path
    size: tuple[int, int] | None  # height and width; None of a file that cannot be decoded
    corners: list[Sequence[float]]  # left, top, right and bottom of each object
    labels: list[str]
    ignored: list[bool]  # VOC's difficult and COCO's crowd objects


class BoxedImages(NamedTuple):
    """A split as it is annotated."""

    images: list[BoxedImage]
    class_names: list[str] | None  # where the format declares them; else the classes are those that appear


def file_size(path: Path, declared: tuple[int, int] | None = None) -> tuple[int, int] | None:
    """Height and width of an image as it is shown, that is, turned as its EXIF entry says; reads the header alone.

    None of a file that is no image: what becomes of it is decided where it is decoded.

    Args:
        path: the file.
        declared: height and width as the annotation gives them, if it does.

    Raises:
        DataError: the boxes were drawn on an image of another size.
    """
    try:
        with Image.open(path) as image:
            width, height = image.size
            turned = image.getexif().get(ORIENTATION, 1) >= 5
    except OSError:
        return None
    size = (width, height) if turned else (height, width)
    if declared and declared != size:
        raise DataError(
            f"{path} is {size[1]} x {size[0]} pixels, as it is shown, but its annotation is for "
            f"{declared[1]} x {declared[0]}: correct the annotation, or the file (its EXIF entry may turn it)"
        )
    return size


class MissingSplitError(DataError):
    """A split is not there."""


def split_names(found: Sequence[str], split: str, place: str) -> MissingSplitError:
    """The error for a split that is not there."""
    return MissingSplitError(
        f"there is no split {split!r} in {place}; there are: {', '.join(found) or 'none'}. "
        "Name yours with data.train, data.validation (null: a part of training) and data.test"
    )
