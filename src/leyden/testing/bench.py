"""A model with the data of an experiment, without a trainer."""

import inspect
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch.plugins import DoublePrecision
from torch import Tensor, nn

from ..config.build import build
from ..config.compose import ConfigError
from ..run.preprocessing import provided, taking
from .datasets import prepared, usable_data
from .differences import difference
from .pretrained import skip_pretrained
from .project import Pair, mistakes
from .small import small_model

DROPOUTS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout)
UNATTACHED = "not attached to a `Trainer`"  # how Lightning refuses what needs one
# Settings of torchvision's detectors that leave no box out: those of a fresh detector score alike, and rounding, which
# depends on the CPU and on the size of the batch, would choose among them.
ALL_BOXES = {
    "_pre_nms_top_n": {"testing": 10**6},
    "_post_nms_top_n": {"testing": 10**6},
    "topk_candidates": 10**6,
    "detections_per_img": 10**6,
    "nms_thresh": 1.0,
    "score_thresh": 0.0,
}


class Bench:
    """
    Args:
        root: of the project.
        pair: the model, and the experiment whose data it is given.
    """

    def __init__(self, root: Path, pair: Pair) -> None:
        config = _checked(root, pair)
        data = taking(usable_data(root, pair.experiment, config), provided(config))
        network = config["model"].get("network")
        is_torchvisions = isinstance(network, dict) and str(network.get("_target_")).startswith("torchvision.")
        if is_torchvisions and "in_channels" in data:
            data["in_channels"] = 3  # they are for colour images alone
        self.data, self.name = prepared(data), str(pair)
        self.model: Any = build(small_model(config["model"]), self.data.provided())
        self.task = type(self.model).__name__
        if not self.model.automatic_optimization:
            pytest.skip(f"{pair} is not tested: {self.task} optimizes by itself, which needs a trainer")
        self.model.log = self.model.log_dict = self.model.log_training = lambda *_, **__: None
        if hasattr(self.model, "generation"):
            self.model.generation.temperature = (
                0.0  # random tokens depend on rounding errors, the likeliest ones do not
            )
        for module in self.model.modules():
            if isinstance(module, DROPOUTS):
                module.p = 0.0
        self._transform = self.data.batch_transform("test")

    def batch(self, *indices: int) -> Any:
        """Training samples as the model receives them; indices beyond the last one start again at 0."""
        samples = self.data.samples["train"]
        return self._transform(samples.__getitems__([index % len(samples) for index in indices]))

    def loss(self, batch: Any) -> Tensor:
        """The loss of a training step; whatever is random in it is the same each time."""
        torch.manual_seed(0)
        found = self._called(self.model.training_step, batch)
        return found["loss"] if isinstance(found, dict) else found

    def predictions(self, batch: Any) -> Any:
        return self._called(self.model.predict_step, batch)

    def keep_all_boxes(self) -> None:
        """Has torchvision's detectors predict every box that they propose."""
        for module in self.model.modules():
            for name in ALL_BOXES.keys() & vars(module).keys():
                setattr(module, name, ALL_BOXES[name])

    def mixed(self, num_samples: int) -> str:
        """What differs when a sample is predicted with others and alone, in float64; nothing where nothing does."""
        precision = DoublePrecision()
        precision.convert_module(self.model)
        with torch.no_grad(), precision.forward_context():
            together = self.predictions(self.batch(*range(num_samples)))
            if len(together) != num_samples:
                return f"predict_step gives {len(together)} predictions for a batch of {num_samples} samples"
            for index in range(num_samples):
                (alone,) = self.predictions(self.batch(index))
                if found := difference(together[index], alone, atol=1e-5, rtol=1e-4):
                    return f"the predictions of sample {index} change with the other samples of its batch: {found}"
        return ""

    def _called(self, step: Any, batch: Any) -> Any:
        names = inspect.signature(step).parameters
        try:
            return step(*(batch, 0)[: len(names)])
        except RuntimeError as error:
            if UNATTACHED not in str(error):
                raise
            pytest.skip(f"{self.name} is not tested: {self.task}.{step.__name__} needs a trainer")


def _checked(root: Path, pair: Pair) -> dict[str, Any]:
    """The configuration of a pair; the test is skipped where it has a mistake, or where weights are downloaded."""
    try:
        composed = pair.composed(root)
        skip_pretrained(composed.config["model"], str(pair))
        found = mistakes(composed)
    except ConfigError as error:
        found = error.messages
    else:
        if not found:
            return composed.config
    pytest.skip(f"{pair} is not tested: {found[0]}")
