from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor
from torchvision.transforms.v2.functional import resize


def read_pixels(path: Path, in_channels: int, size: Sequence[int]) -> Tensor:
    """One file -> uint8 [in_channels, *size]; see `pixels`.

    Raises:
        ValueError: the file holds no picture that can be used.
        OSError: it cannot be read.
    """
    try:
        with Image.open(path) as picture:
            return pixels(picture, in_channels, size)
    except (SyntaxError, Image.DecompressionBombError) as error:  # a broken png; more pixels than Pillow allows
        raise ValueError(str(error)) from error


def pixels(picture: Image.Image, in_channels: int, size: Sequence[int]) -> Tensor:
    """A picture of any size, mode and orientation -> uint8 [in_channels, *size], upright and without margins.

    16 bits are scaled to 8, colours made grey or grey repeated as `in_channels` asks, what is transparent is white.

    Raises:
        ValueError: several frames, or pixels whose range nobody can know (32-bit numbers).
    """
    if picture.format == "JPEG":
        picture.draft(
            None, (2 * size[1], 2 * size[0])
        )  # large photographs are decoded at a half, a quarter or an eighth
    if picture.format != "MPO" and getattr(picture, "n_frames", 1) > 1:  # MPO: a photograph and its own thumbnails
        raise ValueError(f"it has {picture.n_frames} frames; one picture a file is wanted")  # pyrefly: ignore
    ImageOps.exif_transpose(picture, in_place=True)
    opaque, mode = _opaque(_eight_bits(picture)), "L" if in_channels == 1 else "RGB"
    array = np.array(opaque if opaque.mode == mode else opaque.convert(mode))  # to convert would copy once more
    image = torch.from_numpy(array).reshape(*array.shape[:2], in_channels).movedim(-1, 0)
    return resize(image, list(size), antialias=True)


def _eight_bits(picture: Image.Image) -> Image.Image:
    """16 grey bits are scaled: Pillow's own `convert` clips them at 255."""
    if picture.mode not in ("I", "F") and not picture.mode.startswith("I;16"):
        return picture
    values = np.asarray(picture)
    if picture.mode == "F" or values.min() < 0 or values.max() > 65535:
        raise ValueError(f"its pixels are 32-bit numbers from {values.min()} to {values.max()}; save 8 or 16 bits")
    return Image.fromarray(np.rint(values / 257).astype(np.uint8))


def _opaque(picture: Image.Image) -> Image.Image:
    if picture.mode not in ("RGBA", "LA", "PA") and "transparency" not in picture.info:
        return picture
    coloured = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", coloured.size, "white"), coloured)
