from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn

from ..core.batch import Batch
from ..core.datamodule import DataModule, Stage
from ..core.samples import Samples
from ..files.files import expand_inputs
from ..storage.file_samples import FileSamples
from .box_drawing import draw_boxes
from .boxed_image import file_size
from .boxes import Boxes, BoxSamples, boxes_of_image, join_boxes
from .fit import Fit, Resize, height_and_width
from .image_data import SUFFIXES
from .pixels import PixelReader

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class DetectionData(DataModule):
    """Base class of object detection data: images with `Boxes`.

    Images are uint8 (batch, channel, height, width); on the device, floats from 0 to 1 with three channels, which
    torchvision's detectors normalise. Images and boxes are resized to one size.

    Args:
        image_size: `[height, width]` in pixels, or one number for a square.
        resize, pixel_range: as for `ImageData`. Boxes of which `crop` leaves less than a quarter are removed.
        augment: modules applied in order to the training batches: (images, boxes) -> (images, boxes).
        min_score: minimum score of boxes that are drawn and written by `predict`; metrics use all boxes.
        **loading: arguments of `DataModule`.
    """

    provides: ClassVar[tuple[str, ...]] = ("num_classes", "class_names", "image_size")
    decoding: ClassVar[tuple[str, ...]] = ("image_size", "resize", "pixel_range")

    def __init__(
        self,
        image_size: int | Sequence[int] = (240, 320),
        resize: Resize = "squash",
        pixel_range: Sequence[float] | None = None,
        augment: Sequence[nn.Module] = (),
        min_score: float = 0.4,
        **loading,
    ) -> None:
        if not isinstance(image_size, int) and len(image_size) != 2:
            raise ValueError(f"image_size is {image_size}; expected one number or [height, width]")
        if min([image_size] if isinstance(image_size, int) else image_size) < 1:
            raise ValueError(f"image_size is {image_size}; it must be at least 1")
        if resize not in ("squash", "crop", "pad"):
            raise ValueError(f"resize is {resize!r}; it must be squash, crop or pad")
        if pixel_range is not None and (len(pixel_range) != 2 or not pixel_range[0] < pixel_range[1]):
            raise ValueError(f"pixel_range is {pixel_range}; expected [BLACK, WHITE], such as [0, 4095]")
        if not 0 <= min_score <= 1:
            raise ValueError(f"min_score is {min_score}; it must be between 0 and 1")
        super().__init__(**loading)
        self.image_size = [image_size, image_size] if isinstance(image_size, int) else image_size
        self.resize: Resize = resize
        self.pixel_range, self.augment, self.min_score = pixel_range, augment, min_score
        self.fit = Fit(height_and_width(image_size), resize)
        value_range = None if pixel_range is None else (pixel_range[0], pixel_range[1])
        self.reader = PixelReader(3, self.fit, value_range, self.storage.warnings.warn)

    @property
    def num_classes(self) -> int:
        """Number of classes including the background, class 0 of torchvision's detectors; see `Boxes.labels`."""
        return len(self.class_names) + 1

    def decode(self, path: Path) -> Tensor:
        """Decode a file to uint8 (3, height, width) of `image_size`, after EXIF rotation."""
        return self.reader.read(path)

    def read(self, inputs: list[Path]) -> tuple[Samples, list[str]]:
        paths = expand_inputs(inputs, SUFFIXES)
        images = FileSamples(paths, torch.arange(len(paths)), self.decode)
        nothing = boxes_of_image(torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64))
        sizes = [file_size(path) for path in paths]
        return BoxSamples(images, [nothing] * len(paths), sizes), [str(path) for path in paths]

    def batch_transform(self, stage: Stage) -> nn.Module:
        return DetectionTransform(self.augment if stage == "train" else ())

    def draw(self, axes: "Axes", inputs: Tensor) -> None:
        axes.imshow(inputs.movedim(0, -1).clamp(0, 1).numpy())

    def join_targets(self, samples: list[list[Tensor]]) -> Boxes:
        return join_boxes([Boxes(*parts) for parts in samples])

    def draw_prediction(self, axes: "Axes", inputs: Tensor, target: Boxes, prediction: Any) -> None:
        """Draw one image with its target boxes in green and the predicted ones in orange."""
        self.draw(axes, inputs)
        draw_boxes(axes, target, self._confident(prediction), self.class_names)

    def describe_prediction(self, inputs: Tensor, target: Any, prediction: Any) -> dict[str, Any]:
        parts = {"true": target.labels, "predicted": self._confident(prediction)["labels"]}
        return {name: self._classes(labels) for name, labels in parts.items()}

    def _classes(self, labels: Tensor) -> str:
        """The classes of some boxes, such as `cat (2), dog`."""
        counts = Counter(self.class_names[label - 1] for label in sorted(labels.tolist()))
        return ", ".join(f"{name} ({count})" if count > 1 else name for name, count in counts.items()) or "none"

    def records(self, samples: Samples, index: int, prediction: Any) -> list[dict[str, Any]]:
        """One record per box, in pixels of the original image, by descending score."""
        assert isinstance(samples, BoxSamples)
        confident = self._confident(prediction)
        size = samples.sizes[index]
        assert size, "a sample with a prediction was decoded"
        boxes = self.fit.original_corners(confident["boxes"].cpu(), *size)
        records = []
        for box, label, score in zip(boxes, confident["labels"].cpu(), confident["scores"].cpu(), strict=True):
            sides = zip(("left", "top", "right", "bottom"), box.tolist(), strict=True)
            place = {side: round(value, 1) for side, value in sides}
            records.append({"class": self.class_names[int(label) - 1], "score": round(float(score), 6)} | place)
        return records

    def _confident(self, prediction: dict[str, Tensor]) -> dict[str, Tensor]:
        kept = prediction["scores"] >= self.min_score
        return {name: values[kept] for name, values in prediction.items()}


class DetectionTransform(nn.Module):
    """Convert uint8 (batch, 1 or 3, height, width) to floats from 0 to 1 (batch, 3, height, width), and augment."""

    def __init__(self, augment: Sequence[nn.Module]) -> None:
        super().__init__()
        self.augment = nn.ModuleList(augment)

    def forward(self, batch: Batch) -> Batch:
        images, boxes = batch.inputs.float().div_(255).expand(-1, 3, -1, -1), batch.targets
        for module in self.augment:
            images, boxes = module(images, boxes)
        return batch._replace(inputs=images, targets=boxes)
