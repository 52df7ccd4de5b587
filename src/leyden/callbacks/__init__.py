from .batch_lines import BatchLines
from .best_record import BestRecord
from .gradient_monitor import GradientMonitor
from .interruption import Interruption
from .last_checkpoint import LastCheckpoint
from .learning_curves import LearningCurves
from .non_finite_loss import NonFiniteLoss
from .prediction_plots import PredictionPlots
from .progress_bar import ProgressBar
from .progress_lines import ProgressLines
from .pruning import Pruning
from .resume_point import ResumePoint
from .task_contract import TaskContract
from .throughput import Throughput
from .watchdog import Watchdog

__all__ = [
    "BatchLines",
    "BestRecord",
    "GradientMonitor",
    "Interruption",
    "LastCheckpoint",
    "LearningCurves",
    "NonFiniteLoss",
    "PredictionPlots",
    "ProgressBar",
    "ProgressLines",
    "Pruning",
    "ResumePoint",
    "TaskContract",
    "Throughput",
    "Watchdog",
]
