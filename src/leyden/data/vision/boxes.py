from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ..core.batch import Batch
from ..core.samples import Samples


class Boxes(NamedTuple):
    """Objects of a batch of images, in the order of the images."""

    corners: Tensor  # float (box, 4): left, top, right and bottom in pixels
    labels: Tensor  # int64 (box,): from 1, since 0 is the background of torchvision's detectors
    ignored: Tensor  # bool (box,): excluded from training and metrics: difficult objects in VOC, crowds in COCO
    counts: Tensor  # int64 (image,): number of boxes of each image

    def sample(self, index: int) -> "Boxes":
        """Objects of one image."""
        start = int(self.counts[:index].sum())
        part = slice(start, start + int(self.counts[index]))
        return Boxes(self.corners[part], self.labels[part], self.ignored[part], self.counts[index : index + 1])

    def samples(self) -> list["Boxes"]:
        """Objects of each image."""
        parts = (part.split(self.counts.tolist()) for part in self[:3])
        return [Boxes(*sample) for sample in zip(*parts, self.counts.split(1), strict=True)]


def boxes_of_image(corners: Tensor, labels: Tensor, ignored: Tensor | None = None) -> Boxes:
    """Create the objects of one image; by default, none is ignored."""
    none = torch.zeros(len(labels), dtype=torch.bool)
    return Boxes(
        corners.reshape(-1, 4).float(), labels, none if ignored is None else ignored, torch.tensor([len(labels)])
    )


def join_boxes(samples: Sequence[Boxes]) -> Boxes:
    """Collate the objects of several images."""
    return Boxes(*(torch.cat(parts) for parts in zip(*samples, strict=True)))


class BoxSamples(Samples):
    """Images with their boxes.

    Args:
        images: samples whose targets are their own indices.
        boxes: objects of each image.
        sizes: height and width of each image before resizing; None for a file that cannot be decoded.
    """

    def __init__(self, images: Samples, boxes: Sequence[Boxes], sizes: Sequence[tuple[int, int] | None]) -> None:
        super().__init__(boxes)
        self.images, self.sizes = images, sizes

    @property
    def decodes(self) -> bool:
        return self.images.decodes

    def __getitems__(self, indices: list[int]) -> Batch:
        batch = self.images.__getitems__(indices)  # may be smaller: corrupt files are skipped
        return batch._replace(targets=join_boxes([self.targets[index] for index in batch.targets.tolist()]))

    def move(self, device: torch.device) -> int:
        num_bytes = self.images.move(device)
        self.images.targets = self.images.targets.cpu()  # indices of the boxes, which stay on the CPU
        return num_bytes
