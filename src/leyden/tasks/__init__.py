from .classification import Classification
from .detection import Detection
from .language_modeling import LanguageModeling
from .multilabel_classification import MultilabelClassification
from .segmentation import Segmentation
from .task import Evaluated, Task
from .transcription import Transcription

__all__ = [
    "Classification",
    "Detection",
    "Evaluated",
    "LanguageModeling",
    "MultilabelClassification",
    "Segmentation",
    "Task",
    "Transcription",
]
