from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from .fit import Fit

Range = tuple[float, float]
MIN_LEVELS = 64  # of 256; with fewer levels left of 16-bit pixels, a warning is logged


class PixelReader:
    """Decode image files of any format, size, mode and orientation to uint8 (in_channels, height, width).

    EXIF rotation is applied, colours are converted according to `in_channels`, and transparency becomes white. Grey 16-bit
    pixels are scaled from [0, 65535], floats within [0, 1] from [0, 1], and other 32-bit pixels from the range of each
    file, unless `pixel_range` is set. A warning is logged if few levels are left or the range is a guess.

    Args:
        in_channels: 1 for grey, 3 for colour.
        fit: resizes the images.
        pixel_range: values that become black and white, for pixels with more than 8 bits.
        warn: called with the kind and the text of a warning.
    """

    def __init__(self, in_channels: int, fit: Fit, pixel_range: Range | None, warn: Callable[[str, str], None]) -> None:
        self.in_channels, self.fit, self.pixel_range, self.warn = in_channels, fit, pixel_range, warn

    def read(self, path: Path) -> Tensor:
        """Read a file.

        Raises:
            ValueError: the file is not a supported image.
            OSError: the file cannot be read.
        """
        try:
            with Image.open(path) as image:
                return self.convert(image, path)
        except (SyntaxError, Image.DecompressionBombError) as error:  # a broken png; more pixels than Pillow allows
            raise ValueError(str(error)) from error

    def convert(self, image: Image.Image, name: object) -> Tensor:
        """Convert an image; warnings contain `name`.

        Raises:
            ValueError: it has several frames, or pixels that are not finite.
        """
        height, width = self.fit.size
        if image.format == "JPEG":  # decode large photographs at a half, a quarter or an eighth of their size
            image.draft(None, (2 * width, 2 * height))
        if image.format != "MPO" and getattr(image, "n_frames", 1) > 1:  # MPO: a photograph and its thumbnails
            raise ValueError(f"it has {image.n_frames} frames; expected one image per file")  # pyrefly: ignore
        is_deep_colour = image.mode in ("RGB", "RGBA") and ";16" in str(getattr(image, "tile", ""))
        ImageOps.exif_transpose(image, in_place=True)
        opaque, mode = _opaque(self._eight_bits(image, name)), "L" if self.in_channels == 1 else "RGB"
        array = np.array(opaque if opaque.mode == mode else opaque.convert(mode))  # convert copies even if unnecessary
        if is_deep_colour and 0 < (highest := int(array.max())) < MIN_LEVELS:
            self.warn(
                "deep colour",
                f"{name} has 16-bit colours, of which only the upper 8 bits are read: {highest + 1} of 256 levels are left. "
                "Scale such files and save them with 8 bits",
            )
        pixels = torch.from_numpy(array).reshape(*array.shape[:2], self.in_channels).movedim(-1, 0)
        return self.fit(pixels)

    def _eight_bits(self, image: Image.Image, name: object) -> Image.Image:
        """Scale pixels with more than 8 bits, which Pillow's `convert` would clip at 255."""
        if image.mode not in ("I", "F") and not image.mode.startswith("I;16"):
            return image
        values = np.asarray(image).astype(np.float64)
        if not np.isfinite(values).all():
            raise ValueError("it has pixels that are not finite")
        low, high = self.pixel_range or self._natural_range(values, image.mode, name)
        scaled = (values - low) / ((high - low) / 255)
        return Image.fromarray(np.rint(scaled.clip(0, 255)).astype(np.uint8))

    def _natural_range(self, values: np.ndarray, mode: str, name: object) -> Range:
        lowest, highest = float(values.min()), float(values.max())
        if mode != "F" and lowest >= 0 and highest <= 65535:  # older versions of Pillow read 16 bits as 32
            if 0 < highest < MIN_LEVELS * 257:
                guess = 2 ** int(highest).bit_length() - 1
                self.warn(
                    "pixel_range",
                    f"{name} has 16-bit pixels of at most {highest:g}: scaled from [0, 65535], {highest / 257 + 1:.0f} of "
                    f"256 levels are left. Set data.pixel_range to the values of black and white, such as [0, {guess}]",
                )
            return 0.0, 65535.0
        low, high = (0.0, 1.0) if mode == "F" and lowest >= 0 and highest <= 1 else (lowest, highest)
        self.warn(
            "pixel_range",
            f"{name} has 32-bit pixels from {lowest:g} to {highest:g}: scaled from [{low:g}, {high:g}]"
            f"{'' if (low, high) == (0, 1) else ', a different range for each file'}. Set data.pixel_range=[BLACK, WHITE] "
            "for all files",
        )
        return low, max(high, np.nextafter(low, np.inf))  # avoid an empty range


def _opaque(image: Image.Image) -> Image.Image:
    if image.mode not in ("RGBA", "LA", "PA") and "transparency" not in image.info:
        return image
    coloured = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", coloured.size, "white"), coloured)
