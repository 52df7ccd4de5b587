from collections.abc import Sequence

import torch

from ..core.samples import TensorSamples
from ..core.split_names import Split
from .boxes import BoxSamples, boxes_of_image
from .detection_data import DetectionData
from .digit_canvases import CANVAS, digit_canvases, digit_images


class DigitsDetection(DetectionData):
    """Detection of real handwritten digits, one to four on each canvas of noise; see `digit_canvases`.

    Args:
        num_train, num_test: number of canvases of each split, drawn at each start, the same in every run.
        image_size: size to which your files are resized.
        **detection: arguments of `DetectionData`.
    """

    is_embedded = True
    origin = "computed at each start, from the digits of package scikit-learn"

    def __init__(
        self, num_train: int = 1500, num_test: int = 300, image_size: Sequence[int] = (CANVAS, CANVAS), **detection
    ) -> None:
        if num_train < 2:
            raise ValueError(f"num_train is {num_train}; it must be at least 2")
        if num_test < 1:
            raise ValueError(f"num_test is {num_test}; it must be at least 1")
        super().__init__(image_size=image_size, **detection)
        self.num_samples = {"train": num_train, "test": num_test}

    def load(self, split: Split) -> BoxSamples:
        self.class_names = digit_images(split)[2]
        canvases = digit_canvases(split, self.num_samples[split])
        counts = canvases.counts.tolist()
        parts = zip(canvases.corners.split(counts), canvases.classes.split(counts), strict=True)
        boxes = [boxes_of_image(corners, 1 + digits) for corners, digits in parts]
        images = TensorSamples(canvases.images, torch.arange(len(boxes)))
        return BoxSamples(images, boxes, [(CANVAS, CANVAS)] * len(boxes))
