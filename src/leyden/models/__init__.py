from .classification import Classification
from .detection import Detection
from .task import Evaluated, Task
from .warmup_cosine import warmup_cosine

__all__ = ["Classification", "Detection", "Evaluated", "Task", "warmup_cosine"]
