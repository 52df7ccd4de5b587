from math import pi, sqrt
from typing import Any

import torch
from leyden.data import Samples, Split, TensorSamples
from leyden.data.vision import ImageData
from matplotlib.axes import Axes
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

DIGITS = [2, 3, 4, 5, 7]  # after half a turn, 0, 1 and 8 look the same, and 6 and 9 like each other
NUM_ANGLES = 8  # of each image


class RotatedDigits(ImageData):
    """Handwritten digits, each rotated by random angles: by how much? Arguments are those of `ImageData`.

    The digits 2, 3, 4, 5 and 7 of scikit-learn's set, each image at eight angles, the same for every `seed`. There is
    no official split: the last 360 of its 1,797 images are for the test.

    Source: E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository, 1998,
    https://doi.org/10.24432/C50P49.
    """

    is_embedded = True  # needs no download
    provides = ("in_channels", "image_size")  # a network may take these as arguments
    default_size = 16  # pixels

    def load(self, split: Split) -> TensorSamples:
        """Images, uint8 (sample, 1, 16, 16), and angles from -pi to pi, in radians counterclockwise (sample)."""
        from sklearn.datasets import load_digits  # takes half a second

        digits: Any = load_digits()
        part = slice(None, -360) if split == "train" else slice(-360, None)
        is_chosen = torch.isin(torch.from_numpy(digits.target[part]), torch.tensor(DIGITS))
        images = torch.from_numpy(digits.images[part]).float()[is_chosen].repeat_interleave(NUM_ANGLES, dim=0)
        generator = torch.Generator().manual_seed(0 if split == "train" else 1)
        angles = (2 * torch.rand(len(images), generator=generator) - 1) * pi
        samples = TensorSamples(rotate(images.unsqueeze(1) * 255 / 16, angles).round().to(torch.uint8), angles)
        samples.groups = torch.arange(len(images)) // NUM_ANGLES  # validation gets all angles of an image or none
        return samples

    def records(self, samples: Samples, index: int, prediction: Tensor) -> list[dict[str, Any]]:
        """What `leyden predict` writes of one image."""
        return [{"degrees": round(prediction.rad2deg().item(), 1)}]

    def draw_prediction(self, axes: Axes, inputs: Tensor, target: Tensor, prediction: Tensor) -> None:
        self.draw(axes, inputs)
        for angle, color in ((target, "lime"), (prediction, "red")):  # where the top of the digit is
            axes.arrow(7.5, 7.5, -6 * angle.sin().item(), -6 * angle.cos().item(), color=color, width=0.3)
        axes.set_title(f"{prediction.rad2deg():.0f}°, true {target.rad2deg():.0f}°", fontsize=9)


def rotate(images: Tensor, angles: Tensor) -> Tensor:
    """Images (sample, 1, 8, 8) -> rotated (sample, 1, 16, 16), scaled so that their corners stay inside."""
    cos, sin, zero = angles.cos(), angles.sin(), torch.zeros_like(angles)
    inverse = sqrt(2) * torch.stack([cos, -sin, zero, sin, cos, zero], dim=1).reshape(-1, 2, 3)
    grid = affine_grid(inverse, [len(images), 1, 16, 16], align_corners=False)
    return grid_sample(images, grid, align_corners=False)
