from typing import TYPE_CHECKING, Any, NoReturn

import torch
from lightning.pytorch import Callback, LightningModule, Trainer

from ..errors import Stop, Stopped
from .lightning_internals import leave_signals_alone
from .resume_point import Moment, SavesAtPoints, is_validation_saved

if TYPE_CHECKING:
    from ..run.shutdown import StopRequest


class Interruption(SavesAtPoints, Callback):
    """Saves and stops, where all ranks can, when any of them was asked to: at the next resume point, see `ResumePoint`.

    A validation that was begun at a resume point stops at once, and is done again by the resumed run; one between the
    batches of an optimizer step goes on to its end. A test has its checkpoint, and is done again.

    The cost with several ranks: one number is reduced over them with each batch. Lightning broadcasts one before each
    batch, and waits for it, which is turned off here.

    Args:
        stop: what this rank is asked for.
    """

    def __init__(self, stop: "StopRequest") -> None:
        self.stop = stop
        self.agreed = Stop.NO

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        self.stop.hold_interrupts()
        # Lightning's handler broadcasts at any moment, while another rank may be in another collective: a deadlock.
        leave_signals_alone(trainer)

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        self.stop.release_interrupts()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        self.stop.release_interrupts()

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self._agree(trainer):  # on a signal that came before
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
        """The most urgent that any rank is asked for."""
        self.agreed = self.stop.wanted
        if trainer.world_size > 1:
            wanted = torch.tensor(self.stop.wanted, device=trainer.strategy.root_device)
            self.agreed = Stop(int(trainer.strategy.reduce(wanted, reduce_op="max")))
        return self.agreed

    def _stop(self, trainer: Trainer) -> NoReturn:
        raise Stopped(self.agreed, f"{self.agreed.name.lower()} after step {trainer.global_step}")
