from .classification import Classification
from .detection import Detection
from .language_modeling import LanguageModeling
from .multilabel_classification import MultilabelClassification
from .segmentation import Segmentation
from .task import EvaluationOutput, EvaluationStage, Task
from .transcription import Transcription

__all__ = [
    "Classification",
    "Detection",
    "EvaluationOutput",
    "EvaluationStage",
    "LanguageModeling",
    "MultilabelClassification",
    "Segmentation",
    "Task",
    "Transcription",
]
