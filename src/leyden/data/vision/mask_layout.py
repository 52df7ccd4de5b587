import re
from pathlib import Path

from ..core.error import DataError
from ..files.files import find_files


class MaskLayout:
    """Which mask belongs to which image: the one with the path of the image, whatever the suffixes of both.

    Args:
        root: the folder of the dataset.
        images, masks: folders below it. A `*` in both is the name of one folder, the same in both: `*` and `*annot` go
            together in `train/1.png` and `trainannot/1.png`, `*/images` and `*/masks` in `val/images/1.png` and
            `val/masks/1.png`.
    """

    def __init__(self, root: Path, images: str, masks: str) -> None:
        self.has_star, self.masks = "*" in images, masks
        self.root, self.mask_root = (root, root) if self.has_star else (root / images, root / masks)
        self.pattern = re.compile(f"^{_group(images)}/(?P<rest>.+)$")
        self.is_mask = re.compile(f"^{_group(masks)}/")

    @property
    def only(self) -> str | None:
        """A regular expression for the paths of images below `root`; None where all that is there is an image."""
        if not self.has_star:
            return None
        plain = [pattern.pattern.replace("(?P<folder>[^/]+)", "[^/]+") for pattern in (self.is_mask, self.pattern)]
        return f"(?!{plain[0]}){plain[1]}"

    def stem(self, image: Path) -> str:
        """The path below `mask_root` of the mask of an image, without its suffix."""
        name = image.relative_to(self.root).with_suffix("").as_posix()
        match = self.pattern.match(name) if self.has_star else None
        return f"{self.masks.replace('*', match['folder'])}/{match['rest']}" if match else name

    def find_masks(self, suffixes: set[str]) -> dict[str, Path]:
        """All masks by their path below `mask_root`, without suffix."""
        found = by_stem(self.mask_root, suffixes, self.is_mask if self.has_star else None)
        if not found:
            raise DataError(f"no {', '.join(sorted(suffixes))} file in {self.mask_root.absolute()}/{self.masks}")
        return found


def by_stem(folder: Path, suffixes: set[str], only: re.Pattern[str] | None = None) -> dict[str, Path]:
    """Files by their path below a folder, without suffix.

    Raises:
        DataError: two files have the same, or there is none.
    """
    found: dict[str, Path] = {}
    for path in find_files(folder, suffixes):
        name = path.relative_to(folder).with_suffix("").as_posix()
        if only and not only.match(name):
            continue
        if other := found.get(name):
            raise DataError(f"{other} and {path} have the same name: which one is meant?")
        found[name] = path
    return found


def _group(folder: str) -> str:
    """A regular expression for a folder in which `*` is the name of one folder."""
    return "(?P<folder>[^/]+)".join(map(re.escape, folder.strip("/").split("*")))
