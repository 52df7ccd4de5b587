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
    """User images, and in another folder under the same names their masks: the class of each pixel.

    PredictionPlots are resized with interpolation and masks without, and both are decoded once where memory allows.

    Args:
        root: the folder.
        class_names: the classes, in the order of their numbers.
        images, masks: folders below `root`. A mask has the path of its image, whatever the endings of both. Where each
            split has folders of its own, `*` is the part of their names that both have in common, such as `*` and
            `*annot` for `train/` and `trainannot/`; see `MaskLayout`.
        values: the value in masks of each class, in their order; by default the class numbers, 0, 1, 2 and so on.
        ignore: the value in masks of pixels that belong to no class, which count nowhere.
        train_list, test_list, validation_list: text files below `root` that name the images of each split, one a
            line, with or without ending; those of training and test are both given or none.
        test, validation: without lists, regular expressions on the path below `images` that find the images of these
            splits; they take the place of folders `train/`, `val/` and `test/` in it.
        test_fraction: share to test on, chosen with seed 0, where nothing else tells the test split.
        group: regular expression on the path below `images` whose first group names the source of an image; what is
            held out are all images of some sources.
        **image: arguments of `ImageData`.

    Raises:
        DataError: a mask is missing, of another size than its image, or holds a value that stands for no class.
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
        if not 2 <= len(class_names) <= 254:
            raise ValueError(f"class_names has {len(class_names)} names; expected 2 to 254, the background among them")
        if values is not None and len(values) != len(class_names):
            raise ValueError(f"values has {len(values)} values for {len(class_names)} classes")
        if values is not None and (len(set(values)) < len(values) or min(values) < 0 or max(values) > 255):
            raise ValueError(f"values are {values}; each must be another one from 0 to 255")
        if ignore is not None and not 0 <= ignore <= 255:
            raise ValueError(f"ignore is {ignore}; it must be between 0 and 255")
        if ignore is not None and (ignore in values if values else ignore < len(class_names)):
            raise ValueError(f"ignore is {ignore}, which is also a class")
        if (train_list is None) != (test_list is None):
            raise ValueError(f"train_list={train_list}, test_list={test_list}: give both or none")
        if validation_list and not train_list:
            raise ValueError(f"validation_list={validation_list} without train_list: give both, or data.validation")
        if not 0 < test_fraction < 1:
            raise ValueError(f"test_fraction is {test_fraction}; it must be between 0 and 1")
        if images.count("*") != masks.count("*") or images.count("*") > 1:
            raise ValueError(f"images={images}, masks={masks}: one * in both, or in none, is expected")
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
        self.known = [list(values or range(len(class_names))), ignore]
        self.decode_mask = MaskDecoder(values or range(len(class_names)), ignore)

    def official_splits(self) -> tuple[Split, ...]:
        return tuple(self.image_paths)

    @property
    def how_to_test(self) -> str:
        return f"add a folder {self.images.name}/test/, or set data.test to a pattern"

    @cached_property
    def image_paths(self) -> dict[Split, list[Path]]:
        """The images of each split that there is."""
        if self.lists:
            return {split: self._listed(split) for split in self.lists}
        found = dict(self.files.found)
        if not (self.files.folders or "test" in self.files.patterns):
            train = found["train"]
            strata = group_ids([path.parent.name for path in train])
            parts = held_out_split(strata, self._groups(train), self.test_fraction, seed=0)
            found |= {"train": [train[number] for number in parts[0]], "test": [train[number] for number in parts[1]]}
        return found

    def _groups(self, paths: list[Path]) -> Tensor | None:
        if not self.group:
            return None
        return group_ids([part_of_name(path, self.images, self.group, "group") for path in paths])

    def sources(self, split: Split) -> list[Path]:
        return self.image_paths[split]

    def count_samples(self) -> Account:
        taken = {split: len(paths) for split, paths in self.image_paths.items()}
        ignored, how = self.files.ignored, dict(self.lists or self.files.how)
        if self.lists:
            listed = {path for paths in self.image_paths.values() for path in paths}
            ignored.add("in no list", *sorted(set(self.files.scan.files) - listed))
        elif "test" in taken:
            how.setdefault("test", held_out_for_test(self.test_fraction))
        images = {self.layout.stem(path) for path in self.files.scan.files}
        masks = self.layout.find_masks(MASK_SUFFIXES)
        ignored.add("a mask without an image", *(path for stem, path in masks.items() if stem not in images))
        return Account(self.root, taken, how, ignored)

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

        targets = torch.zeros(len(images), dtype=torch.int64)  # the masks travel with the images
        made_of = decoder(self, masks=file_states(masks[self.layout.stem(path)] for path in images))
        files = FileSamples(images, targets, read, on_corrupt=self.on_corrupt, made_of=made_of)
        files.groups = self._groups(images)
        return MaskedSamples(decoded(files, self.storage))

    def decode_pair(self, image: Path, mask: Path) -> Tensor:
        """An image and its mask -> uint8 [channel + 1, height, width]; the mask comes last."""
        pixels, size = self.decode(image), file_size(image)
        assert size, "what was decoded is an image"
        classes = self.decode_mask(mask, size).unsqueeze(0)
        return torch.cat([pixels, self.fit(classes, fill=IGNORE_INDEX, mode="nearest-exact")])

    def _listed(self, split: Split) -> list[Path]:
        path = self.root / self.lists[split]
        if not path.is_file():
            raise DataError(f"there is no file {path.absolute()} (data.{split}_list, below data.root)")
        known = by_stem(self.images, SUFFIXES)
        found: dict[Path, None] = {}
        for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), start=1):
            if name := line.strip():
                stem = name if name in known else Path(name).with_suffix("").as_posix()
                if stem not in known:
                    near = hint(stem, known, few=0)
                    raise DataError(f"{path}:{number}: there is no image {name!r} in {self.images}{near}")
                if known[stem] in found:
                    raise DataError(f"{path}:{number}: {name!r} is there twice")
                found[known[stem]] = None
        return list(found)


class MaskedSamples(Samples):
    """Samples whose last channel is the mask: it becomes the target.

    Args:
        samples: inputs uint8 [sample, channel + 1, height, width].
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
