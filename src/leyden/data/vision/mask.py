from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ..core.error import DataError
from .warp import IGNORE_INDEX

UNKNOWN = 254  # never a class index: there are at most 254 classes


class MaskDecoder:
    """Decode grey or palette mask files to class indices.

    Args:
        values: value of each class in the files, in the order of the classes.
        ignore: value of pixels without a class.
    """

    def __init__(self, values: Sequence[int], ignore: int | None) -> None:
        self.values = [*values, *([] if ignore is None else [ignore])]
        table = torch.full((256,), UNKNOWN, dtype=torch.uint8)
        if ignore is not None:
            table[ignore] = IGNORE_INDEX
        table[list(values)] = torch.arange(len(values), dtype=torch.uint8)
        self.table = table

    def __call__(self, path: Path, size: tuple[int, int]) -> Tensor:
        """Decode a file to uint8 (height, width).

        Args:
            path: the file.
            size: expected height and width in pixels.

        Raises:
            DataError: the mask has another size, several channels, or a value that is not a class.
        """
        with Image.open(path) as image:
            if image.size != size[::-1]:
                raise DataError(f"its mask {path} is {_by(image.size)} pixels; the image is {_by(size[::-1])}")
            values = np.asarray(image).astype(np.int64)
            if values.ndim == 3 and (values[..., :3] == values[..., :1]).all():  # grey, saved as RGB
                values = values[..., 0]
            if values.ndim != 2:
                raise DataError(
                    f"its mask {path} is in colour ({image.mode}); expected one grey value or palette index"
                )
        inside = np.clip(values, 0, 255)
        classes = self.table[torch.from_numpy(inside)]
        unknown = values[(inside != values) | (classes == UNKNOWN).numpy()]
        if unknown.size:
            examples = ", ".join(map(str, np.unique(unknown)[:5].tolist()))
            raise DataError(
                f"its mask {path} has the values {examples}; expected {', '.join(map(str, self.values))}: set data.values "
                "(one for each class) or data.ignore"
            )
        return classes


def _by(size: tuple[int, int]) -> str:
    return f"{size[0]} x {size[1]}"
