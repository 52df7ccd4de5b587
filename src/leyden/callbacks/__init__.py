from .classification_pictures import ClassificationPictures
from .gradient_norm import GradientNorm
from .interruption import Interrupted, Interruption
from .progress_lines import ProgressLines
from .throughput import Throughput

__all__ = [
    "ClassificationPictures",
    "GradientNorm",
    "Interrupted",
    "Interruption",
    "ProgressLines",
    "Throughput",
]
