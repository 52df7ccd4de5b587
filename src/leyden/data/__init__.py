from .core.batch import Batch
from .core.datamodule import DataModule, Stage
from .core.error import DataError
from .core.samples import RaggedSamples, Samples, TensorSamples
from .core.split_names import Split

__all__ = ["Batch", "DataError", "DataModule", "RaggedSamples", "Samples", "Split", "Stage", "TensorSamples"]
