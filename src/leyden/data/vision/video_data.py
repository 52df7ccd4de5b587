from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor, nn
from torchvision.transforms.v2 import Transform

from ..core.batch import Batch
from ..core.datamodule import Stage
from ..core.randomness import each_sample
from .clip import CLIP_SUFFIXES, read_clip
from .image_data import ImageData, ImageTransform
from .warp import Warp

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_FRAMES, FRAMES_PER_LINE = 8, 4  # in the plot of a clip


class VideoData(ImageData):
    """Base class of video data: clips, uint8 (batch, channel, time, height, width); on the device, floats.

    Augmentations are the same for all frames of a clip: a `Warp` and torchvision's transforms are applied to all frames
    together, any other module receives (batch, channel, time, height, width).

    Args:
        num_frames: number of equidistant frames taken from each file.
        **image: arguments of `ImageData`.
    """

    provides: ClassVar[tuple[str, ...]] = (*ImageData.provides, "num_frames")
    decoding: ClassVar[tuple[str, ...]] = (*ImageData.decoding, "num_frames")
    suffixes = CLIP_SUFFIXES

    def __init__(self, num_frames: int = 16, **image) -> None:
        if num_frames < 1:
            raise ValueError(f"num_frames is {num_frames}; it must be at least 1")
        super().__init__(**image)
        self.num_frames = num_frames

    def decode(self, path: Path) -> Tensor:
        """Decode a file to uint8 (channel, num_frames, height, width)."""
        return self.fit(read_clip(path, self.num_frames, self.in_channels)).movedim(0, 1).contiguous()

    def batch_transform(self, stage: Stage) -> nn.Module:
        return VideoTransform(self.in_channels, self.mean, self.std, self.augment if stage == "train" else ())

    def draw(self, axes: "Axes", inputs: Tensor) -> None:
        """A strip of frames, in lines from left to right."""
        super().draw(axes, frame_strip(inputs))


class VideoTransform(ImageTransform):
    """Convert uint8 (batch, channel, time, height, width) to normalised floats, and augment."""

    def forward(self, batch: Batch) -> Batch:
        clips = batch.inputs.float().div_(255).expand(-1, self.in_channels, -1, -1, -1)
        clips, targets = self.augmented(clips, batch.targets)
        return batch._replace(inputs=(clips - self.mean.unsqueeze(1)) / self.std.unsqueeze(1), targets=targets)

    def augmented(self, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        for module in self.augment:
            if isinstance(module, Warp):  # frames as channels, which are warped together
                images = module(images.flatten(1, 2)).unflatten(1, images.shape[1:3])
            elif isinstance(module, Transform):  # draws random parameters once per call: call it for each clip
                clips = images.movedim(2, 1)  # (batch, time, channel, height, width)
                images = torch.stack(each_sample(module, clips)).movedim(1, 2)
            else:
                images = module(images)
        return images, targets


def frame_strip(clip: Tensor) -> Tensor:
    """Tile frames of a clip (channel, time, height, width), evenly spaced if there are more than `MAX_FRAMES`."""
    num_frames = clip.shape[1]
    shown = min(num_frames, MAX_FRAMES)
    frames = [clip[:, index * num_frames // shown] for index in range(shown)]
    lines = [frames[start : start + FRAMES_PER_LINE] for start in range(0, shown, FRAMES_PER_LINE)]
    lines[-1] += [torch.full_like(frames[0], float(clip.min()))] * (len(lines[0]) - len(lines[-1]))
    return torch.cat([torch.cat(line, dim=2) for line in lines], dim=1)
