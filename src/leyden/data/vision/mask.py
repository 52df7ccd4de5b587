from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ..core.error import DataError
from .warp import IGNORE_INDEX

UNKNOWN = 254  # never a class number: there are at most 254 classes


class MaskDecoder:
    """Mask files, grey or with a palette, -> the class of each pixel.

    Args:
        values: the value in the files of each class, in the order of the classes.
        ignore: the value of pixels that belong to no class.
    """

    def __init__(self, values: Sequence[int], ignore: int | None) -> None:
        self.known = [*values, *([] if ignore is None else [ignore])]
        table = torch.full((256,), UNKNOWN, dtype=torch.uint8)
        if ignore is not None:
            table[ignore] = IGNORE_INDEX
        table[list(values)] = torch.arange(len(values), dtype=torch.uint8)
        self.table = table

    def __call__(self, path: Path, size: tuple[int, int]) -> Tensor:
        """uint8 [height, width].

        Args:
            path: the file.
            size: height and width that the mask must have, in pixels.

        Raises:
            DataError: the mask has another size, several numbers for a pixel, or a value that stands for no class.
        """
        with Image.open(path) as image:
            if image.size != size[::-1]:
                raise DataError(f"its mask {path} is of {_by(image.size)} pixels, the image of {_by(size[::-1])}")
            values = np.asarray(image).astype(np.int64)
            if values.ndim == 3 and (values[..., :3] == values[..., :1]).all():  # grey, saved as colour
                values = values[..., 0]
            if values.ndim != 2:
                raise DataError(
                    f"its mask {path} is in colour ({image.mode}); expected one grey value or palette index"
                )
        inside = np.clip(values, 0, 255)
        classes = self.table[torch.from_numpy(inside)]
        strange = values[(inside != values) | (classes == UNKNOWN).numpy()]
        if strange.size:
            found = ", ".join(map(str, np.unique(strange)[:5].tolist()))
            raise DataError(
                f"its mask {path} holds {found}; known are {', '.join(map(str, self.known))}: "
                "set data.values (one for each class) or data.ignore"
            )
        return classes


def _by(size: tuple[int, int]) -> str:
    return f"{size[0]} x {size[1]}"
