import math

import torch
from torch import Tensor
from torch.nn.functional import affine_grid

from ..core.randomness import uniform
from .warp import Warp


class RandomAffine(Warp):
    """Rotate, scale, shift and flip each image by its own random parameters, as a batch.

    Args:
        degrees: maximum rotation in either direction, at most 180.
        scale: maximum relative change of size: 0.1 gives 0.9 to 1.1 times the size.
        shift: maximum shift in either direction, relative to height and width, at most 1.
        flip: probability of a horizontal flip.

    Raises:
        ValueError: an argument is out of range.
    """

    def __init__(self, degrees: float = 0.0, scale: float = 0.0, shift: float = 0.0, flip: float = 0.0) -> None:
        if not 0 <= degrees <= 180:
            raise ValueError(f"degrees is {degrees}; it must be between 0 and 180")
        if not 0 <= scale < 1:
            raise ValueError(f"scale is {scale}; it must be at least 0 and below 1")
        if not 0 <= shift <= 1:
            raise ValueError(f"shift is {shift}; it must be between 0 and 1, relative to the image")
        if not 0 <= flip <= 1:
            raise ValueError(f"flip is {flip}; expected a probability between 0 and 1")
        super().__init__()
        self.radians, self.scale, self.shift, self.flip = math.radians(degrees), scale, shift, flip

    def grid(self, images: Tensor) -> Tensor:
        unit = uniform(len(images), 5).T.mul(2).sub(1)
        # The grid holds source positions, so the scale is inverted.
        angle, factor = unit[0] * self.radians, 1 / (1 + unit[1] * self.scale)
        mirror = torch.where(unit[2] < 2 * self.flip - 1, -1.0, 1.0)
        cosine, sine = angle.cos() * factor, angle.sin() * factor
        # affine_grid has coordinates from -1 to 1 on both axes: a shift by the whole image is 2, and rotations must be
        # corrected for the aspect ratio.
        aspect = images.shape[-2] / images.shape[-1]
        across, along = -sine * aspect, sine * mirror / aspect
        rows = [cosine * mirror, across, 2 * unit[3] * self.shift, along, cosine, 2 * unit[4] * self.shift]
        matrix = torch.stack(rows, dim=1).reshape(-1, 2, 3).to(images)
        return affine_grid(matrix, list(images.shape), align_corners=False)
