from .core.batch import Batch
from .core.datamodule import DataModule, Stage
from .core.error import DataError
from .core.rows import RaggedRows, Rows, TensorRows
from .core.split_names import Split

__all__ = ["Batch", "DataError", "DataModule", "RaggedRows", "Rows", "Split", "Stage", "TensorRows"]
