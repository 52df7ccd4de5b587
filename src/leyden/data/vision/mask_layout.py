import re
from pathlib import Path

from ..core.error import DataError
from ..files.files import find_files


class MaskLayout:
    """Assignment of masks to images: the mask has the path of the image, ignoring suffixes.

    Args:
        root: folder of the dataset.
        images, masks: folders below it. A `*` in both stands for the same folder name: `*` and `*annot` match
            `train/1.png` and `trainannot/1.png`, `*/images` and `*/masks` match `val/images/1.png` and
            `val/masks/1.png`.
    """

    def __init__(self, root: Path, images: str, masks: str) -> None:
        self.has_star, self.masks = "*" in images, masks
        self.root, self.mask_root = (root, root) if self.has_star else (root / images, root / masks)
        self.pattern = re.compile(f"^{_group(images)}/(?P<rest>.+)$")
        self.is_mask = re.compile(f"^{_group(masks)}/")

    @property
    def only(self) -> str | None:
        """Regular expression for the paths of images below `root`; None if all files there are images."""
        if not self.has_star:
            return None
        plain = [pattern.pattern.replace("(?P<folder>[^/]+)", "[^/]+") for pattern in (self.is_mask, self.pattern)]
        return f"(?!{plain[0]}){plain[1]}"

    def stem(self, image: Path) -> str:
        """Path of the mask of an image below `mask_root`, without suffix."""
        name = image.relative_to(self.root).with_suffix("").as_posix()
        match = self.pattern.match(name) if self.has_star else None
        return f"{self.masks.replace('*', match['folder'])}/{match['rest']}" if match else name

    def find_masks(self, suffixes: set[str]) -> dict[str, Path]:
        """All masks, by path below `mask_root` without suffix."""
        masks = by_stem(self.mask_root, suffixes, self.is_mask if self.has_star else None)
        if not masks:
            raise DataError(f"no {', '.join(sorted(suffixes))} file in {self.mask_root.absolute()}/{self.masks}")
        return masks


def by_stem(folder: Path, suffixes: set[str], only: re.Pattern[str] | None = None) -> dict[str, Path]:
    """Files by path below a folder, without suffix.

    Raises:
        DataError: there are no files, or two with the same path.
    """
    files: dict[str, Path] = {}
    for path in find_files(folder, suffixes):
        name = path.relative_to(folder).with_suffix("").as_posix()
        if only and not only.match(name):
            continue
        if other := files.get(name):
            raise DataError(f"{other} and {path} have the same name without suffix: remove or rename one of them")
        files[name] = path
    return files


def _group(folder: str) -> str:
    """Regular expression for a folder in which `*` stands for one folder name."""
    return "(?P<folder>[^/]+)".join(map(re.escape, folder.strip("/").split("*")))
