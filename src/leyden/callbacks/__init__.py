from .batch_lines import BatchLines
from .best_record import BestRecord
from .interruption import Interruption
from .last_checkpoint import LastCheckpoint
from .non_finite_loss import NonFiniteLoss
from .optimization import Optimization
from .pictures import Pictures
from .progress_bar import ProgressBar
from .progress_lines import ProgressLines
from .resume_point import ResumePoint
from .throughput import Throughput
from .watchdog import Watchdog

__all__ = [
    "BatchLines",
    "BestRecord",
    "Interruption",
    "LastCheckpoint",
    "NonFiniteLoss",
    "Optimization",
    "Pictures",
    "ProgressBar",
    "ProgressLines",
    "ResumePoint",
    "Throughput",
    "Watchdog",
]
