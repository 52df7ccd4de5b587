from .classification import Classification
from .task import Evaluated, Task
from .warmup_cosine import warmup_cosine

__all__ = ["Classification", "Evaluated", "Task", "warmup_cosine"]
