import math

import torch
from torch import Tensor
from torch.nn.functional import affine_grid

from ..randomness import uniform
from .warp import Warp


class RandomAffine(Warp):
    """Turns, scales, shifts and mirrors each image by its own random amount, the whole batch at once.

    Args:
        degrees: largest turn either way.
        scale: largest change of size either way, as a part of it: 0.1 gives 0.9 to 1.1.
        shift: largest shift either way, as a part of height and width.
        flip: probability of a left-right mirror image.
    """

    def __init__(self, degrees: float = 0.0, scale: float = 0.0, shift: float = 0.0, flip: float = 0.0) -> None:
        if degrees < 0 or scale < 0 or shift < 0:
            raise ValueError(f"degrees={degrees}, scale={scale}, shift={shift}: none may be negative")
        if not 0 <= flip <= 1:
            raise ValueError(f"flip is {flip}; a probability lies between 0 and 1")
        super().__init__()
        self.radians, self.scale, self.shift, self.flip = math.radians(degrees), scale, shift, flip

    def grid(self, images: Tensor) -> Tensor:
        unit = uniform(len(images), 5).T.mul(2).sub(1)
        angle, factor = unit[0] * self.radians, 1 + unit[1] * self.scale
        mirror = torch.where(unit[2] < 2 * self.flip - 1, -1.0, 1.0)
        cosine, sine = angle.cos() * factor, angle.sin() * factor
        # affine_grid counts the width and the height from -1 to 1: a shift of the whole image is 2.
        rows = [cosine * mirror, -sine, 2 * unit[3] * self.shift, sine * mirror, cosine, 2 * unit[4] * self.shift]
        matrix = torch.stack(rows, dim=1).reshape(-1, 2, 3).to(images)
        return affine_grid(matrix, list(images.shape), align_corners=False)
