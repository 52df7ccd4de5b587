import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from ..core.error import DataError
from ..files.user_text import utf8_text, well_formed
from .boxed_image import BoxedImage, BoxedImages, file_size, split_names

# Where published sets and tools put the annotations and the images of a split
ANNOTATIONS = (
    "annotations/instances_{split}.json",
    "annotations/{split}.json",
    "{split}/_annotations.coco.json",
    "{split}.json",
)
IMAGES = ("{split}", "images/{split}", "images", "")


def read_coco(root: Path, split: str) -> BoxedImages:
    """Boxes as COCO lays them out: annotations/instances_<split>.json, <split>/*.jpg, and what tools make of that.

    Source: Lin et al., Microsoft COCO: Common Objects in Context, 2014, https://arxiv.org/abs/1405.0312.

    Raises:
        DataError: a file is missing or not what it should be.
    """
    places = [root / place.format(split=split) for place in ANNOTATIONS]
    place = next((path for path in places if path.is_file()), None)
    if not place:
        found = sorted(path.relative_to(root).as_posix() for path in root.glob("**/*.json"))
        raise split_names(found, split, f"{root.absolute()} ({', '.join(ANNOTATIONS)})")
    try:
        return _parse(json.loads(utf8_text(place)), root, split)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"{place} is no COCO annotation: {type(error).__name__}: {error}") from None


def _parse(content: dict[str, Any], root: Path, split: str) -> BoxedImages:
    names = {
        one["id"]: well_formed(str(one["name"])) for one in sorted(content["categories"], key=lambda one: one["id"])
    }
    objects = defaultdict(list)
    for one in content["annotations"]:
        objects[one["image_id"]].append(one)
    if unknown := objects.keys() - {one["id"] for one in content["images"]}:
        raise DataError(f"annotations of {split} are of images that are not listed: {sorted(unknown)[:5]}")
    images = []
    for entry in content["images"]:
        path, corners, labels, ignored = _find(root, split, entry["file_name"]), [], [], []
        for one in objects[entry["id"]]:
            if len(one["bbox"]) != 4:
                wanted = "[left, top, width, height]; remove the annotation, or add its box"
                raise DataError(f"annotation {one.get('id')} of {path} has the bbox {one['bbox']}; expected {wanted}")
            left, top, width, height = one["bbox"]
            corners.append([left, top, left + width, top + height])
            labels.append(names[one["category_id"]])
            ignored.append(bool(one.get("iscrowd", 0)))
        size = file_size(path, (entry["height"], entry["width"]) if entry.get("height") else None)
        images.append(BoxedImage(path, size, corners, labels, ignored))
    return BoxedImages(images, list(names.values()))


def _find(root: Path, split: str, name: str) -> Path:
    places = [root / place.format(split=split) / name for place in IMAGES]
    for path in places:
        if path.is_file():
            return path
    raise DataError(f"there is no image {name!r} of the split {split!r}; looked for {', '.join(map(str, places))}")
