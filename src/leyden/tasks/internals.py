"""Private names of Lightning and torchmetrics without a public equivalent; those of torch are in compiled.py."""

import torch
from lightning.pytorch import Trainer
from torchmetrics import Metric

FUNCTION_NAME = "_current_fx_name"  # attribute of LightningModule: the current hook


def is_logging_step(trainer: Trainer) -> bool:
    """Whether loggers receive the values logged in this step."""
    return trainer._logger_connector.should_update_logs


def discard_samples(metric: Metric) -> None:
    """Discard all samples of a metric. Unlike `reset`, this keeps the shapes of states, for gathering from all ranks."""
    for name, default in metric._defaults.items():
        state = getattr(metric, name)
        setattr(metric, name, [part[:0] for part in state] if isinstance(state, list) else torch.zeros_like(state))
        assert isinstance(default, list) or not default.any()  # sums start at 0
    metric._computed = None
