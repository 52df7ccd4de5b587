from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from ..core.error import DataError

ORIENTATION = 274  # EXIF tag; values from 5 swap height and width


class BoxedImage(NamedTuple):
    """An image file and its annotated objects, in pixels of the file."""

    path: Path
    size: tuple[int, int] | None  # height and width; None for a file that cannot be decoded
    corners: list[Sequence[float]]  # left, top, right and bottom of each object
    labels: list[str]
    ignored: list[bool]  # difficult objects in VOC, crowds in COCO


class BoxedImages(NamedTuple):
    """The annotated images of a split."""

    images: list[BoxedImage]
    class_names: list[str] | None  # if the format declares them; None to use the labels that occur


def file_size(path: Path, declared: tuple[int, int] | None = None) -> tuple[int, int] | None:
    """Height and width of an image after EXIF rotation, from its header; None for a file that is not an image.

    Args:
        path: the file.
        declared: height and width in the annotation, if any.

    Raises:
        DataError: the declared size is different.
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
            f"{path} is {size[1]} x {size[0]} pixels (after EXIF rotation), but its annotation is for "
            f"{declared[1]} x {declared[0]}: correct the annotation or the file"
        )
    return size


class MissingSplitError(DataError):
    """A split does not exist."""


def missing_split(names: Sequence[str], split: str, place: str) -> MissingSplitError:
    """Error for a split that does not exist."""
    return MissingSplitError(
        f"there is no split {split!r} in {place}; found: {', '.join(names) or 'none'}. Set data.train, data.validation "
        "(null to hold out a part of training) and data.test to the names of your splits"
    )
