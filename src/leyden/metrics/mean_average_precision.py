from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

Boxes = dict[str, Tensor]


class MeanAveragePrecision(Metric):
    """COCO mean average precision of boxes: `map` over IoU thresholds from 0.5 to 0.95, `map_50` and `map_75`.

    It computes torchmetrics' metric (by pycocotools) on any number of devices; torchmetrics gathers a list of tensors per
    image, which deadlocks if devices have seen different numbers of images. Here, predicted and true boxes are each
    concatenated in one tensor. Images are sorted by their content, since equal scores are ranked in the order of images.

    Source: Lin et al., Microsoft COCO: Common Objects in Context, 2014, https://arxiv.org/abs/1405.0312;
    https://cocodataset.org/#detection-eval.
    """

    full_state_update = False
    # The names of states are keys in checkpoints.
    found: list[Tensor]  # predicted boxes (box, 6): corners, label, score
    true: list[Tensor]  # (box, 6): corners, label, ignored
    num_found: list[Tensor]  # (image,)
    num_true: list[Tensor]  # (image,)

    def __init__(self) -> None:
        super().__init__()
        for name in ("found", "true", "num_found", "num_true"):
            self.add_state(name, default=[], dist_reduce_fx="cat")

    def update(self, predictions: list[Boxes], targets: list[Boxes]) -> None:
        """Add images.

        Args:
            predictions: `boxes` (box, 4), `labels` (box,) and `scores` (box,) of each image.
            targets: `boxes` (box, 4), `labels` (box,) and `ignored` (box,) of each image; ignored boxes do not count.
        """
        for name, images, last in (("found", predictions, "scores"), ("true", targets, "ignored")):
            columns = [_columns(image, last) for image in images]
            getattr(self, name).append(torch.cat(columns))
            getattr(self, f"num_{name}").append(torch.tensor([len(boxes) for boxes in columns], device=self.device))

    def compute(self) -> dict[str, Tensor]:
        """`map`, `map_50` and `map_75`; NaN if there are no true boxes."""
        from torchmetrics.detection import MeanAveragePrecision as Evaluation  # requires torchvision

        predictions, targets = self._images("found"), self._images("true")
        # float32 represents boxes, labels and scores exactly, so images can be compared by bytes.
        images = zip(predictions, targets, strict=True)
        pairs = sorted(images, key=lambda pair: [boxes.numpy().tobytes() for boxes in pair])
        evaluation: Any = Evaluation(backend="pycocotools")
        evaluation.warn_on_many_detections = False  # COCO counts the 100 highest scores of an image
        evaluation.update(
            [{"boxes": boxes[:, :4], "labels": boxes[:, 4].long(), "scores": boxes[:, 5]} for boxes, _ in pairs],
            [
                {"boxes": boxes[:, :4], "labels": boxes[:, 4].long(), "iscrowd": boxes[:, 5].long()}
                for _, boxes in pairs
            ],
        )
        results = evaluation.compute()
        values = {name: results[name].to(self.device) for name in ("map", "map_50", "map_75")}
        return {name: torch.where(value >= 0, value, torch.nan) for name, value in values.items()}  # -1 means undefined

    def _images(self, name: str) -> list[Tensor]:
        counts = dim_zero_cat(getattr(self, f"num_{name}")).tolist()
        return list(dim_zero_cat(getattr(self, name)).cpu().split(counts))


def _columns(image: Boxes, last: str) -> Tensor:
    columns = [image["boxes"], image["labels"].unsqueeze(1), image[last].unsqueeze(1)]
    return torch.cat([column.detach().float() for column in columns], dim=1)
