from .local import Local
from .slurm import Slurm

__all__ = ["Local", "Slurm"]
