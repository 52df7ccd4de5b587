from pathlib import Path

import yaml

from ..core.error import DataError
from ..files.files import find_files
from ..files.user_text import utf8_text, well_formed
from .boxed_image import BoxedImage, BoxedImages, file_size, split_names
from .image_data import SUFFIXES


def read_yolo(root: Path, split: str) -> BoxedImages:
    """Boxes as YOLO lays them out: images/<split>/ beside labels/<split>/*.txt, or <split>/images/ beside
    <split>/labels/; class names in a YAML file (`names:`) or, one a line, in classes.txt.

    A line of a text file is: class number, middle x, middle y, width, height, as parts of the image's width and height.
    An image without a text file has no objects.

    Raises:
        DataError: a file is missing or not what it should be.
    """
    places = [(root / "images" / split, root / "labels" / split), (root / split / "images", root / split / "labels")]
    place = next((place for place in places if place[0].is_dir()), None)
    if not place:
        found = [*root.glob("images/*/"), *(path.parent for path in root.glob("*/images/"))]
        raise split_names(sorted({path.name for path in found if path.is_dir()}), split, str(root.absolute()))
    images, labels = place
    if not labels.is_dir():
        raise DataError(f"there are images in {images}, but no folder {labels}")
    names, paths = _class_names(root), find_files(images, SUFFIXES)
    texts = [labels / path.relative_to(images).with_suffix(".txt") for path in paths]
    if orphans := sorted({path for path in labels.rglob("*.txt") if path.name != "classes.txt"} - set(texts)):
        raise DataError(f"{orphans[0]} has no image in {images}, and so have {len(orphans) - 1} more")
    return BoxedImages([_image(path, text, names) for path, text in zip(paths, texts, strict=True)], names)


def _class_names(root: Path) -> list[str]:
    for path in sorted([*root.glob("*.yaml"), *root.glob("*.yml")]):
        try:
            content = yaml.safe_load(utf8_text(path))
        except yaml.YAMLError as error:
            raise DataError(f"{path} is no YAML: {' '.join(str(error).split())}") from None
        names = content.get("names") if isinstance(content, dict) else None
        if isinstance(names, dict):  # from numbers to names
            if sorted(names) != list(range(len(names))):
                raise DataError(f"the classes in {path} are numbered {sorted(names)}; expected 0 to {len(names) - 1}")
            return [well_formed(str(names[number])) for number in range(len(names))]
        if names:
            return [well_formed(str(name)) for name in names]
    path = root / "classes.txt"
    if not path.is_file():
        raise DataError(f"{root.absolute()} has no YAML file with `names:` and no classes.txt: what are the classes?")
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
            middle_x, middle_y = float(x) * width, float(y) * height
            reach_x, reach_y = float(box_width) * width / 2, float(box_height) * height / 2
            labels.append(dict(enumerate(names))[int(label)])
        except (ValueError, KeyError):
            raise DataError(
                f"{text}:{number}: {line.strip()[:60]!r}; wanted are a class from 0 to {len(names) - 1}, the middle x "
                "and y, width and height"
            ) from None
        corners.append([middle_x - reach_x, middle_y - reach_y, middle_x + reach_x, middle_y + reach_y])
    return BoxedImage(path, size, corners, labels, [False] * len(labels))
