from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2.functional import resize as resized

Resize = Literal["squash", "crop", "pad"]
Interpolation = Literal["bilinear", "bicubic"]


class Window(NamedTuple):
    """A part of an image, in its pixels."""

    top: int
    left: int
    height: int
    width: int

    def of(self, image: Tensor) -> Tensor:
        """That part of an image [..., height, width]."""
        return image[..., self.top : self.top + self.height, self.left : self.left + self.width]


class Fit:
    """Brings images of any size, [..., height, width], to one.

    Args:
        size: height and width of the results.
        resize: `squash` the whole image into them, whatever its proportions; `crop` its middle, in their proportions; or
            `pad` the whole image, in its own proportions, at both sides.
        interpolation: between the pixels.
    """

    def __init__(self, size: tuple[int, int], resize: Resize = "squash", interpolation: Interpolation = "bilinear"):
        self.size, self.resize, self.interpolation = size, resize, interpolation

    def windows(self, height: int, width: int) -> tuple[Window, Window]:
        """The part of an image of that size that is used, and the part of the result that it fills."""
        source, target = Window(0, 0, height, width), Window(0, 0, *self.size)
        if self.resize == "crop":
            return _middle(source, *self.size), target
        return source, _middle(target, height, width) if self.resize == "pad" else target

    def __call__(self, image: Tensor, fill: int = 0, mode: str | None = None) -> Tensor:
        """The image in its new size.

        Args:
            image: of any dtype.
            fill: what is outside of the image, where it is padded.
            mode: an interpolation other than that for images.
        """
        source, target = self.windows(*image.shape[-2:])
        done = resized(
            source.of(image), list(target[2:]), InterpolationMode(mode or self.interpolation), antialias=True
        )
        if target[2:] == self.size:
            return done
        canvas = torch.full((*done.shape[:-2], *self.size), fill, dtype=done.dtype, device=done.device)
        target.of(canvas).copy_(done)
        return canvas

    def corners(self, corners: Tensor, height: int, width: int) -> Tensor:
        """Boxes [box, 4] (left, top, right, bottom) of an image of that size -> those of the result, also beyond it."""
        return _moved(corners, *self.windows(height, width))

    def original_corners(self, corners: Tensor, height: int, width: int) -> Tensor:
        """Boxes of the result -> those of the image of that size that it was made of."""
        return _moved(corners, *reversed(self.windows(height, width)))

    def original_mask(self, mask: Tensor, height: int, width: int, outside: int) -> Tensor:
        """A mask of the result -> that of the image of that size, which has `outside` where it was cropped."""
        source, target = self.windows(height, width)
        canvas = torch.full((height, width), outside, dtype=mask.dtype)
        part = resized(target.of(mask).unsqueeze(0), list(source[2:]), InterpolationMode.NEAREST_EXACT)
        source.of(canvas).copy_(part.squeeze(0))
        return canvas


def height_and_width(image_size: int | Sequence[int]) -> tuple[int, int]:
    """A size as it is set, where one number stands for a square."""
    height, width = (image_size, image_size) if isinstance(image_size, int) else image_size
    return height, width


def _middle(window: Window, height: int, width: int) -> Window:
    """The largest part, in the middle of a window, with the proportions of that height and width."""
    scale = min(window.height / height, window.width / width)
    inner = [
        min(whole, max(1, round(side * scale))) for whole, side in ((window.height, height), (window.width, width))
    ]
    return Window((window.height - inner[0]) // 2, (window.width - inner[1]) // 2, *inner)


def _moved(corners: Tensor, source: Window, target: Window) -> Tensor:
    scale = torch.tensor([target.width / source.width, target.height / source.height] * 2)
    begin, end = (torch.tensor([window.left, window.top] * 2) for window in (source, target))
    return (corners - begin) * scale + end
