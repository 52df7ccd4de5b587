import logging
import signal
from types import FrameType
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

log = logging.getLogger(__name__)


class Interrupted(Exception):  # noqa: N818
    """Training was stopped from outside, after a checkpoint."""


class Interruption(Callback):
    """The first Ctrl-C or SIGTERM saves a checkpoint at the end of the step and stops; the second stops at once.

    Args:
        checkpoint: where to save.
    """

    def __init__(self, checkpoint: str) -> None:
        self.checkpoint, self.requested = checkpoint, False
        self.previous: dict[int, Any] = {}

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            self.previous[number] = signal.signal(number, self._request)

    def _request(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
        log.warning("%s: saving after this step; once more to stop at once", signal.Signals(number).name)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if self.requested:
            # This step's metrics would be logged after this hook, which does not return.
            trainer._logger_connector.update_train_step_metrics()
            trainer.save_checkpoint(self.checkpoint)
            raise Interrupted(f"stopped after step {trainer.global_step}")

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._restore()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        self._restore()

    def _restore(self) -> None:
        for number, handler in self.previous.items():
            signal.signal(number, handler)
