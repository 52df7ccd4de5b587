from typing import TYPE_CHECKING, Any, NoReturn

import torch
from lightning.pytorch import Callback, LightningModule, Trainer

from ..errors import Stop, Stopped
from .lightning_internals import disable_signal_handlers
from .resume_point import Moment, SavesAtPoints, is_validation_saved

if TYPE_CHECKING:
    from ..run.shutdown import StopRequest


class Interruption(SavesAtPoints, Callback):
    """Save a checkpoint and stop all ranks at the next resume point when any rank receives a stop request.

    A validation that started at a resume point stops immediately and is repeated by the resumed run; a validation
    between the batches of an optimizer step is completed. A test is repeated from its checkpoint. See `ResumePoint`.

    With several ranks, one number per batch is reduced over all ranks. This replaces Lightning's broadcast before each
    batch, which is disabled.

    Args:
        stop: The stop requests of this rank.
    """

    def __init__(self, stop: "StopRequest") -> None:
        self.stop = stop
        self.agreed = Stop.NO

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        self.stop.hold_interrupts()
        # Lightning's handler broadcasts at any time and deadlocks if another rank is in another collective operation.
        disable_signal_handlers(trainer)

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        self.stop.release_interrupts()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        self.stop.release_interrupts()

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._agree(trainer):  # a signal that arrived before training started
            self._stop(trainer)

    def is_due(self, trainer: Trainer, moment: Moment) -> bool:
        return bool(self._agree(trainer))

    def on_saved(self, trainer: Trainer) -> None:
        if self.agreed:
            self._stop(trainer)

    def on_validation_batch_end(self, trainer: Trainer, *arguments: Any, **options: Any) -> None:
        if is_validation_saved(trainer) and self._agree(trainer):
            self._stop(trainer)

    def on_test_batch_end(self, trainer: Trainer, *arguments: Any, **options: Any) -> None:
        if stop := self._agree(trainer):
            raise Stopped(stop, f"{stop.name.lower()} in the test")

    def _agree(self, trainer: Trainer) -> Stop:
        """Return the most urgent request of all ranks."""
        self.agreed = self.stop.requested
        if trainer.world_size > 1:
            requested = torch.tensor(self.stop.requested, device=trainer.strategy.root_device)
            self.agreed = Stop(int(trainer.strategy.reduce(requested, reduce_op="max")))
        return self.agreed

    def _stop(self, trainer: Trainer) -> NoReturn:
        raise Stopped(self.agreed, f"{self.agreed.name.lower()} after step {trainer.global_step}")
