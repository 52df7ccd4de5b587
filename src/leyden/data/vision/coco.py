import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from ..core.error import DataError
from ..files.user_text import utf8_text, well_formed
from .boxed_image import BoxedImage, BoxedImages, file_size, missing_split

# Locations of annotations and images in published datasets and exports of tools
ANNOTATIONS = (
    "annotations/instances_{split}.json",
    "annotations/{split}.json",
    "{split}/_annotations.coco.json",
    "{split}.json",
)
IMAGES = ("{split}", "images/{split}", "images", "")


def read_coco(root: Path, split: str) -> BoxedImages:
    """Read boxes in the COCO layout, annotations/instances_<split>.json and <split>/*.jpg, or common variants of it.

    Source: Lin et al., Microsoft COCO: Common Objects in Context, 2014, https://arxiv.org/abs/1405.0312.

    Raises:
        DataError: a file is missing or invalid.
    """
    places = [root / place.format(split=split) for place in ANNOTATIONS]
    place = next((path for path in places if path.is_file()), None)
    if not place:
        names = sorted(path.relative_to(root).as_posix() for path in root.glob("**/*.json"))
        raise missing_split(names, split, f"{root.absolute()} ({', '.join(ANNOTATIONS)})")
    try:
        return _parse(json.loads(utf8_text(place)), root, split)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"{place} is not a COCO annotation: {type(error).__name__}: {error}") from None


def _parse(content: dict[str, Any], root: Path, split: str) -> BoxedImages:
    categories = sorted(content["categories"], key=lambda category: category["id"])
    names = {category["id"]: well_formed(str(category["name"])) for category in categories}
    objects = defaultdict(list)
    for annotation in content["annotations"]:
        objects[annotation["image_id"]].append(annotation)
    if unknown := objects.keys() - {image["id"] for image in content["images"]}:
        raise DataError(f"annotations of {split} refer to images that are not listed: {sorted(unknown)[:5]}")
    images = []
    for entry in content["images"]:
        path, corners, labels, ignored = _find(root, split, entry["file_name"]), [], [], []
        for annotation in objects[entry["id"]]:
            box = annotation["bbox"]
            if len(box) != 4:
                remedy = "expected [left, top, width, height]; remove the annotation, or add its box"
                raise DataError(f"annotation {annotation.get('id')} of {path} has the bbox {box}; {remedy}")
            left, top, width, height = box
            corners.append([left, top, left + width, top + height])
            labels.append(names[annotation["category_id"]])
            ignored.append(bool(annotation.get("iscrowd", 0)))
        size = file_size(path, (entry["height"], entry["width"]) if entry.get("height") else None)
        images.append(BoxedImage(path, size, corners, labels, ignored))
    return BoxedImages(images, list(names.values()))


def _find(root: Path, split: str, name: str) -> Path:
    places = [root / place.format(split=split) / name for place in IMAGES]
    for path in places:
        if path.is_file():
            return path
    raise DataError(f"there is no image {name!r} of the split {split!r}; tried {', '.join(map(str, places))}")
