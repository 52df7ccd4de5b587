from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ..core.batch import Batch
from ..core.samples import Samples


class Boxes(NamedTuple):
    """The objects of a batch of images, those of the first image first."""

    corners: Tensor  # float [box, 4]: left, top, right and bottom in pixels
    labels: Tensor  # int64 [box]: 1 for the first class, since 0 is the background of torchvision's detectors
    ignored: Tensor  # bool [box]: not learnt, and neither right nor wrong to find: VOC's difficult, COCO's crowds
    counts: Tensor  # int64 [image]: boxes of each image

    def sample(self, number: int) -> "Boxes":
        """The objects of one image."""
        start = int(self.counts[:number].sum())
        part = slice(start, start + int(self.counts[number]))
        return Boxes(self.corners[part], self.labels[part], self.ignored[part], self.counts[number : number + 1])

    def samples(self) -> list["Boxes"]:
        """The objects of each image."""
        parts = (part.split(self.counts.tolist()) for part in self[:3])
        return [Boxes(*sample) for sample in zip(*parts, self.counts.split(1), strict=True)]


def boxes_of_image(corners: Tensor, labels: Tensor, ignored: Tensor | None = None) -> Boxes:
    """Objects of one image; none of them is ignored unless said."""
    none = torch.zeros(len(labels), dtype=torch.bool)
    return Boxes(
        corners.reshape(-1, 4).float(), labels, none if ignored is None else ignored, torch.tensor([len(labels)])
    )


def join_boxes(samples: Sequence[Boxes]) -> Boxes:
    """Objects of several images -> a batch."""
    return Boxes(*(torch.cat(parts) for parts in zip(*samples, strict=True)))


class BoxSamples(Samples):
    """Images with their boxes.

    Args:
        images: samples whose targets are their own numbers.
        boxes: the objects of each image.
        sizes: height and width of each image as it was before it was resized; None of what cannot be decoded.
    """

    def __init__(self, images: Samples, boxes: Sequence[Boxes], sizes: Sequence[tuple[int, int] | None]) -> None:
        super().__init__(boxes)
        self.images, self.sizes = images, sizes

    @property
    def decodes(self) -> bool:
        return self.images.decodes

    def __getitems__(self, indices: list[int]) -> Batch:
        batch = self.images.__getitems__(indices)  # fewer samples than asked for where corrupt files are skipped
        return batch._replace(targets=join_boxes([self.targets[number] for number in batch.targets.tolist()]))

    def move(self, device: torch.device) -> int:
        num_bytes = self.images.move(device)
        self.images.targets = self.images.targets.cpu()  # the numbers of the boxes, which stay
        return num_bytes
