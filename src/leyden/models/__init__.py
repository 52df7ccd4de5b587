from .classification import Classification
from .generation import Generation
from .language_modeling import LanguageModeling
from .task import Evaluated, Task
from .warmup_cosine import warmup_cosine

__all__ = ["Classification", "Evaluated", "Generation", "LanguageModeling", "Task", "warmup_cosine"]
