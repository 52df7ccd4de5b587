import torch
from torch import Tensor, nn
from torch.nn.functional import affine_grid, grid_sample

from ..core.randomness import uniform
from .boxes import Boxes


class RandomBoxAffine(nn.Module):
    """Scale, shift and flip each image with its boxes by its own random parameters, as a batch.

    Shape: images (batch, channel, height, width) and boxes -> the same. Images are filled with 0; boxes are clipped to
    the image.

    Args:
        scale: maximum relative change of size: 0.1 gives 0.9 to 1.1 times the size.
        shift: maximum shift in either direction, relative to height and width, at most 1.
        flip: probability of a horizontal flip.
        vertical_flip: probability of a vertical flip.
        min_visible: minimum visible share of a box; other boxes are removed.

    Raises:
        ValueError: an argument is out of range.
    """

    def __init__(
        self,
        scale: float = 0.0,
        shift: float = 0.0,
        flip: float = 0.0,
        vertical_flip: float = 0.0,
        min_visible: float = 0.25,
    ) -> None:
        if not 0 <= scale < 1:
            raise ValueError(f"scale is {scale}; it must be at least 0 and below 1")
        if not 0 <= shift <= 1:
            raise ValueError(f"shift is {shift}; it must be between 0 and 1, relative to the image")
        if not 0 <= flip <= 1:
            raise ValueError(f"flip is {flip}; expected a probability between 0 and 1")
        if not 0 <= vertical_flip <= 1:
            raise ValueError(f"vertical_flip is {vertical_flip}; expected a probability between 0 and 1")
        if not 0 < min_visible <= 1:
            raise ValueError(f"min_visible is {min_visible}; it must be above 0 and at most 1")
        super().__init__()
        self.scale, self.shift, self.min_visible = scale, shift, min_visible
        self.flips = torch.tensor([flip, vertical_flip])

    def forward(self, images: Tensor, boxes: Boxes) -> tuple[Tensor, Boxes]:
        chance = uniform(len(images), 5).T
        size = 1 + (2 * chance[0] - 1) * self.scale
        # Coordinates range from -1 to 1: a shift by the whole image is 2.
        shift = (2 * (2 * chance[1:3] - 1) * self.shift).T
        mirror = torch.where(self.flips > chance[3:].T, -1.0, 1.0)
        factor = (mirror / size.unsqueeze(1)).to(images)  # (batch, xy): source position = factor * position + shift
        shift = shift.to(images)
        matrix = torch.cat([torch.diag_embed(factor), shift.unsqueeze(2)], dim=2)
        grid = affine_grid(matrix, list(images.shape), align_corners=False)
        return grid_sample(images, grid, align_corners=False), self._move(boxes, factor, shift, images)

    def _move(self, boxes: Boxes, factor: Tensor, shift: Tensor, images: Tensor) -> Boxes:
        height, width = images.shape[-2:]
        half = torch.tensor([width, height]).to(images) / 2
        image = torch.repeat_interleave(torch.arange(len(images), device=images.device), boxes.counts)
        points = boxes.corners.reshape(-1, 2, 2) / half - 1  # (box, first or last corner, xy)
        moved = (points - shift[image].unsqueeze(1)) / factor[image].unsqueeze(1)
        moved = torch.stack([moved.amin(dim=1), moved.amax(dim=1)], dim=1)
        clipped = moved.clamp(-1, 1)
        kept = _area(clipped) >= self.min_visible * _area(moved)
        corners = ((clipped + 1) * half).reshape(-1, 4)
        counts = torch.zeros_like(boxes.counts).index_add(0, image, kept.long())
        return Boxes(corners[kept], boxes.labels[kept], boxes.ignored[kept], counts)


def _area(points: Tensor) -> Tensor:
    return (points[:, 1] - points[:, 0]).prod(dim=1)
