from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

Boxes = dict[str, Tensor]


class MeanAveragePrecision(Metric):
    """COCO's mean average precision of boxes: `map` over overlaps of 0.5 to 0.95, and `map_50`, `map_75`.

    It is torchmetrics' (by pycocotools), but on any number of devices: that one gathers a list of tensors an image and
    waits for ever where devices have seen unequal numbers of images. Here images are kept in one long tensor each of
    found and of true boxes, and put into an order that depends on nothing but themselves, since equal scores are ranked
    in the order of the images.

    Source: Lin et al., Microsoft COCO: Common Objects in Context, 2014, https://arxiv.org/abs/1405.0312;
    https://cocodataset.org/#detection-eval.
    """

    full_state_update = False
    found: list[Tensor]  # [box, 6]: corners, label, score
    true: list[Tensor]  # [box, 6]: corners, label, ignored
    num_found: list[Tensor]  # [image]
    num_true: list[Tensor]  # [image]

    def __init__(self) -> None:
        super().__init__()
        for name in ("found", "true", "num_found", "num_true"):
            self.add_state(name, default=[], dist_reduce_fx="cat")

    def update(self, found: list[Boxes], true: list[Boxes]) -> None:
        """Adds images.

        Args:
            found: of each image, boxes [box, 4], labels [box] and scores [box].
            true: of each image, boxes [box, 4], labels [box] and ignored [box], neither right nor wrong to find.
        """
        for name, images, last in (("found", found, "scores"), ("true", true, "ignored")):
            columns = [_columns(image, last) for image in images]
            getattr(self, name).append(torch.cat(columns))
            getattr(self, f"num_{name}").append(torch.tensor([len(one) for one in columns], device=self.device))

    def compute(self) -> dict[str, Tensor]:
        """`map`, `map_50` and `map_75`, or NaN where there is not one true box."""
        from torchmetrics.detection import MeanAveragePrecision as Evaluation  # which is there with torchvision alone

        found, true = self._images("found"), self._images("true")
        # float32 keeps boxes, labels and scores exactly, so bytes tell images apart.
        pairs = sorted(zip(found, true, strict=True), key=lambda pair: [one.numpy().tobytes() for one in pair])
        evaluation: Any = Evaluation(backend="pycocotools")
        evaluation.warn_on_many_detections = False  # the 100 most certain boxes of an image count, as COCO says
        evaluation.update(
            [{"boxes": one[:, :4], "labels": one[:, 4].long(), "scores": one[:, 5]} for one, _ in pairs],
            [{"boxes": one[:, :4], "labels": one[:, 4].long(), "iscrowd": one[:, 5].long()} for _, one in pairs],
        )
        results = evaluation.compute()
        values = {name: results[name].to(self.device) for name in ("map", "map_50", "map_75")}
        return {name: torch.where(value >= 0, value, torch.nan) for name, value in values.items()}  # -1 stands for none

    def _images(self, name: str) -> list[Tensor]:
        counts = dim_zero_cat(getattr(self, f"num_{name}")).tolist()
        return list(dim_zero_cat(getattr(self, name)).cpu().split(counts))


def _columns(image: Boxes, last: str) -> Tensor:
    columns = [image["boxes"], image["labels"].unsqueeze(1), image[last].unsqueeze(1)]
    return torch.cat([column.detach().float() for column in columns], dim=1)
