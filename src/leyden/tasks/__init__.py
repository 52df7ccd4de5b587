from .classification import Classification
from .detection import Detection
from .language_modeling import LanguageModeling
from .multilabel_classification import MultilabelClassification
from .segmentation import Segmentation
from .task import Evaluated, EvaluationStage, Task
from .transcription import Transcription

__all__ = [
    "Classification",
    "Detection",
    "Evaluated",
    "EvaluationStage",
    "LanguageModeling",
    "MultilabelClassification",
    "Segmentation",
    "Task",
    "Transcription",
]
