from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import grid_sample, interpolate

from ..core.randomness import streams, uniform

IGNORE_INDEX = 255  # in masks: pixels without a class


class Warp(nn.Module):
    """Base class of augmentations that move pixels, applied to images and masks together, as a batch.

    Shape: images, float (batch, channel, height, width), and optionally masks, class indices (batch, height, width) -> the
    same. Images are interpolated, masks are not; pixels from outside are 0 in images and `IGNORE_INDEX` in masks. Random
    numbers are drawn on the CPU, so that every device sees the same augmentation.
    """

    def grid(self, images: Tensor) -> Tensor:
        """Source of each pixel of the result (batch, height, width, 2): x and y, -1 and 1 at the edges."""
        raise NotImplementedError

    def forward(self, images: Tensor, masks: Tensor | None = None) -> Any:
        grid = self.grid(images)
        warped = grid_sample(images, grid, align_corners=False)
        if masks is None:
            return warped
        # grid_sample fills with 0, which the sum turns into IGNORE_INDEX.
        distance = masks.unsqueeze(1).to(images) - IGNORE_INDEX
        moved = grid_sample(distance, grid, mode="nearest", align_corners=False) + IGNORE_INDEX
        return warped, moved.squeeze(1).to(masks.dtype)


class RandomCrop(Warp):
    """Crop a square at a random position of each image.

    Args:
        size: height and width of the square in pixels, at most those of the images.
    """

    def __init__(self, size: int) -> None:
        if size < 1:
            raise ValueError(f"size is {size}; it must be at least 1")
        super().__init__()
        self.size = size

    def grid(self, images: Tensor) -> Tensor:
        edges = torch.tensor(images.shape[:-3:-1])  # width, height
        if self.size > edges.min():
            raise ValueError(f"size is {self.size}; images are only {edges[1]} x {edges[0]} pixels")
        corners = (uniform(len(images), 2) * (edges - self.size + 1)).floor()
        steps = torch.arange(self.size)
        square = torch.stack(torch.meshgrid(steps, steps, indexing="xy"), dim=-1)
        centres = corners.reshape(-1, 1, 1, 2) + square + 0.5
        return (centres / edges * 2 - 1).to(images)


class RandomElastic(Warp):
    """Deform images smoothly by random displacements on a coarse grid, with bicubic interpolation.

    Source: Ronneberger et al., U-Net, 2015, section 3.1, https://arxiv.org/abs/1505.04597.

    Args:
        strength: standard deviation of the displacements, relative to height and width.
        points: grid points along each side.
    """

    def __init__(self, strength: float = 0.02, points: int = 3) -> None:
        if not 0 <= strength <= 1:
            raise ValueError(f"strength is {strength}; it must be between 0 and 1, relative to the image")
        if points < 2:
            raise ValueError(f"points is {points}; it must be at least 2")
        super().__init__()
        self.strength, self.points = strength, points

    def grid(self, images: Tensor) -> Tensor:
        height, width = images.shape[-2:]
        drawn = streams(len(images), 2 * self.points**2, torch.randn)
        coarse = drawn.reshape(-1, 2, self.points, self.points) * self.strength * 2
        moved = interpolate(coarse, (height, width), mode="bicubic", align_corners=True).movedim(1, -1)
        x = (torch.arange(width) + 0.5) / width * 2 - 1
        y = (torch.arange(height) + 0.5) / height * 2 - 1
        still = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)
        return (still + moved).to(images)
