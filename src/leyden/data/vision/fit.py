from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2.functional import resize as resized

Resize = Literal["squash", "crop", "pad"]
Interpolation = Literal["bilinear", "bicubic"]


class Window(NamedTuple):
    """A rectangle in an image, in pixels."""

    top: int
    left: int
    height: int
    width: int

    def of(self, image: Tensor) -> Tensor:
        """The part of an image (..., height, width) within the window."""
        return image[..., self.top : self.top + self.height, self.left : self.left + self.width]


class Fit:
    """Resize images (..., height, width) of any size to one size.

    Args:
        size: target height and width.
        resize: `squash` without keeping the aspect ratio; keep it and centre-`crop`; or keep it and `pad` both sides.
        interpolation: interpolation mode.
    """

    def __init__(self, size: tuple[int, int], resize: Resize = "squash", interpolation: Interpolation = "bilinear"):
        self.size, self.resize, self.interpolation = size, resize, interpolation

    def windows(self, height: int, width: int) -> tuple[Window, Window]:
        """The window of an image of this size that is used, and the window of the result that it fills."""
        source, target = Window(0, 0, height, width), Window(0, 0, *self.size)
        if self.resize == "crop":
            return _centred(source, *self.size), target
        return source, _centred(target, height, width) if self.resize == "pad" else target

    def __call__(self, image: Tensor, fill: int = 0, mode: str | None = None) -> Tensor:
        """Resize an image.

        Args:
            image: image of any dtype.
            fill: value of the padding.
            mode: interpolation mode, by default that of the constructor.
        """
        source, target = self.windows(*image.shape[-2:])
        result = resized(
            source.of(image), list(target[2:]), InterpolationMode(mode or self.interpolation), antialias=True
        )
        if target[2:] == self.size:
            return result
        canvas = torch.full((*result.shape[:-2], *self.size), fill, dtype=result.dtype, device=result.device)
        target.of(canvas).copy_(result)
        return canvas

    def corners(self, corners: Tensor, height: int, width: int) -> Tensor:
        """Convert boxes (box, 4) (left, top, right, bottom) of an image of this size to the result, without clipping."""
        return _moved(corners, *self.windows(height, width))

    def original_corners(self, corners: Tensor, height: int, width: int) -> Tensor:
        """Convert boxes of the result to those of the original image of this size."""
        return _moved(corners, *reversed(self.windows(height, width)))

    def original_mask(self, mask: Tensor, height: int, width: int, outside: int) -> Tensor:
        """Convert a mask of the result to the original image of this size, filling cropped parts with `outside`."""
        source, target = self.windows(height, width)
        canvas = torch.full((height, width), outside, dtype=mask.dtype)
        part = resized(target.of(mask).unsqueeze(0), list(source[2:]), InterpolationMode.NEAREST_EXACT)
        source.of(canvas).copy_(part.squeeze(0))
        return canvas


def height_and_width(image_size: int | Sequence[int]) -> tuple[int, int]:
    """Height and width of a size setting, where one number means a square."""
    height, width = (image_size, image_size) if isinstance(image_size, int) else image_size
    return height, width


def _centred(window: Window, height: int, width: int) -> Window:
    """The largest centred part of a window with the aspect ratio of this height and width."""
    scale = min(window.height / height, window.width / width)
    inner = [min(full, max(1, round(side * scale))) for full, side in ((window.height, height), (window.width, width))]
    return Window((window.height - inner[0]) // 2, (window.width - inner[1]) // 2, *inner)


def _moved(corners: Tensor, source: Window, target: Window) -> Tensor:
    scale = torch.tensor([target.width / source.width, target.height / source.height] * 2)
    begin, end = (torch.tensor([window.left, window.top] * 2) for window in (source, target))
    return (corners - begin) * scale + end
