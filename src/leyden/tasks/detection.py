import logging
from collections.abc import Sequence
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import UserError
from ..metrics.mean_average_precision import MeanAveragePrecision
from .task import EvaluationOutput, EvaluationStage, Task, in_default_type

log = logging.getLogger(__name__)
# Thresholds of score and IoU for counting errors, by which samples are ranked.
MIN_SCORE, MIN_IOU = 0.4, 0.5


class Detection(Task):
    """Object detection, with a torchvision detector or one with the same interface.

    In training, a detector returns a dict of losses, which are summed, otherwise boxes. Class 0 is the background. There
    is no validation loss: the best checkpoint has the highest mean average precision.

    Args:
        network: maps (images, targets) to losses, and images to boxes, labels and scores.
        image_size: height and width of the images. torchvision's resizing, by default to 800 pixels, is set to this size;
            SSD keeps its fixed size.
        weights: initial weights for training, loaded where names and shapes match, so that only outputs for other classes
            are new: the name of torchvision weights, such as `FCOS_ResNet50_FPN_Weights.COCO_V1`, a checkpoint, or a
            file with a state dict.
        **task: arguments of `Task`.
    """

    monitor, mode, sample_error = "val/map_50", "max", "missed and false boxes"

    def __init__(self, network: nn.Module, image_size: Sequence[int], weights: str | None = None, **task: Any) -> None:
        from torchvision.models.detection.transform import GeneralizedRCNNTransform  # not installed everywhere

        super().__init__(network=network, **task)
        self.weights = weights
        transform = getattr(network, "transform", None)
        if isinstance(transform, GeneralizedRCNNTransform) and transform.fixed_size is None:
            # torchvision's annotation is int, but the attribute is a tuple.
            transform.min_size = (min(image_size),)  # pyrefly: ignore[bad-assignment]
            transform.max_size = max(image_size)
        self.add_metrics(map=MeanAveragePrecision())

    def setup(self, stage: str) -> None:
        if stage == "fit" and self.weights:
            load_matching(self.network, self.weights)

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        targets = [
            {"boxes": boxes.corners[~boxes.ignored], "labels": boxes.labels[~boxes.ignored]}
            for boxes in batch.targets.samples()
        ]
        losses = self.network(list(in_default_type(batch.inputs)), targets)
        loss = torch.stack(list(losses.values())).sum()
        self.log_training(loss=loss, **losses)
        return loss

    def evaluate(self, batch: Any, stage: EvaluationStage) -> EvaluationOutput:
        predictions = self.predict_step(batch, 0)
        targets = [
            {"boxes": boxes.corners, "labels": boxes.labels, "ignored": boxes.ignored}
            for boxes in batch.targets.samples()
        ]
        getattr(self, f"{stage}_map").update(predictions, targets)
        errors = [count_errors(*pair) for pair in zip(predictions, targets, strict=True)]
        return EvaluationOutput(predictions, torch.stack(errors))

    def predict_step(self, batch: Any, batch_idx: int) -> list[dict[str, Tensor]]:
        """`boxes` (box, 4), `labels` (box,) and `scores` (box,) of each image, by descending score."""
        # bfloat16 has a resolution of two pixels from 256 pixels on.
        with torch.autocast(self.device.type, enabled=False):
            return self.network(list(in_default_type(batch.inputs)))

    def on_validation_epoch_end(self) -> None:
        self._log_map("val")

    def on_test_epoch_end(self) -> None:
        self._log_map("test")

    def _log_map(self, stage: EvaluationStage) -> None:
        metric = getattr(self, f"{stage}_map")
        # The metric gathers all ranks, so its value is equal on each.
        results = {f"{stage}/{name}": value for name, value in metric.compute().items()}
        self.log_dict(results, prog_bar=True, sync_dist=True)
        metric.reset()


def count_errors(prediction: dict[str, Tensor], target: dict[str, Tensor]) -> Tensor:
    """Number of missed and false boxes in one image, a scalar.

    Boxes are matched independently, so duplicates are not errors: sufficient for ranking images.
    """
    from torchvision.ops import box_iou

    confident = prediction["scores"] >= MIN_SCORE
    same = prediction["labels"][confident].unsqueeze(1) == target["labels"]
    matches = same & (box_iou(prediction["boxes"][confident].float(), target["boxes"].float()) >= MIN_IOU)
    missed = ~matches.any(dim=0) & ~target["ignored"]
    return (missed.sum() + (~matches.any(dim=1)).sum()).float()


def load_matching(network: nn.Module, weights: str) -> None:
    """Load the weights whose names and shapes match, and log their number.

    Raises:
        UserError: there are no such weights, they cannot be downloaded, or none matches.
    """
    from torchvision.models import get_weight

    try:
        if Path(weights).is_file():
            content = torch.load(weights, map_location="cpu", weights_only=True)
            loaded = {
                name.removeprefix("network."): value for name, value in content.get("state_dict", content).items()
            }
        else:
            loaded = get_weight(weights).get_state_dict(progress=False, check_hash=True)
    except (OSError, RuntimeError, ValueError, KeyError, AttributeError, UnpicklingError) as error:
        raise UserError(f"cannot load model.weights={weights}, by that name or as a file: {error}") from error
    own = network.state_dict()
    matching = {name: value for name, value in loaded.items() if name in own and own[name].shape == value.shape}
    if not matching:
        raise UserError(f"model.weights={weights}: none of its {len(loaded)} tensors match {type(network).__name__}")
    network.load_state_dict(matching, strict=False)
    new = sorted({name.rsplit(".", 1)[0] for name, value in own.items() if name not in matching and value.ndim})
    log.info("%s: %d of %d tensors; new: %s", weights, len(matching), len(own), ", ".join(new) or "none")
