from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor, nn
from torchvision.transforms.v2 import Transform

from ..core.batch import Batch
from ..core.datamodule import DataModule, Stage
from ..core.error import DataError
from ..core.randomness import each_sample
from ..core.samples import Samples
from ..files.files import expand_inputs
from ..storage.file_samples import FileSamples, OnCorrupt
from ..storage.fingerprint import decoder
from .fit import Fit, Interpolation, Resize, height_and_width
from .pixels import PixelReader

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".ppm", ".pgm"}


class ImageData(DataModule):
    """Base class of image data: uint8 (batch, channel, height, width); on the device, normalised floats.

    `decoding` names the settings on which the result of `decode` depends. A subclass that overrides `decode` must define it
    too, or its samples are not cached; see `decoder`.

    Args:
        image_size: `[height, width]` in pixels, or one number for a square; by default `default_size`.
        resize: `squash` the image to that size without keeping the aspect ratio, or keep it and centre-`crop` or `pad`
            with black.
        interpolation: interpolation mode for resizing; by default `bilinear`.
        pixel_range: values that become black and white, for files with more than 8 bits; see `PixelReader`.
        in_channels: 1 for grey, 3 for colour; grey images are repeated to 3 channels.
        mean, std: mean and standard deviation for normalisation of pixels from 0 to 1, one number or one per channel; by
            default 0.5 and 0.25.
        augment: modules applied in order to training batches of floats from 0 to 1. A torchvision transform is applied to
            each image; any other module receives the whole batch.
        **loading: arguments of `DataModule`.
    """

    provides: ClassVar[tuple[str, ...]] = (*DataModule.provides, "in_channels", "image_size")
    decoding: ClassVar[tuple[str, ...]] = ("in_channels", "image_size", "resize", "interpolation", "pixel_range")
    suffixes = SUFFIXES
    default_size: ClassVar[int] = 32

    def __init__(
        self,
        image_size: int | Sequence[int] | None = None,
        resize: Resize = "squash",
        interpolation: Interpolation | None = None,
        pixel_range: Sequence[float] | None = None,
        in_channels: int = 3,
        mean: float | Sequence[float] | None = None,
        std: float | Sequence[float] | None = None,
        augment: Sequence[nn.Module] = (),
        **loading,
    ) -> None:
        if image_size is not None and not isinstance(image_size, int) and len(image_size) != 2:
            raise ValueError(f"image_size is {image_size}; expected one number or [height, width]")
        if image_size is not None and min([image_size] if isinstance(image_size, int) else image_size) < 1:
            raise ValueError(f"image_size is {image_size}; it must be at least 1")
        if resize not in ("squash", "crop", "pad"):
            raise ValueError(f"resize is {resize!r}; it must be squash, crop or pad")
        if interpolation not in (None, "bilinear", "bicubic"):
            raise ValueError(f"interpolation is {interpolation!r}; it must be bilinear or bicubic")
        if pixel_range is not None and (len(pixel_range) != 2 or not pixel_range[0] < pixel_range[1]):
            raise ValueError(f"pixel_range is {pixel_range}; expected [BLACK, WHITE], such as [0, 4095]")
        if in_channels not in (1, 3):
            raise ValueError(f"in_channels is {in_channels}; it must be 1 (grey) or 3 (colour)")
        if mean is not None and not isinstance(mean, (int, float)) and len(mean) not in (1, 3):
            raise ValueError(f"mean is {mean}; expected one number, or one for each of 3 channels")
        if std is not None and not isinstance(std, (int, float)) and len(std) not in (1, 3):
            raise ValueError(f"std is {std}; expected one number, or one for each of 3 channels")
        if std is not None and not min([std] if isinstance(std, (int, float)) else std) > 0:
            raise ValueError(f"std is {std}; it must be more than 0")
        super().__init__(**loading)
        height, width = height_and_width(image_size or self.default_size)
        self.image_size = height if height == width else (height, width)
        self.resize: Resize = resize
        self.interpolation: Interpolation = interpolation or "bilinear"
        self.pixel_range, self.in_channels = pixel_range, in_channels
        self.mean, self.std, self.augment = 0.5 if mean is None else mean, 0.25 if std is None else std, augment
        self.fit = Fit((height, width), resize, self.interpolation)
        value_range = None if pixel_range is None else (pixel_range[0], pixel_range[1])
        self.reader = PixelReader(in_channels, self.fit, value_range, self.storage.warnings.warn)

    def decode(self, path: Path) -> Tensor:
        """Decode a file to uint8 (in_channels, height, width); see `PixelReader`."""
        return self.reader.read(path)

    def file_samples(self, paths: list[Path], targets: Tensor, on_corrupt: OnCorrupt = "raise") -> FileSamples:
        return FileSamples(paths, targets, self.decode, on_corrupt=on_corrupt, made_of=decoder(self))

    def read(self, inputs: list[Path]) -> tuple[Samples, list[str]]:
        paths = expand_inputs(inputs, self.suffixes)
        return self.file_samples(paths, torch.zeros(len(paths), dtype=torch.int64)), [str(path) for path in paths]

    def batch_transform(self, stage: Stage) -> nn.Module:
        return ImageTransform(self.in_channels, self.mean, self.std, self.augment if stage == "train" else ())

    def draw(self, axes: "Axes", inputs: Tensor) -> None:
        mean, std = (torch.as_tensor(value).reshape(-1, 1, 1) for value in (self.mean, self.std))
        image = (inputs * std + mean).clamp(0, 1).movedim(0, -1)
        axes.imshow(image.squeeze(-1).numpy(), cmap="gray", vmin=0, vmax=1)


class ImageTransform(nn.Module):
    """Convert uint8 (batch, channel, height, width) to normalised floats, and augment."""

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
        if batch.inputs.dtype != torch.uint8 or batch.inputs.ndim != 4:
            raise DataError(
                "expected images as uint8 (batch, channel, height, width) from 0 to 255, got "
                f"{str(batch.inputs.dtype).removeprefix('torch.')} {tuple(batch.inputs.shape)}"
            )
        images = batch.inputs.float().div_(255).expand(-1, self.in_channels, -1, -1)
        may_overwrite = not self.augment and images.shape[1] == batch.inputs.shape[1]
        images, targets = self.augmented(images, batch.targets)
        # In place if possible: for large images, allocating memory costs more than the arithmetic.
        centred = images.sub_(self.mean) if may_overwrite else images - self.mean
        return batch._replace(inputs=centred.div_(self.std), targets=targets)

    def augmented(self, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Augment floats from 0 to 1 together with their targets."""
        for module in self.augment:
            # torchvision's transforms draw random parameters once per call: call them for each image.
            is_single = isinstance(module, Transform)
            images = torch.stack(each_sample(module, images)) if is_single else module(images)
        return images, targets
