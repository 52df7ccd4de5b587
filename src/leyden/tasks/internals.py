"""Private names of Lightning and torchmetrics that tasks need, for which there is no public way; torch's: compiled.py."""

import torch
from lightning.pytorch import Trainer
from torchmetrics import Metric

FUNCTION_NAME = "_current_fx_name"  # of the LightningModule: the hook that runs


def is_logging_step(trainer: Trainer) -> bool:
    """Whether loggers are sent what this step logs."""
    return trainer._logger_connector.should_update_logs


def forget(metric: Metric) -> None:
    """Leaves out all samples that a metric has seen. Unlike after a reset, what it gathers from all ranks keeps its shape."""
    for name, default in metric._defaults.items():
        state = getattr(metric, name)
        setattr(metric, name, [part[:0] for part in state] if isinstance(state, list) else torch.zeros_like(state))
        assert isinstance(default, list) or not default.any()  # sums begin at 0
    metric._computed = None
