import colorsys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torchvision import tv_tensors
from torchvision.transforms.v2 import Transform

from ..core.datamodule import Stage
from ..core.randomness import each_sample
from ..core.samples import Samples
from ..storage.file_samples import FileSamples
from .boxed_image import file_size
from .image_data import ImageData, ImageTransform
from .warp import IGNORE_INDEX, Warp

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class SegmentationData(ImageData):
    """Base class of segmentation data: images with masks, uint8 (batch, height, width) in storage.

    Pixels with `IGNORE_INDEX` are excluded from loss and metrics. In `augment`, a `Warp` and torchvision's transforms are
    applied to images and masks together; any other module receives only the images.

    Args:
        **image: arguments of `ImageData`.
    """

    provides: ClassVar[tuple[str, ...]] = ("num_classes", "class_names", "in_channels", "image_size", "ignore_index")
    ignore_index = IGNORE_INDEX
    values: Sequence[int] | None = None  # of the classes in mask files, if they are not the class indices
    outside: int | None = None  # value in mask files of pixels that `resize=crop` removed

    def batch_transform(self, stage: Stage) -> nn.Module:
        augment = self.augment if stage == "train" else ()
        return SegmentationTransform(self.in_channels, self.mean, self.std, augment)

    def draw_prediction(self, axes: "Axes", inputs: Tensor, target: Tensor, prediction: Tensor) -> None:
        """Predicted classes as a tint and true classes as outlines; neither for a first class named background."""
        self.draw(axes, inputs)
        first = int("background" in self.class_names[0].lower())
        colours = np.array(palette(self.num_classes)) / 255
        axes.imshow(np.dstack([colours[prediction.numpy()], np.where(prediction >= first, 0.5, 0.0)]))
        for index in range(first, self.num_classes):
            part = (target == index).numpy()
            if part.any() and not part.all():
                axes.contour(part, levels=[0.5], colors=[colours[index]], linewidths=1)
        valid = target != self.ignore_index
        wrong = ((prediction != target) & valid).sum() / valid.sum().clamp(min=1)
        axes.set_title(f"{wrong:.1%} wrong", fontsize=9)
        shown = sorted({*prediction.unique().tolist(), *target[valid].unique().tolist()} - {*range(first)})
        for index in shown:
            axes.plot([], [], "s", color=colours[index], label=self.class_names[index])
        if shown:
            columns = -(-len(shown) // 8)
            axes.legend(fontsize=5 if columns < 3 else 3, loc="lower right", handlelength=1, ncols=columns)

    def describe_prediction(self, inputs: Tensor, target: Any, prediction: Any) -> dict[str, Any]:
        valid = target != self.ignore_index
        wrong = ((prediction != target) & valid).sum() / valid.sum().clamp(min=1)
        return {"wrong pixels": round(float(wrong), 6)}

    def records(self, samples: Samples, index: int, prediction: Tensor) -> list[dict[str, Any]]:
        """The mask at the size of the file, with the values of mask files, and the share of each class.

        Pixels that `resize=crop` removed get the value `outside`, or the highest value that is not a class.
        """
        assert isinstance(samples, FileSamples)
        size = file_size(samples.paths[index])
        assert size, "a sample with a prediction was decoded"
        _, inside = self.fit.windows(*size)
        counts = inside.of(prediction).flatten().long().bincount(minlength=self.num_classes)
        shares = [round(share, 6) for share in (counts / counts.sum()).tolist()]
        values = list(self.values or range(self.num_classes))
        outside = max(set(range(256)) - set(values)) if self.outside is None else self.outside
        in_file = torch.tensor(values, dtype=torch.uint8)[prediction.cpu().long()]
        mask = Image.fromarray(self.fit.original_mask(in_file, *size, outside).numpy())
        colours = np.zeros((256, 3), dtype=np.uint8)
        colours[values] = palette(self.num_classes)
        mask.putpalette(colours.tobytes())
        return [{"mask": mask, "shares": dict(zip(self.class_names, shares, strict=True))}]


class SegmentationTransform(ImageTransform):
    """Convert uint8 images and masks (batch, height, width) to normalised floats and class indices, int64."""

    def augmented(self, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        for module in self.augment:
            if isinstance(module, Warp):
                images, targets = module(images, targets)
            elif isinstance(module, Transform):  # draws random parameters once per call: call it for each pair
                pairs = map(tv_tensors.Image, images), map(tv_tensors.Mask, targets)
                moved = each_sample(module, *map(list, pairs))
                images = torch.stack([image.as_subclass(Tensor) for image, _ in moved])
                targets = torch.stack([mask.as_subclass(Tensor) for _, mask in moved])
            else:
                images = module(images)
        return images, targets.long()


def palette(num_classes: int) -> list[tuple[int, ...]]:
    """An RGB colour from 0 to 255 for each class: black for the first, distinct hues for the others."""
    hues = [index * 0.618034 % 1 for index in range(num_classes - 1)]  # multiples of the golden ratio
    bright = [colorsys.hsv_to_rgb(hue, 0.75, 0.95) for hue in hues]
    return [(0, 0, 0), *(tuple(round(255 * part) for part in colour) for colour in bright)]
