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

SHOWN, ABREAST = 8, 4  # frames of a clip in a plot, and in each of its lines


class VideoData(ImageData):
    """Base of all video data: clips, uint8 [batch, channel, time, height, width] until the device, floats after it.

    Augmentation is the same for all frames of a clip: a `Warp` and torchvision's transforms move them together, any
    other module receives [batch, channel, time, height, width].

    Args:
        num_frames: frames taken from each file, at equal distances.
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
        """One file -> uint8 [channel, num_frames, height, width]."""
        return self.fit(read_clip(path, self.num_frames, self.in_channels)).movedim(0, 1).contiguous()

    def batch_transform(self, stage: Stage) -> nn.Module:
        return VideoTransform(self.in_channels, self.mean, self.std, self.augment if stage == "train" else ())

    def draw(self, axes: "Axes", inputs: Tensor) -> None:
        """A strip of frames, from left to right, line by line."""
        super().draw(axes, frame_strip(inputs))


class VideoTransform(ImageTransform):
    """uint8 [batch, channel, time, height, width] -> normalised floats of the same shape."""

    def forward(self, batch: Batch) -> Batch:
        clips = batch.inputs.float().div_(255).expand(-1, self.in_channels, -1, -1, -1)
        clips, targets = self.augmented(clips, batch.targets)
        return batch._replace(inputs=(clips - self.mean.unsqueeze(1)) / self.std.unsqueeze(1), targets=targets)

    def augmented(self, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        for module in self.augment:
            if isinstance(module, Warp):  # what holds for all channels of an image holds for all frames, too
                images = module(images.flatten(1, 2)).unflatten(1, images.shape[1:3])
            elif isinstance(module, Transform):  # draws its random numbers once a call, so: one call a clip
                clips = images.movedim(2, 1)  # frame by frame, as torchvision has them
                images = torch.stack(each_sample(module, clips)).movedim(1, 2)
            else:
                images = module(images)
        return images, targets


def frame_strip(clip: Tensor) -> Tensor:
    """[channel, time, height, width] -> its frames side by side, some of them where there are many."""
    num_frames = clip.shape[1]
    shown = min(num_frames, SHOWN)
    frames = [clip[:, number * num_frames // shown] for number in range(shown)]
    lines = [frames[start : start + ABREAST] for start in range(0, shown, ABREAST)]
    lines[-1] += [torch.full_like(frames[0], float(clip.min()))] * (len(lines[0]) - len(lines[-1]))
    return torch.cat([torch.cat(line, dim=2) for line in lines], dim=1)
