from .classification_pictures import ClassificationPictures
from .interruption import Interrupted, Interruption
from .optimization import Optimization
from .progress_lines import ProgressLines
from .throughput import Throughput

__all__ = ["ClassificationPictures", "Interrupted", "Interruption", "Optimization", "ProgressLines", "Throughput"]
