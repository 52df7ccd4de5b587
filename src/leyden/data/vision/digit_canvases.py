from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from ..core.split import stratified_split
from ..core.split_names import Split

CANVAS = 64  # height and width in pixels
MIN_DIGIT, MAX_DIGIT = 14, 26  # height and width of a digit in pixels
MAX_TRIES = 20  # positions to try for a digit before it is skipped


class DigitCanvases(NamedTuple):
    """Images with one to four real handwritten digits each, and their positions."""

    images: Tensor  # uint8 (sample, 1, height, width)
    masks: Tensor  # class of each pixel, uint8 (sample, height, width): 0 for the background, 1 + digit for a digit
    corners: Tensor  # float (digit, 4): left, top, right and bottom of the drawn pixels
    classes: Tensor  # the digits, int64 (digit,)
    counts: Tensor  # digits per image, int64 (sample,)


def digit_images(split: Split) -> tuple[Tensor, Tensor, list[str]]:
    """scikit-learn's digits, uint8 (sample, 1, 8, 8), their class indices (sample,) and the class names.

    There is no official split: a stratified fifth, the same in every run, is the test split.

    Source: E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository, 1998,
    https://doi.org/10.24432/C50P49.
    """
    from sklearn.datasets import load_digits  # imported late: it takes half a second

    digits: Any = load_digits()
    images = torch.from_numpy(digits.images).mul(255 / 16).round().to(torch.uint8).unsqueeze(1)
    targets = torch.from_numpy(digits.target).long()
    train, test = stratified_split(targets, fraction=0.2, seed=0)
    samples = test if split == "test" else train
    return images[samples], targets[samples], [str(name) for name in digits.target_names]


def digit_canvases(split: Split, num_samples: int) -> DigitCanvases:
    """Draw digits of a split on canvases, the same in every run; no digit is in both splits.

    Digits vary in size and brightness and do not overlap; the background is noise.
    """
    images, targets, _ = digit_images(split)
    generator = torch.Generator().manual_seed(0 if split == "train" else 1)

    def integer(low: int, high: int) -> int:
        return int(torch.randint(low, high + 1, (), generator=generator))

    noise = torch.rand(num_samples, 1, CANVAS, CANVAS, generator=generator)
    canvases, masks = noise * 60, torch.zeros(num_samples, CANVAS, CANVAS, dtype=torch.uint8)
    corners, classes, counts = [], [], torch.zeros(num_samples, dtype=torch.int64)
    for sample in range(num_samples):
        occupied = torch.zeros(CANVAS, CANVAS, dtype=torch.bool)
        for _ in range(integer(1, 4)):
            digit, size = integer(0, len(images) - 1), integer(MIN_DIGIT, MAX_DIGIT)
            ink = interpolate(images[digit : digit + 1].float(), size, mode="bilinear")[0, 0]
            drawn = ink > 90
            for _ in range(MAX_TRIES):
                top, left = integer(0, CANVAS - size), integer(0, CANVAS - size)
                place = (slice(top, top + size), slice(left, left + size))
                if not occupied[place].any():
                    break
            else:
                continue
            occupied[place] = True
            brightness = integer(50, 100) / 100
            canvases[sample, 0][place] = torch.maximum(canvases[sample, 0][place], ink * brightness)
            masks[sample][place][drawn] = 1 + int(targets[digit])
            heights, widths = drawn.any(dim=1).nonzero().flatten(), drawn.any(dim=0).nonzero().flatten()
            corners.append([left + widths[0], top + heights[0], left + widths[-1] + 1, top + heights[-1] + 1])
            classes.append(targets[digit])
            counts[sample] += 1
    images = canvases.round().clamp(0, 255).to(torch.uint8)
    return DigitCanvases(images, masks, torch.tensor(corners).float(), torch.stack(classes), counts)
