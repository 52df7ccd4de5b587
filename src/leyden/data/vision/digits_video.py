from collections.abc import Sequence

import torch
from torch import Tensor

from ..core.samples import TensorSamples
from ..core.split_names import Split
from .digit_canvases import digit_images
from .fit import height_and_width
from .video_data import VideoData

# Steps to the right and down for each direction.
DIRECTIONS = {
    "right": (1, 0),
    "down right": (1, 1),
    "down": (0, 1),
    "down left": (-1, 1),
    "left": (-1, 0),
    "up left": (-1, -1),
    "up": (0, -1),
    "up right": (1, -1),
}
MAX_SPEED = 2  # pixels per frame; the minimum is 1


class DigitsVideo(VideoData):
    """Clips of real handwritten digits moving over noise; the class is the direction of motion.

    A digit that leaves the image re-enters on the opposite side, so no single frame contains information on the class.

    Args:
        num_train, num_test: number of clips of each split, whose digits are those of `digit_images`.
        num_frames, image_size: of the clips, and of your files after resampling.
        **video: arguments of `VideoData`.
    """

    is_embedded = True
    origin = "computed at each start, from the digits of package scikit-learn"

    def __init__(
        self,
        num_train: int = 1500,
        num_test: int = 500,
        num_frames: int = 8,
        image_size: int | Sequence[int] = 24,
        **video,
    ) -> None:
        if num_train < 2 or num_test < 1:
            raise ValueError(f"num_train={num_train}, num_test={num_test}: expected at least 2 and 1")
        if min([image_size] if isinstance(image_size, int) else image_size) < 8:
            raise ValueError(f"image_size is {image_size}; digits of 8 x 8 pixels need at least 8")
        super().__init__(num_frames=num_frames, image_size=image_size, **video)
        self.num_samples = {"train": num_train, "test": num_test}

    def load(self, split: Split) -> TensorSamples:
        self.class_names = list(DIRECTIONS)
        return TensorSamples(*moving_digits(split, self.num_samples[split], self.num_frames, self.fit.size))


def moving_digits(
    split: Split, num_samples: int, num_frames: int, image_size: int | Sequence[int]
) -> tuple[Tensor, Tensor]:
    """Clips, uint8 (sample, 1, time, height, width), and their class indices (sample,); the same in every run."""
    images, _, _ = digit_images(split)
    height, width = height_and_width(image_size)
    generator = torch.Generator().manual_seed(0 if split == "train" else 1)

    def integers(low: int, high: int, *shape: int) -> Tensor:
        return torch.randint(low, high + 1, (num_samples, *shape), generator=generator)

    targets = torch.arange(num_samples) % len(DIRECTIONS)
    digits = images[integers(0, len(images) - 1), 0].float() * integers(50, 100, 1, 1) / 100
    steps = torch.tensor(list(DIRECTIONS.values()))[targets] * integers(1, MAX_SPEED, 1)
    starts = integers(0, max(height, width) - 1, 1, 2)
    positions = starts + torch.arange(num_frames).reshape(1, -1, 1) * steps.unsqueeze(1)
    clips = torch.rand(num_samples, num_frames, height, width, generator=generator) * 60
    pixels = torch.arange(8)
    columns = (positions[..., 0, None] + pixels).remainder(width)[:, :, None, :]
    lines = (positions[..., 1, None] + pixels).remainder(height)[:, :, :, None]
    samples, times = torch.arange(num_samples).reshape(-1, 1, 1, 1), torch.arange(num_frames).reshape(1, -1, 1, 1)
    drawn = (samples, times, lines, columns)
    clips[drawn] = torch.maximum(clips[drawn], digits.unsqueeze(1))
    return clips.round().to(torch.uint8).unsqueeze(1), targets
