from typing import Any, Literal

import torch
from sklearn.datasets import load_digits

from ..rows import TensorRows
from ..split import stratified_split
from .image_data import ImageData


class Digits(ImageData):
    """1,797 handwritten digits of 8 x 8 grey pixels that scikit-learn ships: real, and on every machine.

    The set has no official split: a stratified fifth, always the same, is the test split.

    Source: E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository, 1998,
    https://doi.org/10.24432/C50P49.

    Args:
        image_size: of the user's own files, which are resized to it.
        **image: arguments of `ImageData`.
    """

    def __init__(self, image_size: int = 8, **image) -> None:
        super().__init__(image_size=image_size, **image)

    def load(self, split: Literal["train", "test"]) -> TensorRows:
        digits: Any = load_digits()
        self.class_names = [str(name) for name in digits.target_names]
        images = torch.from_numpy(digits.images).mul(255 / 16).round().to(torch.uint8).unsqueeze(1)
        targets = torch.from_numpy(digits.target).long()
        train, test = stratified_split(targets, fraction=0.2, seed=0)
        rows = test if split == "test" else train
        return TensorRows(images[rows], targets[rows])
