from pathlib import Path

import yaml

from ..core.error import DataError
from ..files.files import find_files
from ..files.user_text import utf8_text, well_formed
from .boxed_image import BoxedImage, BoxedImages, file_size, missing_split
from .image_data import SUFFIXES


def read_yolo(root: Path, split: str) -> BoxedImages:
    """Read boxes in the YOLO layout: images/<split>/ beside labels/<split>/*.txt, or <split>/images/ beside
    <split>/labels/; class names in a YAML file (`names:`) or, one per line, in classes.txt.

    A line of a text file has a class index, centre x, centre y, width and height, relative to the image. An image without
    a text file has no objects.

    Raises:
        DataError: a file is missing or invalid.
    """
    places = [(root / "images" / split, root / "labels" / split), (root / split / "images", root / split / "labels")]
    place = next((place for place in places if place[0].is_dir()), None)
    if not place:
        folders = [*root.glob("images/*/"), *(path.parent for path in root.glob("*/images/"))]
        raise missing_split(sorted({path.name for path in folders if path.is_dir()}), split, str(root.absolute()))
    images, labels = place
    if not labels.is_dir():
        raise DataError(f"there are images in {images}, but no folder {labels}")
    names, paths = _class_names(root), find_files(images, SUFFIXES)
    texts = [labels / path.relative_to(images).with_suffix(".txt") for path in paths]
    if orphans := sorted({path for path in labels.rglob("*.txt") if path.name != "classes.txt"} - set(texts)):
        raise DataError(f"{len(orphans)} files in {labels} have no image in {images}, such as {orphans[0]}")
    return BoxedImages([_image(path, text, names) for path, text in zip(paths, texts, strict=True)], names)


def _class_names(root: Path) -> list[str]:
    for path in sorted([*root.glob("*.yaml"), *root.glob("*.yml")]):
        try:
            content = yaml.safe_load(utf8_text(path))
        except yaml.YAMLError as error:
            raise DataError(f"{path} is not YAML: {' '.join(str(error).split())}") from None
        names = content.get("names") if isinstance(content, dict) else None
        if isinstance(names, dict):  # index -> name
            if sorted(names) != list(range(len(names))):
                raise DataError(f"the class indices in {path} are {sorted(names)}; expected 0 to {len(names) - 1}")
            return [well_formed(str(names[index])) for index in range(len(names))]
        if names:
            return [well_formed(str(name)) for name in names]
    path = root / "classes.txt"
    if not path.is_file():
        raise DataError(f"{root.absolute()} has no class names: add a YAML file with `names:`, or classes.txt")
    return [line.strip() for line in utf8_text(path).splitlines() if line.strip()]


def _image(path: Path, text: Path, names: list[str]) -> BoxedImage:
    size = file_size(path)
    height, width = size or (0, 0)
    corners, labels = [], []
    lines = utf8_text(text).splitlines() if text.is_file() else []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            label, x, y, box_width, box_height = line.split()
            centre_x, centre_y = float(x) * width, float(y) * height
            half_width, half_height = float(box_width) * width / 2, float(box_height) * height / 2
            labels.append(dict(enumerate(names))[int(label)])
        except (ValueError, KeyError):
            raise DataError(
                f"{text}:{number}: expected a class from 0 to {len(names) - 1}, centre x, centre y, width and height, got "
                f"{line.strip()[:60]!r}"
            ) from None
        corners.append([centre_x - half_width, centre_y - half_height, centre_x + half_width, centre_y + half_height])
    return BoxedImage(path, size, corners, labels, [False] * len(labels))
