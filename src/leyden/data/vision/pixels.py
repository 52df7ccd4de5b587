from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from .fit import Fit

Range = tuple[float, float]
FEW = 64  # levels of 256; an image that has fewer left of its 16 bits is worth a warning


class PixelReader:
    """Image files of any kind, size, mode and orientation -> uint8 [in_channels, height, width], upright.

    Colours are made grey, or grey repeated, as `in_channels` asks; what is transparent becomes white. Grey pixels of 16
    bits are scaled from 0 to 65535, floats within 0 and 1 from these, and all other 32-bit pixels from the lowest to the
    highest one of their file, unless a range is given. Where that leaves few levels, or is a guess, a warning says so.

    Args:
        in_channels: 1 for grey, 3 for colour.
        fit: brings them to one size.
        pixel_range: the values of pixels of more than 8 bits that become black and white.
        warn: called with the kind of a loss and a sentence about it.
    """

    def __init__(self, in_channels: int, fit: Fit, pixel_range: Range | None, warn: Callable[[str, str], None]) -> None:
        self.in_channels, self.fit, self.pixel_range, self.warn = in_channels, fit, pixel_range, warn

    def read(self, path: Path) -> Tensor:
        """The pixels of a file.

        Raises:
            ValueError: the file holds no image that can be used.
            OSError: it cannot be read.
        """
        try:
            with Image.open(path) as image:
                return self.convert(image, path)
        except (SyntaxError, Image.DecompressionBombError) as error:  # a broken png; more pixels than Pillow allows
            raise ValueError(str(error)) from error

    def convert(self, image: Image.Image, name: object) -> Tensor:
        """The pixels of an image, of which a warning says the name.

        Raises:
            ValueError: several frames, or pixels that are not finite numbers.
        """
        height, width = self.fit.size
        if image.format == "JPEG":  # large photographs are decoded at a half, a quarter or an eighth
            image.draft(None, (2 * width, 2 * height))
        if image.format != "MPO" and getattr(image, "n_frames", 1) > 1:  # MPO: a photograph and its own thumbnails
            raise ValueError(f"it has {image.n_frames} frames; one image a file is expected")  # pyrefly: ignore
        is_deep_colour = image.mode in ("RGB", "RGBA") and ";16" in str(getattr(image, "tile", ""))
        ImageOps.exif_transpose(image, in_place=True)
        opaque, mode = _opaque(self._eight_bits(image, name)), "L" if self.in_channels == 1 else "RGB"
        array = np.array(opaque if opaque.mode == mode else opaque.convert(mode))  # to convert would copy once more
        if is_deep_colour and 0 < (highest := int(array.max())) < FEW:
            self.warn(
                "deep colour",
                f"{name} has 16-bit colours, of which 8 bits are read: {highest + 1} of 256 levels are left. Scale such "
                "files and save them with 8 bits",
            )
        pixels = torch.from_numpy(array).reshape(*array.shape[:2], self.in_channels).movedim(-1, 0)
        return self.fit(pixels)

    def _eight_bits(self, image: Image.Image, name: object) -> Image.Image:
        """Pillow's own `convert` clips what has more bits at 255."""
        if image.mode not in ("I", "F") and not image.mode.startswith("I;16"):
            return image
        values = np.asarray(image).astype(np.float64)
        if not np.isfinite(values).all():
            raise ValueError("it has pixels that are not finite numbers")
        low, high = self.pixel_range or self._natural_range(values, image.mode, name)
        scaled = (values - low) / ((high - low) / 255)
        return Image.fromarray(np.rint(scaled.clip(0, 255)).astype(np.uint8))

    def _natural_range(self, values: np.ndarray, mode: str, name: object) -> Range:
        lowest, highest = float(values.min()), float(values.max())
        if mode != "F" and lowest >= 0 and highest <= 65535:  # older versions of Pillow read 16 bits as 32
            if 0 < highest < FEW * 257:
                likely = 2 ** int(highest).bit_length() - 1
                self.warn(
                    "pixel_range",
                    f"{name} has 16-bit pixels of at most {highest:g}: scaled from 0 to 65535, {highest / 257 + 1:.0f} of "
                    f"256 levels are left. Set data.pixel_range to what is black and white, such as [0, {likely}]",
                )
            return 0.0, 65535.0
        low, high = (0.0, 1.0) if mode == "F" and lowest >= 0 and highest <= 1 else (lowest, highest)
        self.warn(
            "pixel_range",
            f"{name} has 32-bit pixels from {lowest:g} to {highest:g}: scaled from {low:g} to {high:g}"
            f"{'' if (low, high) == (0, 1) else ', and each file by its own range'}. Set data.pixel_range=[BLACK, WHITE] "
            "for all of them",
        )
        return low, max(high, np.nextafter(low, np.inf))  # all pixels may be alike


def _opaque(image: Image.Image) -> Image.Image:
    if image.mode not in ("RGBA", "LA", "PA") and "transparency" not in image.info:
        return image
    coloured = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", coloured.size, "white"), coloured)
