from .interruption import Interrupted, Interruption
from .optimization import Optimization
from .pictures import Pictures
from .progress_lines import ProgressLines
from .throughput import Throughput

__all__ = ["Interrupted", "Interruption", "Optimization", "Pictures", "ProgressLines", "Throughput"]
