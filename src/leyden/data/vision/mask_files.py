from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor

from ...errors import hint
from ..core.account import Account, held_out_for_test
from ..core.batch import Batch
from ..core.error import DataError
from ..core.groups import group_ids, held_out_split
from ..core.samples import Samples
from ..core.split_names import Split
from ..files.file_splits import FileSplits
from ..files.path_patterns import part_of_name
from ..storage.decode import decoded
from ..storage.file_samples import FileSamples
from ..storage.fingerprint import decoder, file_states
from .boxed_image import file_size
from .image_data import SUFFIXES
from .mask import MaskDecoder
from .mask_layout import MaskLayout, by_stem
from .segmentation_data import SegmentationData
from .warp import IGNORE_INDEX

MASK_SUFFIXES = {".png", ".bmp", ".gif", ".tif", ".tiff"}


class MaskFiles(SegmentationData):
    """Your own images, and masks with the same names in another folder: the class of each pixel.

    Images are resized with interpolation and masks without; both are decoded once if they fit into the cache or memory.

    Args:
        root: the folder.
        class_names: class names, in the order of their indices.
        images, masks: folders below `root`. A mask has the path of its image, ignoring suffixes. If each split has its
            own folders, `*` is the common part of their names, such as `*` and `*annot` for `train/` and `trainannot/`;
            see `MaskLayout`.
        values: value of each class in the masks; by default the class indices.
        ignore: value in the masks of pixels without a class, excluded from loss and metrics.
        train_list, test_list, validation_list: text files below `root` with the images of each split, one per line,
            with or without suffix; set both or neither of `train_list` and `test_list`.
        test, validation: without lists, regular expressions on the path below `images` that match the images of these
            splits; they replace folders `train/`, `val/` and `test/`.
        test_fraction: share held out for testing, with seed 0, if there is no official test split.
        group: regular expression on the path below `images` whose first group is the group of an image; held-out splits
            consist of whole groups.
        **image: arguments of `ImageData`.

    Raises:
        DataError: a mask is missing, has another size than its image, or a value that is not a class.
    """

    decoding: ClassVar[tuple[str, ...]] = (*SegmentationData.decoding, "known")
    default_size = 256

    paths: ClassVar[tuple[str, ...]] = (
        *("root/", "root/images/", "root/masks/", "root/train_list", "root/validation_list", "root/test_list"),
    )

    def __init__(
        self,
        root: str,
        class_names: Sequence[str],
        images: str = "images",
        masks: str = "masks",
        values: Sequence[int] | None = None,
        ignore: int | None = None,
        train_list: str | None = None,
        test_list: str | None = None,
        validation_list: str | None = None,
        test: str | None = None,
        validation: str | None = None,
        test_fraction: float = 0.2,
        group: str | None = None,
        **image,
    ) -> None:
        _require_values(class_names, values, ignore)
        if (train_list is None) != (test_list is None):
            raise ValueError(f"train_list={train_list}, test_list={test_list}: set both or neither")
        if validation_list and not train_list:
            raise ValueError(f"validation_list={validation_list} needs train_list; without lists, set data.validation")
        if not 0 < test_fraction < 1:
            raise ValueError(f"test_fraction is {test_fraction}; it must be strictly between 0 and 1")
        if images.count("*") != masks.count("*") or images.count("*") > 1:
            raise ValueError(f"images={images}, masks={masks}: expected one * in both or in neither")
        super().__init__(**image)
        self.root, self.names, self.values = Path(root).expanduser(), class_names, values
        self.layout = MaskLayout(self.root, images, masks)
        self.images = self.layout.root
        lists: dict[Split, str | None] = {"train": train_list, "validation": validation_list, "test": test_list}
        self.lists = {split: name for split, name in lists.items() if name}
        self.files = FileSplits(
            self.images, SUFFIXES, {"validation": validation, "test": test}, self.layout.only, setting="data.images"
        )
        self.test_fraction, self.group, self.outside = test_fraction, group, ignore
        self.known = [list(values or range(len(class_names))), ignore]  # the name is part of cache keys and streams
        self.decode_mask = MaskDecoder(values or range(len(class_names)), ignore)

    def official_splits(self) -> tuple[Split, ...]:
        return tuple(self.image_paths)

    @property
    def how_to_test(self) -> str:
        return f"add a folder {self.images.name}/test/, or set data.test to a regular expression"

    @cached_property
    def image_paths(self) -> dict[Split, list[Path]]:
        """The images of each existing split."""
        if self.lists:
            return {split: self._listed(split) for split in self.lists}
        paths = dict(self.files.by_split)
        if self.num_folds is None and not (self.files.folders or "test" in self.files.patterns):
            train = paths["train"]
            strata = group_ids([path.parent.name for path in train])
            parts = held_out_split(strata, self._groups(train), self.test_fraction, seed=0)
            paths |= {"train": [train[index] for index in parts[0]], "test": [train[index] for index in parts[1]]}
        return paths

    def _groups(self, paths: list[Path]) -> Tensor | None:
        if not self.group:
            return None
        return group_ids([part_of_name(path, self.images, self.group, "group") for path in paths])

    def sources(self, split: Split) -> list[Path]:
        return self.image_paths[split]

    def count_samples(self) -> Account:
        num_samples = {split: len(paths) for split, paths in self.image_paths.items()}
        ignored, how = self.files.ignored, dict(self.lists or self.files.how)
        if self.lists:
            listed = {path for paths in self.image_paths.values() for path in paths}
            ignored.add("in no list", *sorted(set(self.files.scan.files) - listed))
        elif "test" in num_samples:
            how.setdefault("test", held_out_for_test(self.test_fraction))
        images = {self.layout.stem(path) for path in self.files.scan.files}
        masks = self.layout.find_masks(MASK_SUFFIXES)
        ignored.add("mask without an image", *(path for stem, path in masks.items() if stem not in images))
        return Account(self.root, num_samples, how, ignored)

    def load(self, split: Split) -> Samples:
        self.class_names = list(self.names)
        images = self.image_paths[split]
        folder = self.layout.mask_root
        masks = self.layout.find_masks(MASK_SUFFIXES) if folder.is_dir() else {}
        if missing := [path for path in images if self.layout.stem(path) not in masks]:
            names = ", ".join(str(path) for path in missing[:3])
            raise DataError(f"{len(missing)} images have no mask in {folder.absolute()}, such as {names}")

        def read(path: Path) -> Tensor:
            return self.decode_pair(path, masks[self.layout.stem(path)])

        targets = torch.zeros(len(images), dtype=torch.int64)  # placeholders: the masks are a channel of the images
        made_of = decoder(self, masks=file_states(masks[self.layout.stem(path)] for path in images))
        files = FileSamples(images, targets, read, on_corrupt=self.on_corrupt, made_of=made_of)
        files.groups = self._groups(images)
        return MaskedSamples(decoded(files, self.storage))

    def decode_pair(self, image: Path, mask: Path) -> Tensor:
        """Decode an image and its mask to uint8 (channel + 1, height, width); the mask is the last channel."""
        pixels, size = self.decode(image), file_size(image)
        assert size, "a decoded file is an image"
        classes = self.decode_mask(mask, size).unsqueeze(0)
        return torch.cat([pixels, self.fit(classes, fill=IGNORE_INDEX, mode="nearest-exact")])

    def _listed(self, split: Split) -> list[Path]:
        path = self.root / self.lists[split]
        if not path.is_file():
            raise DataError(f"there is no file {path.absolute()} (data.{split}_list, below data.root)")
        images = by_stem(self.images, SUFFIXES)
        paths: dict[Path, None] = {}
        for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), start=1):
            if name := line.strip():
                stem = name if name in images else Path(name).with_suffix("").as_posix()
                if stem not in images:
                    near = hint(stem, images, few=0)
                    raise DataError(f"{path}:{number}: there is no image {name!r} in {self.images}{near}")
                if images[stem] in paths:
                    raise DataError(f"{path}:{number}: duplicate image {name!r}")
                paths[images[stem]] = None
        return list(paths)


class MaskedSamples(Samples):
    """Samples whose last channel is the mask, which becomes the target.

    Args:
        samples: samples with inputs uint8 (sample, channel + 1, height, width).
    """

    def __init__(self, samples: Samples) -> None:
        super().__init__(samples.targets)
        self.samples, self.groups = samples, samples.groups

    @property
    def decodes(self) -> bool:
        return self.samples.decodes

    def __getitems__(self, indices: list[int]) -> Batch:
        pairs = self.samples.__getitems__(indices).inputs
        return Batch(pairs[:, :-1], pairs[:, -1])

    def move(self, device: torch.device) -> int:
        return self.samples.move(device)


def _require_values(class_names: Sequence[str], values: Sequence[int] | None, ignore: int | None) -> None:
    """Require a distinct value from 0 to 255 for each class, and another one for ignored pixels."""
    if not 2 <= len(class_names) <= 254:
        raise ValueError(f"class_names has {len(class_names)} names; expected 2 to 254, including the background")
    if values is not None and len(values) != len(class_names):
        raise ValueError(f"values has {len(values)} values for {len(class_names)} classes")
    if values is not None and (len(set(values)) < len(values) or min(values) < 0 or max(values) > 255):
        raise ValueError(f"values are {values}; expected distinct values from 0 to 255")
    if ignore is not None and not 0 <= ignore <= 255:
        raise ValueError(f"ignore is {ignore}; it must be between 0 and 255")
    if ignore is not None and (ignore in values if values else ignore < len(class_names)):
        raise ValueError(f"ignore is {ignore}, which is also a class")
