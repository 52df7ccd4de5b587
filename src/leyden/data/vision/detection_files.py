import logging
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Literal

import torch
from torch import Tensor

from ..core.account import Account
from ..core.classes import class_numbers
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
LEAST_VISIBLE = 0.25  # of a box that is cropped
READERS = {"voc": read_voc, "coco": read_coco, "yolo": read_yolo}


class DetectionFiles(DetectionData):
    """User images with boxes, annotated as VOC, COCO or YOLO do; see `read_voc`, `read_coco`, `read_yolo`.

    Images that fit into memory are decoded once. What is fixed, ignored or empty is counted in a line a split.

    Args:
        root: the folder.
        layout: of the annotations.
        train, validation, test: names of the splits; where a usual one is not there, other usual names of its split are
            looked for, as `valid` for `val`. Null, or without such a split: a `validation_fraction` of training is held
            out, and nothing is tested. Of VOC's XML files without ImageSets, unusual names are regular expressions on
            their paths; see `read_voc_folders`.
        test_fraction: share to test on where there are XML files alone and nothing tells the test split.
        group: regular expression on the path of an image below `root`, whose first group names its source, such as a
            video; what is held out are all images of some sources.
        on_bad_box: `fix` clips boxes at the border of their image and leaves out those without area; or `raise`.
        **detection: arguments of `DetectionData`.

    Raises:
        DataError: the annotations cannot be used as they are.
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
            raise ValueError(f"test_fraction is {test_fraction}; it must be between 0 and 1")
        super().__init__(**detection)
        self.root, self.layout = Path(root).expanduser(), layout
        self.splits: dict[Split, str | None] = {"train": train, "validation": validation, "test": test}
        self.on_bad_box, self.group, self.test_fraction = on_bad_box, group, test_fraction
        self._read: dict[Split, BoxedImages | None] = {}

    def setup(self, stage: str) -> None:
        super().setup(stage)
        # Of many images, the annotations take memory; what is left says that there is such a split.
        self._read = {
            split: found and found._replace(images=[]) if split in self.samples else found
            for split, found in self._read.items()
        }

    @property
    def how_to_test(self) -> str:
        return f"name a split of {self.root} by data.test"

    def official_splits(self) -> tuple[Split, ...]:
        return tuple(split for split in SPLITS if split == "train" or self._annotated(split))

    def load(self, split: Split) -> BoxSamples:
        found = self._annotated(split)
        if not found or not found.images:
            raise DataError(f"the split {self.splits[split]!r} in {self.root.absolute()} has no images")
        if split == "train":
            appearing = sorted({label for image in found.images for label in image.labels})
            self.class_names = found.class_names or appearing
        boxes, paths = self._boxes(found, split), [image.path for image in found.images]
        images = self._images(paths)
        kept = images.targets.tolist()
        images.targets = torch.arange(len(kept))
        samples = BoxSamples(images, [boxes[i] for i in kept], [found.images[i].size for i in kept])
        samples.groups = self._groups([paths[i] for i in kept])
        return samples

    def _groups(self, paths: list[Path]) -> Tensor | None:
        if not self.group:
            return None
        return group_ids([part_of_name(path, self.root, self.group, "group") for path in paths])

    def sources(self, split: Split) -> list[Path]:
        found = self._annotated(split)
        return [image.path for image in found.images] if found else []

    def count_samples(self) -> Account:
        known = [split for split in self.official_splits() if self._annotated(split)]
        names = {split: str(self.splits[split]) for split in known}
        return Account(self.root, {split: len(self.sources(split)) for split in known}, names)

    def _annotated(self, split: Split) -> BoxedImages | None:
        """A split as it is annotated; None where there is none, and nobody asked for one of an unusual name."""
        if split not in self._read:
            if not self.root.is_dir():
                raise DataError(f"there is no folder {self.root.absolute()}: set data.root to the folder of your files")
            self._read[split] = self._look_for(split)
        return self._read[split]

    def _look_for(self, split: Split) -> BoxedImages | None:
        name = self.splits[split]
        if self.layout == "voc" and not has_lists(self.root):
            return self._without_lists.get(split)
        for one in other_names(name) if name else ():
            try:
                found = READERS[self.layout](self.root, one)
            except MissingSplitError:
                continue
            self.splits[split] = one
            return found
        if not name or (split != "train" and split_of(name) == split):
            return None
        return READERS[self.layout](self.root, name)  # which says what there is

    @cached_property
    def _without_lists(self) -> dict[Split, BoxedImages]:
        names = {split: self.splits[split] for split in SPLITS[1:]}
        patterns = {split: name for split, name in names.items() if name and not split_of(name)}
        return read_voc_folders(self.root, patterns, self.test_fraction, self._groups)

    def _images(self, paths: list[Path]) -> Samples:
        """Images with the numbers of their files as targets: fewer than files where corrupt ones are skipped."""
        numbers, made_of = torch.arange(len(paths)), decoder(self)
        files = FileSamples(paths, numbers, self.decode, on_corrupt=self.on_corrupt, made_of=made_of)
        return decoded(files, self.storage)

    def _boxes(self, found: BoxedImages, split: str) -> list[Boxes]:
        fixed = {
            "without area, left out": 0,
            "cut at the border of the image": 0,
            "outside of what data.resize=crop leaves, left out": 0,
        }
        boxes = [self._fix(image, split, fixed) for image in found.images]
        labels = torch.cat([one.labels for one in boxes]).tolist()
        notes = fixed | {
            "ignored (difficult or crowd)": sum(int(one.ignored.sum()) for one in boxes),
            "images without boxes": sum(not len(one.labels) for one in boxes),
        }
        if not labels and split == "train":
            raise DataError(f"there is not one box in the split {self.splits[split]!r} of {self.root.absolute()}")
        said = [f"{count} {what}" for what, count in notes.items() if count]
        if absent := [name for number, name in enumerate(self.class_names, start=1) if number not in labels]:
            said.append(f"no box of {', '.join(absent)}")
        if said:
            log.warning("%s: %d images, %d boxes; %s", split, len(boxes), len(labels), "; ".join(said))
        return boxes

    def _fix(self, image: BoxedImage, split: str, fixed: dict[str, int]) -> Boxes:
        if not image.size:
            return boxes_of_image(torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64))
        (height, width), corners = image.size, torch.tensor(image.corners, dtype=torch.float64).reshape(-1, 4)
        if not corners.isfinite().all():
            raise DataError(f"{image.path} has a box that is not of numbers: {image.corners}")
        border = torch.tensor([width, height] * 2)
        cut = corners.clamp(min=torch.zeros(4), max=border)
        has_area = (cut[:, 2:] > cut[:, :2]).all(dim=1)
        # A part of a pixel beyond the border is rounding.
        crosses = ((corners - cut).abs() > 0.5).any(dim=1) & has_area
        if self.on_bad_box == "raise" and (wrong := ~has_area | crosses).any():
            raise DataError(
                f"{image.path} is {width} x {height} pixels and has the box {corners[wrong][0].tolist()} (left, top, "
                "right, bottom): correct it, or set data.on_bad_box=fix"
            )
        placed, is_seen = self._placed(cut, height, width)
        for what, which in zip(fixed, (~has_area, crosses, has_area & ~is_seen), strict=True):
            fixed[what] += int(which.sum())
        labels = 1 + class_numbers(image.labels, self.class_names, split)
        kept, ignored = has_area & is_seen, torch.tensor(image.ignored, dtype=torch.bool)
        return boxes_of_image(placed[kept], labels[kept], ignored[kept])

    def _placed(self, corners: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
        """Boxes of an image of that size as they are once it is resized, and which of them are still to be seen."""
        placed = self.fit.corners(corners, height, width)
        if self.resize != "crop":
            return placed, torch.ones(len(placed), dtype=torch.bool)
        inside = placed.clamp(min=torch.zeros(4), max=torch.tensor(self.fit.size[::-1] * 2))
        return inside, _area(inside) >= LEAST_VISIBLE * _area(placed)


def _area(corners: Tensor) -> Tensor:
    return (corners[:, 2:] - corners[:, :2]).prod(dim=1)
