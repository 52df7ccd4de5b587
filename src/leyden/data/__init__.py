from .core.batch import Batch
from .core.datamodule import DataModule
from .core.error import DataError

__all__ = ["Batch", "DataError", "DataModule"]
