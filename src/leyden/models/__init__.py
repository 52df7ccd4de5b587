from .classification import Classification
from .multilabel_classification import MultilabelClassification
from .segmentation import Segmentation
from .task import Evaluated, Task
from .warmup_cosine import warmup_cosine

__all__ = [
    "Classification",
    "Evaluated",
    "MultilabelClassification",
    "Segmentation",
    "Task",
    "warmup_cosine",
]
