from .classification import Classification
from .task import Task
from .warmup_cosine import warmup_cosine

__all__ = ["Classification", "Task", "warmup_cosine"]
