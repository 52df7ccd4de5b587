import bdb
import sys
import time
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import RichProgressBar

REFRESHES_PER_SECOND = 2  # each takes 2 ms


class ProgressBar(RichProgressBar):
    """Lightning's progress bar, updated only when it is redrawn: collecting all metrics after each batch costs as much
    as a training step of a small network.

    Epochs are counted from 1, as in log lines. The bar is hidden while a debugger, such as that of `breakpoint()`, is
    active.
    """

    def __init__(self) -> None:
        super().__init__(refresh_rate=REFRESHES_PER_SECOND)
        self.due = 0.0

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        super().setup(trainer, pl_module, stage)
        set_trace = self._set_trace = bdb.Bdb.set_trace

        def set_trace_without_bar(debugger: bdb.Bdb, *args: Any, **kwargs: Any) -> None:
            self._stop_progress()
            set_trace(debugger, *args, **kwargs)

        bdb.Bdb.set_trace = set_trace_without_bar

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        bdb.Bdb.set_trace = self._set_trace
        super().teardown(trainer, pl_module, stage)

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        if hasattr(self, "_set_trace"):  # otherwise setup failed
            bdb.Bdb.set_trace = self._set_trace
        super().on_exception(trainer, pl_module, exception)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if sys.gettrace():  # a debugger is stepping through the code
            return
        is_last = trainer.is_last_batch or trainer.global_step == trainer.max_steps
        if is_last or time.monotonic() >= self.due:
            self.due = time.monotonic() + 1 / REFRESHES_PER_SECOND
            self._init_progress(trainer)  # if it was hidden
            super().on_train_batch_end(trainer, pl_module, outputs, batch, batch_idx)

    def _get_train_description(self, current_epoch: int) -> str:
        last = self.trainer.max_epochs
        text = f"epoch {current_epoch + 1}/{last if last and last > 0 else '-'}"
        return f"{text:{len(self.validation_description)}}"  # otherwise it moves when the validation's bar appears
