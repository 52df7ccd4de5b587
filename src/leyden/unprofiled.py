import time
from contextlib import AbstractContextManager, nullcontext

import torch
from lightning.pytorch.profilers import PassThroughProfiler

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
