from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torchmetrics.classification import (
    MulticlassAccuracy,
    MulticlassConfusionMatrix,
    MulticlassF1Score,
    MulticlassJaccardIndex,
)

from ..metrics.confusion_matrix import confusion_matrix, confusion_table
from ..metrics.mean import Mean
from ..metrics.mean_over_ranks import mean_over_ranks
from .task import EvaluationOutput, EvaluationStage, Task

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Segmentation(Task):
    """Semantic segmentation: cross-entropy loss; mean intersection over union, Dice and pixel accuracy.

    Both means are over the classes that occur in the targets or predictions of the whole split, whose pixels are pooled.
    Dice is the F1 score over pixels. Testing also logs both for each class, as `test/iou_<class>` and
    `test/dice_<class>`.

    Args:
        network: maps images to logits (batch, class, height, width), or to torchvision's dict with `out` and, for an
            auxiliary head, `aux`, whose loss has weight 0.5, as in torchvision's training.
        class_names: class names, in the order of their indices.
        ignore_index: class index of pixels excluded from loss and metrics.
        class_weights: class weights in the cross-entropy; by default 1.
        dice_weight: weight of the soft Dice loss, which is added to the cross-entropy.
        **task: arguments of `Task`.
    """

    monitor, mode = "val/miou", "max"

    def __init__(
        self,
        network: nn.Module,
        class_names: Sequence[str],
        ignore_index: int,
        class_weights: Sequence[float] | None = None,
        dice_weight: float = 0.0,
        **task: Any,
    ) -> None:
        if class_weights is not None and min(class_weights) < 0:
            raise ValueError(f"class_weights are {class_weights}; none may be negative")
        if dice_weight < 0:
            raise ValueError(f"dice_weight is {dice_weight}; it must not be negative")
        num_classes = len(class_names)
        if class_weights is not None and len(class_weights) != num_classes:
            raise ValueError(f"class_weights has {len(class_weights)} values for {num_classes} classes")
        super().__init__(network=network, **task)
        self.class_names, self.ignore_index, self.dice_weight = class_names, ignore_index, dice_weight
        self.register_buffer("class_weights", torch.tensor(class_weights or [1.0] * num_classes), persistent=False)
        options: Any = {"num_classes": num_classes, "ignore_index": ignore_index, "validate_args": False}
        self.add_metrics(
            loss=Mean(),
            miou=MulticlassJaccardIndex(average="macro", **options),
            dice=MulticlassF1Score(average="macro", **options),
            pixel_accuracy=MulticlassAccuracy(average="micro", **options),
        )
        self.confusion = MulticlassConfusionMatrix(**options)

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        heads = self.heads(batch.inputs)
        total = self.total_weight(batch.targets)
        loss = self.loss(heads["out"], batch.targets, total)
        if "aux" in heads:
            loss = loss + 0.5 * self.loss(heads["aux"], batch.targets, total)
        self.log_training(loss=loss)
        return loss

    def evaluate(self, batch: Any, stage: EvaluationStage) -> EvaluationOutput:
        logits, targets = self(batch.inputs), batch.targets
        num_pixels = (targets != self.ignore_index).flatten(1).sum(dim=1)
        losses = self.pixel_losses(logits, targets).flatten(1).sum(dim=1) / num_pixels.clamp(min=1)
        self.measure(stage, "loss", losses, num_pixels)
        predictions = logits.argmax(dim=1)
        for name in ("miou", "dice", "pixel_accuracy"):
            self.measure(stage, name, predictions, targets)
        self.confusion.update(predictions, targets)
        return EvaluationOutput(predictions.to(torch.uint8), losses)

    def predict_step(self, batch: Any, batch_idx: int) -> Tensor:
        """Class of each pixel, uint8 (batch, height, width)."""
        return self(batch.inputs).argmax(dim=1).to(torch.uint8)

    def forward(self, inputs: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Logits (batch, class, height, width)."""
        return self.heads(inputs)["out"]

    def heads(self, inputs: Tensor) -> dict[str, Tensor]:
        """Logits of each head in float32; `out` is the main head."""
        output = super().forward(inputs)
        heads = output if isinstance(output, dict) else {"out": output}
        return {name: logits.float() for name, logits in heads.items()}

    def total_weight(self, targets: Tensor) -> Tensor:
        """Total weight of the valid pixels, averaged over ranks."""
        valid = targets != self.ignore_index
        weights = self.class_weights[targets.masked_fill(~valid, 0)] * valid
        return mean_over_ranks(weights.sum()).clamp(min=1e-6)

    def loss(self, logits: Tensor, targets: Tensor, total_weight: Tensor) -> Tensor:
        """Weighted mean over valid pixels, plus the soft Dice loss if it has a weight."""
        loss = self.pixel_losses(logits, targets, self.class_weights).sum() / total_weight
        if not self.dice_weight:
            return loss
        valid = targets != self.ignore_index
        return loss + self.dice_weight * soft_dice_loss(logits, targets.masked_fill(~valid, 0), valid)

    def pixel_losses(self, logits: Tensor, targets: Tensor, weights: Tensor | None = None) -> Tensor:
        """Cross-entropy (batch, height, width), 0 for ignored pixels."""
        # Flattened: CUDA has no deterministic cross-entropy for images.
        pixels, classes = logits.movedim(1, -1).flatten(0, 2), targets.flatten()
        weights = weights if weights is None else weights.to(pixels.dtype)
        losses = cross_entropy(pixels, classes, weights, ignore_index=self.ignore_index, reduction="none")
        return losses.reshape(targets.shape)

    def on_test_epoch_end(self) -> None:
        counts = self.confusion.compute().cpu().double()  # gathered from all ranks, so equal on each
        true, predicted, both = counts.sum(dim=1), counts.sum(dim=0), counts.diagonal()
        for index in (true + predicted).nonzero().flatten().tolist():
            t, p, b, name = true[index], predicted[index], both[index], self.class_names[index]
            self.log(f"test/iou_{name}", (b / (t + p - b)).float(), sync_dist=True)
            self.log(f"test/dice_{name}", (2 * b / (t + p)).float(), sync_dist=True)

    def figures(self) -> dict[str, "Figure"]:
        return {"confusion_matrix": confusion_matrix(self.confusion.compute().cpu(), self.class_names)}

    def tables(self) -> dict[str, list[list[Any]]]:
        return {"confusion_matrix": confusion_table(self.confusion.compute().cpu(), self.class_names)}

    def on_validation_epoch_start(self) -> None:
        self.confusion.reset()

    def on_test_epoch_start(self) -> None:
        self.confusion.reset()


def soft_dice_loss(logits: Tensor, classes: Tensor, valid: Tensor) -> Tensor:
    """Soft Dice loss: 1 - Dice of the probabilities, averaged over samples and classes, with a smoothing term of 1.

    Source: Milletari et al., V-Net, 2016, https://arxiv.org/abs/1606.04797, without squares in the denominator.

    Args:
        logits: (batch, class, height, width).
        classes: class indices (batch, height, width), int64.
        valid: mask of valid pixels (batch, height, width).
    """
    probabilities = logits.softmax(dim=1) * valid.unsqueeze(1)
    indices = torch.arange(logits.shape[1], device=logits.device).reshape(1, -1, 1, 1)
    true = (classes.unsqueeze(1) == indices) & valid.unsqueeze(1)
    both = (probabilities * true).sum(dim=(2, 3))
    return 1 - ((2 * both + 1) / (probabilities.sum(dim=(2, 3)) + true.sum(dim=(2, 3)) + 1)).mean()
