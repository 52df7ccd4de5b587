from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor, nn
from torchvision.transforms.v2 import Transform

from ..batch import Batch
from ..datamodule import DataModule, Stage
from ..file_rows import FileRows, OnCorrupt
from ..files import expand_inputs
from ..fingerprint import decoder
from ..randomness import each_row
from ..rows import Rows
from .pixels import read_pixels

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".ppm", ".pgm"}


class ImageData(DataModule):
    """Base of all image data: uint8 [batch, channel, height, width] until the device, floats after it.

    `decoding` names the settings on which the result of `decode` depends. A class with a `decode` of its own names all of
    them again, or its rows stay out of the cache; see `decoder`.

    Args:
        image_size: height and width, in pixels, to which pictures are resized.
        in_channels: 1 for grey, 3 for colour; grey datasets are repeated to 3 when a network wants that.
        mean, std: of the pixels between 0 and 1, taken off and divided by, for all channels or one for each.
        augment: modules applied in order to the training batches, floats between 0 and 1. A torchvision transform is
            applied to each image by itself; any other module receives the whole batch.
        **loading: arguments of `DataModule`.
    """

    publishes: ClassVar[tuple[str, ...]] = (*DataModule.publishes, "in_channels", "image_size")
    decoding: ClassVar[tuple[str, ...]] = ("in_channels", "image_size")
    suffixes = SUFFIXES

    def __init__(
        self,
        image_size: int = 32,
        in_channels: int = 3,
        mean: float | Sequence[float] = 0.5,
        std: float | Sequence[float] = 0.25,
        augment: Sequence[nn.Module] = (),
        **loading,
    ) -> None:
        if image_size < 1:
            raise ValueError(f"image_size is {image_size}; it must be at least 1")
        if in_channels not in (1, 3):
            raise ValueError(f"in_channels is {in_channels}; it must be 1 (grey) or 3 (colour)")
        super().__init__(**loading)
        self.image_size, self.in_channels = image_size, in_channels
        self.mean, self.std, self.augment = mean, std, augment

    def decode(self, path: Path) -> Tensor:
        """One file -> uint8 [in_channels, image_size, image_size]; see `pixels`."""
        return read_pixels(path, self.in_channels, (self.image_size, self.image_size))

    def file_rows(self, paths: list[Path], targets: Tensor, on_corrupt: OnCorrupt = "raise") -> FileRows:
        return FileRows(paths, targets, self.decode, on_corrupt=on_corrupt, made_of=decoder(self))

    def read(self, inputs: list[Path]) -> tuple[Rows, list[str]]:
        paths = expand_inputs(inputs, self.suffixes)
        return self.file_rows(paths, torch.zeros(len(paths), dtype=torch.int64)), [str(path) for path in paths]

    def batch_transform(self, stage: Stage) -> nn.Module:
        return ImageTransform(self.in_channels, self.mean, self.std, self.augment if stage == "train" else ())

    def draw(self, axes: "Axes", inputs: Tensor) -> None:
        mean, std = (torch.as_tensor(value).reshape(-1, 1, 1) for value in (self.mean, self.std))
        image = (inputs * std + mean).clamp(0, 1).movedim(0, -1)
        axes.imshow(image.squeeze(-1).numpy(), cmap="gray", vmin=0, vmax=1)


class ImageTransform(nn.Module):
    """uint8 [batch, channel, height, width] -> normalised floats of the same shape."""

    def __init__(
        self,
        in_channels: int,
        mean: float | Sequence[float],
        std: float | Sequence[float],
        augment: Sequence[nn.Module],
    ) -> None:
        super().__init__()
        self.in_channels, self.augment = in_channels, nn.ModuleList(augment)
        self.register_buffer("mean", torch.as_tensor(mean).reshape(-1, 1, 1))
        self.register_buffer("std", torch.as_tensor(std).reshape(-1, 1, 1))

    def forward(self, batch: Batch) -> Batch:
        images = batch.inputs.float().div_(255).expand(-1, self.in_channels, -1, -1)
        is_own = not self.augment and images.shape[1] == batch.inputs.shape[1]
        images, targets = self.augmented(images, batch.targets)
        # In place where it may be: of large pictures, the new memory costs more than the arithmetic.
        centred = images.sub_(self.mean) if is_own else images - self.mean
        return batch._replace(inputs=centred.div_(self.std), targets=targets)

    def augmented(self, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Floats between 0 and 1 and their targets, augmented together."""
        for module in self.augment:
            # One of torchvision's draws its random numbers once a call, so: one call an image.
            is_single = isinstance(module, Transform)
            images = torch.stack(each_row(module, images)) if is_single else module(images)
        return images, targets
