import torch

from leyden.data.core.samples import TensorSamples
from leyden.data.vision.image_data import ImageData


class NoiseImages(ImageData):
    """50,000 images for training, as many as CIFAR-10 has."""

    def load(self, split: str) -> TensorSamples:
        self.class_names, number = [str(label) for label in range(10)], 50_000 if split == "train" else 1_000
        return TensorSamples(torch.randint(256, (number, 3, 32, 32), dtype=torch.uint8), torch.arange(number) % 10)
