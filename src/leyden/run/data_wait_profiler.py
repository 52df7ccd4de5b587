import logging
import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Trainer
from lightning.pytorch.profilers import PassThroughProfiler

log = logging.getLogger(__name__)

NOTHING = nullcontext()
FETCH = "train_dataloader_next"  # how Lightning's name for it ends


class Unprofiled(PassThroughProfiler):
    """Measures how long training has waited for its batches, and nothing else, at less cost than Lightning's own: its
    Trainer asks some eighty times a step.

    A GPU works on what it has been given while its process fetches; a fetch that was over before the GPU has run dry
    cost no time. Asking whether it has does not wait for it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.seconds_waited = self._begin = 0.0

    def profile(self, action_name: str) -> AbstractContextManager[None]:  # pyrefly: ignore[bad-override]
        return NOTHING

    def start(self, action_name: str) -> None:
        self._begin = time.perf_counter()

    def stop(self, action_name: str) -> None:
        if action_name.endswith(FETCH) and (not torch.cuda.is_initialized() or torch.cuda.current_stream().query()):
            self.seconds_waited += time.perf_counter() - self._begin


def write_profile(trainer: Trainer, folder: Path) -> None:
    """Has a trainer's profiler write its report below a folder, unless it has a place of its own: by default Lightning
    logs it at a level that a run does not show.
    """
    profiler: Any = trainer.profiler  # pyrefly: ignore[missing-attribute]
    if not isinstance(profiler, PassThroughProfiler):
        profiler.filename = profiler.filename or "profile"
        profiler.dirpath = profiler.dirpath or folder / "profile"
        if not Path(profiler.dirpath).exists():  # once: training and test have a trainer each
            log.info("profile          %s", profiler.dirpath)
