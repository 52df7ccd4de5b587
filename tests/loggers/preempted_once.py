"""A callback that sends its process the signal of a preemption, once in each run."""

import os
import signal
from pathlib import Path

from lightning.pytorch import Callback


class PreemptedOnce(Callback):
    """
    Args:
        step: after which the signal is sent.
    """

    def __init__(self, step: int) -> None:
        self.step = step

    def on_train_batch_end(self, trainer, *arguments):
        mark = Path(trainer.default_root_dir, "signal-sent")
        if trainer.global_step == self.step and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGTERM)
