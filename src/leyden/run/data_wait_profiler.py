import logging
import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Trainer
from lightning.pytorch.profilers import PassThroughProfiler

log = logging.getLogger(__name__)

NULL_CONTEXT = nullcontext()
FETCH = "train_dataloader_next"  # of Lightning's name for this action


class DataWaitProfiler(PassThroughProfiler):
    """Measure the time training waits for batches, and nothing else: Lightning's Trainer calls its profiler about 80
    times a step.

    A GPU executes queued kernels while the process fetches a batch; a fetch that ends before the queue is empty costs
    no time. The query for this does not synchronize.
    """

    def __init__(self) -> None:
        super().__init__()
        self.seconds_waited = self._begin = 0.0

    def profile(self, action_name: str) -> AbstractContextManager[None]:  # pyrefly: ignore[bad-override]
        return NULL_CONTEXT

    def start(self, action_name: str) -> None:
        self._begin = time.perf_counter()

    def stop(self, action_name: str) -> None:
        if action_name.endswith(FETCH) and (not torch.cuda.is_initialized() or torch.cuda.current_stream().query()):
            self.seconds_waited += time.perf_counter() - self._begin


def write_profile(trainer: Trainer, folder: Path) -> None:
    """Have a trainer's profiler write its report to a folder, unless it has one: Lightning's default logs it at a level
    that a run does not show.
    """
    profiler: Any = trainer.profiler  # pyrefly: ignore[missing-attribute]
    if not isinstance(profiler, PassThroughProfiler):
        profiler.filename = profiler.filename or "profile"
        profiler.dirpath = profiler.dirpath or folder / "profile"
        if not Path(profiler.dirpath).exists():  # once: training and test have separate trainers
            log.info("profile          %s", profiler.dirpath)
