from .beam_decoder import BeamDecoder
from .classification import Classification
from .detection import Detection
from .fully_sharded import FullySharded
from .generation import Generation
from .greedy_decoder import greedy_decoder
from .language_modeling import LanguageModeling
from .multilabel_classification import MultilabelClassification
from .segmentation import Segmentation
from .task import Evaluated, Task
from .transcription import Transcription
from .warmup_cosine import warmup_cosine

__all__ = [
    "BeamDecoder",
    "Classification",
    "Detection",
    "Evaluated",
    "FullySharded",
    "Generation",
    "LanguageModeling",
    "MultilabelClassification",
    "Segmentation",
    "Task",
    "Transcription",
    "greedy_decoder",
    "warmup_cosine",
]
