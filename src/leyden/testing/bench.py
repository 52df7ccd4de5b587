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
UNATTACHED = "not attached to a `Trainer`"  # in Lightning's error message
# Settings of torchvision's detectors that keep all boxes: an untrained detector has nearly equal scores, among which
# rounding errors, which depend on the CPU and the batch size, would decide.
ALL_BOXES = {
    "_pre_nms_top_n": {"testing": 10**6},
    "_post_nms_top_n": {"testing": 10**6},
    "topk_candidates": 10**6,
    "detections_per_img": 10**6,
    "nms_thresh": 1.0,
    "score_thresh": 0.0,
}


class Bench:
    """A model with the data of an experiment, without a trainer.

    Args:
        root: root of the project.
        pair: the model and the experiment.
    """

    def __init__(self, root: Path, pair: Pair) -> None:
        config = _checked(root, pair)
        data = taking(usable_data(root, pair.experiment, config), provided(config))
        network = config["model"].get("network")
        is_torchvisions = isinstance(network, dict) and str(network.get("_target_")).startswith("torchvision.")
        if is_torchvisions and "in_channels" in data:
            data["in_channels"] = 3  # they support only colour images
        self.data, self.name = prepared(data), str(pair)
        self.model: Any = build(small_model(config["model"]), self.data.provided())
        self.task = type(self.model).__name__
        if not self.model.automatic_optimization:
            pytest.skip(f"{pair} is not tested: {self.task} uses manual optimization, which needs a trainer")
        self.model.log = self.model.log_dict = self.model.log_training = lambda *_, **__: None
        if hasattr(self.model, "generation"):
            self.model.generation.temperature = 0.0  # sampled tokens would depend on rounding errors
        for module in self.model.modules():
            if isinstance(module, DROPOUTS):
                module.p = 0.0
        self._transform = self.data.batch_transform("test")

    def batch(self, *indices: int) -> Any:
        """Training samples as the model receives them; indices wrap around at the end of the dataset."""
        samples = self.data.samples["train"]
        return self._transform(samples.__getitems__([index % len(samples) for index in indices]))

    def loss(self, batch: Any) -> Tensor:
        """Loss of a training step, with a fixed random seed."""
        torch.manual_seed(0)
        output = self._call(self.model.training_step, batch)
        return output["loss"] if isinstance(output, dict) else output

    def predictions(self, batch: Any) -> Any:
        return self._call(self.model.predict_step, batch)

    def keep_all_boxes(self) -> None:
        """Make torchvision's detectors predict every box that they propose."""
        for module in self.model.modules():
            for name in ALL_BOXES.keys() & vars(module).keys():
                setattr(module, name, ALL_BOXES[name])

    def batch_dependence(self, num_samples: int) -> str:
        """How predictions of a sample differ between a batch and the sample alone, in float64; empty if they do not."""
        precision = DoublePrecision()
        precision.convert_module(self.model)
        with torch.no_grad(), precision.forward_context():
            batched = self.predictions(self.batch(*range(num_samples)))
            if len(batched) != num_samples:
                return f"predict_step returns {len(batched)} predictions for a batch of {num_samples} samples"
            for index in range(num_samples):
                (single,) = self.predictions(self.batch(index))
                if text := difference(batched[index], single, atol=1e-5, rtol=1e-4):
                    return f"the predictions of sample {index} change with the other samples of its batch: {text}"
        return ""

    def _call(self, step: Any, batch: Any) -> Any:
        names = inspect.signature(step).parameters
        try:
            return step(*(batch, 0)[: len(names)])
        except RuntimeError as error:
            if UNATTACHED not in str(error):
                raise
            pytest.skip(f"{self.name} is not tested: {self.task}.{step.__name__} needs a trainer")


def _checked(root: Path, pair: Pair) -> dict[str, Any]:
    """The configuration of a pair; skips the test if it is invalid or downloads weights."""
    try:
        composed = pair.composed(root)
        skip_pretrained(composed.config["model"], str(pair))
        messages = mistakes(composed)
    except ConfigError as error:
        messages = error.messages
    else:
        if not messages:
            return composed.config
    pytest.skip(f"{pair} is not tested: {messages[0]}")
