from .interruption import Interruption
from .non_finite_loss import NonFiniteLoss
from .optimization import Optimization
from .pictures import Pictures
from .progress_lines import ProgressLines
from .throughput import Throughput
from .watchdog import Watchdog

__all__ = [
    "Interruption",
    "NonFiniteLoss",
    "Optimization",
    "Pictures",
    "ProgressLines",
    "Throughput",
    "Watchdog",
]
