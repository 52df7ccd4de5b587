from collections.abc import Callable
from typing import Any, Literal

import torch

from ..error import DataError
from ..rows import TensorRows
from .image_data import ImageData


class TorchvisionImages(ImageData):
    """A torchvision dataset that fits into memory, downloaded and checked by torchvision itself.

    Args:
        dataset: the dataset's class, such as `torchvision.datasets.CIFAR10`, called with `root`, `train` and `download`.
        root: folder for the files.
        **image: arguments of `ImageData`.
    """

    def __init__(self, dataset: Callable[..., Any], root: str = "data", **image) -> None:
        super().__init__(**image)
        self.dataset, self.root = dataset, root

    def prepare_data(self) -> None:
        try:
            for train in (True, False):
                self.dataset(root=self.root, train=train, download=True)
        except (OSError, RuntimeError) as error:
            raise DataError(f"cannot get the dataset into {self.root}: {error}") from error

    def load(self, split: Literal["train", "test"]) -> TensorRows:
        dataset = self.dataset(root=self.root, train=split == "train", download=False)
        self.class_names = [str(name) for name in dataset.classes]
        images = torch.as_tensor(dataset.data)
        images = images.unsqueeze(1) if images.ndim == 3 else images.movedim(-1, 1).contiguous()
        return TensorRows(images, torch.as_tensor(dataset.targets))
