from .interruption import Interrupted, Interruption
from .last_checkpoint import LastCheckpoint
from .optimization import Optimization
from .pictures import Pictures
from .progress_lines import ProgressLines
from .throughput import Throughput

__all__ = ["Interrupted", "Interruption", "LastCheckpoint", "Optimization", "Pictures", "ProgressLines", "Throughput"]
