"""Datasets, networks and tasks with one fault each, for the small project of test_contract_failures.py."""

from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from leyden import DataModule, Task
from leyden.data.core.samples import TensorSamples
from leyden.tasks import Classification, EvaluationOutput


class Points(DataModule):
    """Points in two classes, by the sign of their first coordinate."""

    is_embedded = True

    def load(self, split):
        self.class_names = ["left", "right"]
        targets = torch.arange(60) % 2
        side = 2.0 * targets.unsqueeze(1) - 1
        return TensorSamples(torch.cat([side, torch.randn(60, 3, generator=self.generator(split))], 1), targets)

    def generator(self, split):
        return torch.Generator().manual_seed(len(split))

    def batch_transform(self, stage):
        return nn.Identity()


class Shaky(Points):
    """Different points each time."""

    def generator(self, split):
        return None


class Unseen(Points):
    """Points from files."""

    is_embedded = False
    paths = ("root/",)

    def __init__(self, root: str, batch_size: int = 8) -> None:
        super().__init__(batch_size=batch_size)
        self.root = root


class Unnamed(Points):
    """Points from a file that is not in a setting."""

    is_embedded = False

    def load(self, split):
        return super().load(split) if Path("points.txt").read_text() else None


class Linear(nn.Module):
    """Args: num_classes: of the data."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.layer = nn.Linear(4, num_classes)

    def forward(self, inputs):
        return self.layer(10 * inputs)  # which is learnt quickly


class Mixing(Linear):
    def forward(self, inputs):
        return super().forward(inputs - inputs.mean(0))


class Idle(Linear):
    def __init__(self, num_classes: int) -> None:
        super().__init__(num_classes)
        self.unused = nn.Linear(4, 1)


class Blind(Linear):
    def forward(self, inputs):
        return super().forward(torch.zeros_like(inputs))


class Fixed(Linear):
    def forward(self, inputs):
        return super().forward(inputs.float())


class Forgetful(Linear):
    """Counts its calls in an attribute that is not in the checkpoint."""

    num_calls = 0

    def forward(self, inputs):
        self.num_calls += self.training
        return super().forward(inputs) * (1 + self.num_calls % 2)


class NotANumber(Classification):
    def training_step(self, batch, batch_idx):
        return super().training_step(batch, batch_idx) * torch.nan


class Silent(Classification):
    """Monitors a metric that it does not log in testing."""

    def evaluate(self, batch, stage):
        evaluated = super().evaluate(batch, stage)
        if stage == "val":
            self.log("val/other", evaluated.per_sample_loss.mean(), batch_size=len(batch.targets))
        return evaluated

    monitor = "val/other"


class Bare(Task):
    """Implements the required methods, without predictions."""

    def training_step(self, batch):
        return F.cross_entropy(self(batch.inputs), batch.targets)

    def evaluate(self, batch, stage):
        errors = F.cross_entropy(self(batch.inputs), batch.targets, reduction="none")
        self.log(f"{stage}/loss", errors.mean(), batch_size=len(errors))
        return EvaluationOutput(errors, errors)


class Lonely(Bare):
    """A task without an experiment with embedded data."""
