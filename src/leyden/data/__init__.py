from .batch import Batch
from .datamodule import DataModule
from .error import DataError

__all__ = ["Batch", "DataError", "DataModule"]
