import logging
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Literal

import torch
from torch import Tensor

from ..core.account import Account
from ..core.classes import class_indices
from ..core.error import DataError
from ..core.groups import group_ids
from ..core.samples import Samples
from ..core.split_names import SPLITS, Split, other_names, split_of
from ..files.path_patterns import part_of_name
from ..storage.decode import decoded
from ..storage.file_samples import FileSamples
from ..storage.fingerprint import decoder
from .boxed_image import BoxedImage, BoxedImages, MissingSplitError
from .boxes import Boxes, BoxSamples, boxes_of_image
from .coco import read_coco
from .detection_data import DetectionData
from .voc import read_voc
from .voc_folders import has_lists, read_voc_folders
from .yolo import read_yolo

log = logging.getLogger(__name__)
MIN_VISIBLE = 0.25  # share of a box that is left by cropping
READERS = {"voc": read_voc, "coco": read_coco, "yolo": read_yolo}


class DetectionFiles(DetectionData):
    """Your own images with boxes, annotated in VOC, COCO or YOLO format; see `read_voc`, `read_coco`, `read_yolo`.

    Images that fit into the cache or memory are decoded once. One warning per split counts boxes that were fixed or are
    ignored, and images without boxes.

    Args:
        root: the folder.
        layout: format of the annotations.
        train, validation, test: names of the splits; synonyms of a usual name are tried, such as `valid` for `val`. If
            null or missing, `validation_fraction` of training is held out for validation, and nothing is tested. For VOC
            XML files without ImageSets, other names are regular expressions on paths; see `read_voc_folders`.
        test_fraction: share held out for testing, for VOC XML files without an official test split.
        group: regular expression on the path of an image below `root`, whose first group names its source, such as a
            video; held-out splits consist of whole groups.
        on_bad_box: `fix` clips boxes to the image and removes those without area; or `raise` an error.
        **detection: arguments of `DetectionData`.

    Raises:
        DataError: the annotations are invalid.
    """

    paths: ClassVar[tuple[str, ...]] = ("root/",)

    def __init__(
        self,
        root: str,
        layout: Literal["voc", "coco", "yolo"],
        train: str = "train",
        validation: str | None = "val",
        test: str | None = "test",
        test_fraction: float = 0.2,
        group: str | None = None,
        on_bad_box: Literal["fix", "raise"] = "fix",
        **detection,
    ) -> None:
        if layout not in ("voc", "coco", "yolo"):
            raise ValueError(f"layout is {layout}; it must be voc, coco or yolo")
        if not 0 < test_fraction < 1:
            raise ValueError(f"test_fraction is {test_fraction}; it must be strictly between 0 and 1")
        super().__init__(**detection)
        self.root, self.layout = Path(root).expanduser(), layout
        self.splits: dict[Split, str | None] = {"train": train, "validation": validation, "test": test}
        self.on_bad_box, self.group, self.test_fraction = on_bad_box, group, test_fraction
        self._read: dict[Split, BoxedImages | None] = {}

    def setup(self, stage: str) -> None:
        super().setup(stage)
        # Free the annotations; an empty list still marks the split as existing.
        self._read = {
            split: annotated and annotated._replace(images=[]) if split in self.samples else annotated
            for split, annotated in self._read.items()
        }

    @property
    def how_to_test(self) -> str:
        return f"set data.test to the name of a split in {self.root}"

    def official_splits(self) -> tuple[Split, ...]:
        return tuple(split for split in SPLITS if split == "train" or self._annotated(split))

    def load(self, split: Split) -> BoxSamples:
        annotated = self._annotated(split)
        if not annotated or not annotated.images:
            raise DataError(f"the split {self.splits[split]!r} in {self.root.absolute()} has no images")
        if split == "train":
            labels = sorted({label for image in annotated.images for label in image.labels})
            self.class_names = annotated.class_names or labels
        boxes, paths = self._boxes(annotated, split), [image.path for image in annotated.images]
        images = self._images(paths)
        kept = images.targets.tolist()
        images.targets = torch.arange(len(kept))
        samples = BoxSamples(images, [boxes[i] for i in kept], [annotated.images[i].size for i in kept])
        samples.groups = self._groups([paths[i] for i in kept])
        return samples

    def _groups(self, paths: list[Path]) -> Tensor | None:
        if not self.group:
            return None
        return group_ids([part_of_name(path, self.root, self.group, "group") for path in paths])

    def sources(self, split: Split) -> list[Path]:
        annotated = self._annotated(split)
        return [image.path for image in annotated.images] if annotated else []

    def count_samples(self) -> Account:
        splits = [split for split in self.official_splits() if self._annotated(split)]
        names = {split: str(self.splits[split]) for split in splits}
        return Account(self.root, {split: len(self.sources(split)) for split in splits}, names)

    def _annotated(self, split: Split) -> BoxedImages | None:
        """The annotated images of a split; None if it is missing and has a usual name."""
        if split not in self._read:
            if not self.root.is_dir():
                raise DataError(f"there is no folder {self.root.absolute()}: set data.root to the folder of your files")
            self._read[split] = self._find_split(split)
        return self._read[split]

    def _find_split(self, split: Split) -> BoxedImages | None:
        name = self.splits[split]
        if self.layout == "voc" and not has_lists(self.root):
            return self._without_lists.get(split)
        for synonym in other_names(name) if name else ():
            try:
                annotated = READERS[self.layout](self.root, synonym)
            except MissingSplitError:
                continue
            self.splits[split] = synonym
            return annotated
        if not name or (split != "train" and split_of(name) == split):
            return None
        return READERS[self.layout](self.root, name)  # raises an error that lists the existing splits

    @cached_property
    def _without_lists(self) -> dict[Split, BoxedImages]:
        names = {split: self.splits[split] for split in SPLITS[1:]}
        patterns = {split: name for split, name in names.items() if name and not split_of(name)}
        return read_voc_folders(self.root, patterns, None if self.num_folds else self.test_fraction, self._groups)

    def _images(self, paths: list[Path]) -> Samples:
        """Images with the indices of their files as targets; corrupt files may be missing."""
        indices, made_of = torch.arange(len(paths)), decoder(self)
        files = FileSamples(paths, indices, self.decode, on_corrupt=self.on_corrupt, made_of=made_of)
        return decoded(files, self.storage)

    def _boxes(self, annotated: BoxedImages, split: str) -> list[Boxes]:
        fixed = {
            "without area, removed": 0,
            "clipped to the image": 0,
            "removed by data.resize=crop": 0,
        }
        boxes = [self._fix(image, split, fixed) for image in annotated.images]
        labels = torch.cat([objects.labels for objects in boxes]).tolist()
        counts = fixed | {
            "ignored (difficult or crowd)": sum(int(objects.ignored.sum()) for objects in boxes),
            "images without boxes": sum(not len(objects.labels) for objects in boxes),
        }
        if not labels and split == "train":
            raise DataError(f"the split {self.splits[split]!r} of {self.root.absolute()} has no boxes")
        notes = [f"{count} {what}" for what, count in counts.items() if count]
        if absent := [name for label, name in enumerate(self.class_names, start=1) if label not in labels]:
            notes.append(f"no box of {', '.join(absent)}")
        if notes:
            log.warning("%s: %d images, %d boxes; %s", split, len(boxes), len(labels), "; ".join(notes))
        return boxes

    def _fix(self, image: BoxedImage, split: str, fixed: dict[str, int]) -> Boxes:
        if not image.size:
            return boxes_of_image(torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64))
        (height, width), corners = image.size, torch.tensor(image.corners, dtype=torch.float64).reshape(-1, 4)
        if not corners.isfinite().all():
            raise DataError(f"{image.path} has a box with a value that is not a finite number: {image.corners}")
        border = torch.tensor([width, height] * 2)
        clipped = corners.clamp(min=torch.zeros(4), max=border)
        has_area = (clipped[:, 2:] > clipped[:, :2]).all(dim=1)
        # Less than half a pixel beyond the border is a rounding error.
        crosses = ((corners - clipped).abs() > 0.5).any(dim=1) & has_area
        if self.on_bad_box == "raise" and (wrong := ~has_area | crosses).any():
            raise DataError(
                f"{image.path} is {width} x {height} pixels and has the box {corners[wrong][0].tolist()} (left, top, "
                "right, bottom): correct it, or set data.on_bad_box=fix"
            )
        resized, is_visible = self._resized(clipped, height, width)
        for what, selected in zip(fixed, (~has_area, crosses, has_area & ~is_visible), strict=True):
            fixed[what] += int(selected.sum())
        labels = 1 + class_indices(image.labels, self.class_names, split)
        kept, ignored = has_area & is_visible, torch.tensor(image.ignored, dtype=torch.bool)
        return boxes_of_image(resized[kept], labels[kept], ignored[kept])

    def _resized(self, corners: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
        """Boxes of an image of this size after resizing, and which of them remain visible."""
        resized = self.fit.corners(corners, height, width)
        if self.resize != "crop":
            return resized, torch.ones(len(resized), dtype=torch.bool)
        inside = resized.clamp(min=torch.zeros(4), max=torch.tensor(self.fit.size[::-1] * 2))
        return inside, _area(inside) >= MIN_VISIBLE * _area(resized)


def _area(corners: Tensor) -> Tensor:
    return (corners[:, 2:] - corners[:, :2]).prod(dim=1)
