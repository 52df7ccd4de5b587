from .classification import Classification
from .segmentation import Segmentation
from .task import Evaluated, Task
from .warmup_cosine import warmup_cosine

__all__ = ["Classification", "Evaluated", "Segmentation", "Task", "warmup_cosine"]
