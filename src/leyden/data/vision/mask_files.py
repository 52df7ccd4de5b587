from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import ClassVar, Literal

import torch
from torch import Tensor

from ..batch import Batch
from ..decode import decoded
from ..error import DataError
from ..file_rows import FileRows
from ..files import FileIndex, find_files
from ..fingerprint import decoder, file_states
from ..rows import Rows
from .boxed_image import file_size
from .image_data import SUFFIXES
from .mask import MaskDecoder
from .segmentation_data import SegmentationData
from .warp import NO_CLASS

MASK_SUFFIXES = {".png", ".bmp", ".gif", ".tif", ".tiff"}


class MaskFiles(SegmentationData):
    """The user's own pictures, and in another folder under the same names their masks: the class of each pixel.

    Pictures are resized with interpolation and masks without, and both are decoded once where memory allows.

    Args:
        root: the folder.
        class_names: the classes, in the order of their numbers.
        images, masks: folders below `root`. A mask has the path of its picture, whatever the endings of both.
        values: the value in masks of each class, in their order; by default the class numbers, 0, 1, 2 and so on.
        ignore: the value in masks of pixels that belong to no class, which count nowhere.
        train_list, test_list: text files below `root` that name the pictures of each split, one a line, with or without
            ending; both or none.
        test: without lists, a regular expression on the path below `images` that finds the test pictures.
        test_fraction: share to test on, chosen with seed 0, where nothing else tells the test split.
        **image: arguments of `ImageData`.

    Raises:
        DataError: a mask is missing, of another size than its picture, or holds a value that stands for no class.
    """

    decoding: ClassVar[tuple[str, ...]] = (*SegmentationData.decoding, "known")
    default_size = 256

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
        test: str | None = None,
        test_fraction: float = 0.2,
        **image,
    ) -> None:
        if not 2 <= len(class_names) <= 254:
            raise ValueError(
                f"class_names has {len(class_names)} names; 2 to 254 are wanted, the background among them"
            )
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
        super().__init__(**image)
        self.root, self.names, self.values = Path(root).expanduser(), class_names, values
        self.images, self.masks = self.root / images, self.root / masks
        self.lists = {"train": train_list, "test": test_list}
        self.index = FileIndex(str(self.images), SUFFIXES, None, test, test_fraction)
        self.outside = ignore
        self.known = [list(values or range(len(class_names))), ignore]
        self.decode_mask = MaskDecoder(values or range(len(class_names)), ignore)

    def load(self, split: Literal["train", "test"]) -> Rows:
        self.class_names = list(self.names)
        images = self._listed(split) if self.lists[split] else [file.path for file in self.index.split(split)]
        masks = _by_stem(self.masks, MASK_SUFFIXES) if self.masks.is_dir() else {}
        if missing := [path for path in images if _stem(path, self.images) not in masks]:
            names = ", ".join(str(path) for path in missing[:3])
            raise DataError(f"{len(missing)} pictures have no mask in {self.masks.absolute()}, such as {names}")

        def read(path: Path) -> Tensor:
            return self.decode_pair(path, masks[_stem(path, self.images)])

        targets = torch.zeros(len(images), dtype=torch.int64)  # the masks travel with the pictures
        made_of = decoder(self, masks=file_states(masks[_stem(path, self.images)] for path in images))
        files = FileRows(images, targets, read, on_corrupt=self.on_corrupt, made_of=made_of)
        return MaskedRows(decoded(files, self.residence))

    def decode_pair(self, image: Path, mask: Path) -> Tensor:
        """A picture and its mask -> uint8 [channel + 1, height, width]; the mask comes last."""
        pixels, size = self.decode(image), file_size(image)
        assert size, "what was decoded is an image"
        classes = self.decode_mask(mask, size).unsqueeze(0)
        return torch.cat([pixels, self.fit(classes, fill=NO_CLASS, mode="nearest-exact")])

    def _listed(self, split: Literal["train", "test"]) -> list[Path]:
        path = self.root / str(self.lists[split])
        if not path.is_file():
            raise DataError(f"there is no file {path.absolute()} (data.{split}_list, below data.root)")
        known = _by_stem(self.images, SUFFIXES)
        found = []
        for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), start=1):
            if name := line.strip():
                stem = name if name in known else Path(name).with_suffix("").as_posix()
                if stem not in known:
                    near = "".join(f"; did you mean {close!r}?" for close in get_close_matches(stem, known, n=1))
                    raise DataError(f"{path}:{number}: there is no picture {name!r} in {self.images}{near}")
                found.append(known[stem])
        return found


class MaskedRows(Rows):
    """Rows whose last channel is the mask: it becomes the target.

    Args:
        rows: inputs uint8 [row, channel + 1, height, width].
    """

    def __init__(self, rows: Rows) -> None:
        super().__init__(rows.targets)
        self.rows = rows

    @property
    def decodes(self) -> bool:
        return self.rows.decodes

    def __getitems__(self, indices: list[int]) -> Batch:
        pairs = self.rows.__getitems__(indices).inputs
        return Batch(pairs[:, :-1], pairs[:, -1])

    def move(self, device: torch.device) -> int:
        return self.rows.move(device)


def _stem(path: Path, folder: Path) -> str:
    return path.relative_to(folder).with_suffix("").as_posix()


def _by_stem(folder: Path, suffixes: set[str]) -> dict[str, Path]:
    """Files by their path below a folder, without ending."""
    found: dict[str, Path] = {}
    for path in find_files(folder, suffixes):
        if other := found.get(_stem(path, folder)):
            raise DataError(f"{other} and {path} have the same name: which one is meant?")
        found[_stem(path, folder)] = path
    return found
