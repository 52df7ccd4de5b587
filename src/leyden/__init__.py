"""Leyden: what experiments with PyTorch Lightning need and nobody wants to write again."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .data import Batch, DataModule
    from .run.predictor import load
    from .run.train import train
    from .tasks import Task

__version__ = "0.2.0"
__all__ = ["Batch", "DataModule", "Task", "__version__", "load", "train"]

# Imported when they are asked for: the command line answers without torch.
PLACES = {"Batch": "data", "DataModule": "data", "Task": "tasks", "load": "run.predictor", "train": "run.train"}


def __getattr__(name: str) -> Any:
    if name not in PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{PLACES[name]}", __name__), name)
