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
SURE, OVERLAP = 0.4, 0.5  # from where on a box counts as shown, and as found, in the order of the worst samples


class Detection(Task):
    """Boxes and their classes, by a detector of torchvision or one that is called like them.

    Such a detector gives a dict of losses in training, whose sum is minimised, and boxes otherwise. Its class 0 is the
    background. It has no loss in evaluation: what tells the best checkpoint is the mean average precision.

    Args:
        network: (images, targets) -> losses; images -> boxes, labels and scores of each.
        image_size: height and width of the images. torchvision's own resizing, to 800 pixels by default, is set to it
            and so changes nothing; SSD keeps the size that it is made for.
        weights: to start training from, where names and shapes agree, so that only the outputs for other classes begin
            anew: the name of torchvision's, such as `FCOS_ResNet50_FPN_Weights.COCO_V1`, a checkpoint of another run,
            or a file with a state dict.
        **task: arguments of `Task`.
    """

    monitor, mode = "val/map_50", "max"

    def __init__(self, network: nn.Module, image_size: Sequence[int], weights: str | None = None, **task: Any) -> None:
        from torchvision.models.detection.transform import GeneralizedRCNNTransform  # not in every environment

        super().__init__(network=network, **task)
        self.weights = weights
        transform = getattr(network, "transform", None)
        if isinstance(transform, GeneralizedRCNNTransform) and transform.fixed_size is None:
            # torchvision annotates a number and keeps a tuple.
            transform.min_size = (min(image_size),)  # pyrefly: ignore[bad-assignment]
            transform.max_size = max(image_size)
        self.add_metrics(map=MeanAveragePrecision())

    def setup(self, stage: str) -> None:
        if stage == "fit" and self.weights:
            load_matching(self.network, self.weights)

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        targets = [
            {"boxes": one.corners[~one.ignored], "labels": one.labels[~one.ignored]} for one in batch.targets.samples()
        ]
        losses = self.network(list(in_default_type(batch.inputs)), targets)
        loss = torch.stack(list(losses.values())).sum()
        self.log_training(loss=loss, **losses)
        return loss

    def evaluate(self, batch: Any, stage: EvaluationStage) -> EvaluationOutput:
        found = self.predict_step(batch, 0)
        true = [{"boxes": one.corners, "labels": one.labels, "ignored": one.ignored} for one in batch.targets.samples()]
        getattr(self, f"{stage}_map").update(found, true)
        return EvaluationOutput(found, torch.stack([mistakes(*pair) for pair in zip(found, true, strict=True)]))

    def predict_step(self, batch: Any, batch_idx: int) -> list[dict[str, Tensor]]:
        """Of each image: boxes [box, 4], labels [box] and scores [box], the most certain first."""
        # bfloat16 has steps of two pixels from 256 pixels on.
        with torch.autocast(self.device.type, enabled=False):
            return self.network(list(in_default_type(batch.inputs)))

    def on_validation_epoch_end(self) -> None:
        self._log_map("val")

    def on_test_epoch_end(self) -> None:
        self._log_map("test")

    def _log_map(self, stage: EvaluationStage) -> None:
        metric = getattr(self, f"{stage}_map")
        # The metric has gathered all ranks, which therefore agree.
        results = {f"{stage}/{name}": value for name, value in metric.compute().items()}
        self.log_dict(results, prog_bar=True, sync_dist=True)
        metric.reset()


def mistakes(found: dict[str, Tensor], true: dict[str, Tensor]) -> Tensor:
    """True boxes that are not found and found boxes that are not true, in one image: a number [].

    Each box looks for its like by itself, so that doubles are no mistake: enough to bring the worst images first.
    """
    from torchvision.ops import box_iou

    sure = found["scores"] >= SURE
    same = found["labels"][sure].unsqueeze(1) == true["labels"]
    agree = same & (box_iou(found["boxes"][sure].float(), true["boxes"].float()) >= OVERLAP)
    missed = ~agree.any(dim=0) & ~true["ignored"]
    return (missed.sum() + (~agree.any(dim=1)).sum()).float()


def load_matching(network: nn.Module, weights: str) -> None:
    """Loads the weights whose names and shapes agree, and says how many there are.

    Raises:
        UserError: there are no such weights, they cannot be had, or none fits.
    """
    from torchvision.models import get_weight

    try:
        if Path(weights).is_file():
            content = torch.load(weights, map_location="cpu", weights_only=True)
            known = {name.removeprefix("network."): value for name, value in content.get("state_dict", content).items()}
        else:
            known = get_weight(weights).get_state_dict(progress=False, check_hash=True)
    except (OSError, RuntimeError, ValueError, KeyError, AttributeError, UnpicklingError) as error:
        raise UserError(f"cannot load model.weights={weights}, by that name or as a file: {error}") from error
    own = network.state_dict()
    fitting = {name: value for name, value in known.items() if name in own and own[name].shape == value.shape}
    if not fitting:
        raise UserError(f"model.weights={weights}: not one of its {len(known)} tensors fits {type(network).__name__}")
    network.load_state_dict(fitting, strict=False)
    anew = sorted({name.rsplit(".", 1)[0] for name, value in own.items() if name not in fitting and value.ndim})
    log.info("%s: %d of %d tensors; anew: %s", weights, len(fitting), len(own), ", ".join(anew) or "none")
