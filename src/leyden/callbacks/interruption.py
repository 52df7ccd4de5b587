from typing import Any, NoReturn

import torch
from lightning.pytorch import Callback, LightningModule, Trainer

from ..stop_request import Stop, Stopped, StopRequest
from .last_checkpoint import is_resumable

VALIDATION_PROGRESS = "epoch_loop.val_loop.batch_progress"


class Interruption(Callback):
    """Saves and stops, where all ranks can: after a batch, when any of them was asked to.

    After a batch of training, a checkpoint is saved (with gradient accumulation, after the optimizer's step). After a
    batch of validation, too: a resumed run validates from the start. A test has its checkpoint, and is done again.

    The cost with several ranks: one number is reduced over them after each batch. Lightning broadcasts one before each
    batch, and waits for it, which is turned off here.

    Args:
        checkpoint: where to save.
        stop: what this rank is asked for.
    """

    def __init__(self, checkpoint: str, stop: StopRequest) -> None:
        self.checkpoint, self.stop = checkpoint, stop
        self.validates_again = False

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        self.stop.hold_interrupts()
        # Lightning's handler broadcasts at any moment, while another rank may be in another collective: a deadlock.
        trainer._signal_connector.register_signal_handlers = lambda: None
        trainer.fit_loop.epoch_loop._broadcast_sigterm_tensor = lambda: None

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        self.stop.release_interrupts()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        self.stop.release_interrupts()

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if stop := self._agreed(trainer):  # of a signal that came before
            self._stop(trainer, stop)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if trainer.world_size == 1 and self.stop.wanted is Stop.NO:
            return  # known at once, unlike where a run can go on from
        if is_resumable(trainer) and (stop := self._agreed(trainer)):
            # This step's metrics would be logged after this hook, which does not return.
            trainer._logger_connector.update_train_step_metrics()
            trainer.save_checkpoint(self.checkpoint)
            self._stop(trainer, stop)

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        if not trainer.sanity_checking and (stop := self._agreed(trainer)):
            self.validates_again = True
            trainer.save_checkpoint(self.checkpoint)
            self._stop(trainer, stop)

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        if self.validates_again:
            # As if the first batch had begun: Lightning goes on with the validation, from the number that is done.
            progress = checkpoint["loops"]["fit_loop"][VALIDATION_PROGRESS]
            begun, none = (
                {"ready": 1, "started": 1, "processed": 0, "completed": 0},
                dict.fromkeys(progress["total"], 0),
            )
            checkpoint["loops"]["fit_loop"][VALIDATION_PROGRESS] = progress | {"total": begun, "current": none}

    def on_test_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        if stop := self._agreed(trainer):
            raise Stopped(stop, f"{stop.name.lower()} in the test")

    def _agreed(self, trainer: Trainer) -> Stop:
        """The most urgent that any rank is asked for."""
        if trainer.world_size == 1:
            return self.stop.wanted
        wanted = torch.tensor(self.stop.wanted, device=trainer.strategy.root_device)
        return Stop(int(trainer.strategy.reduce(wanted, reduce_op="max")))

    def _stop(self, trainer: Trainer, stop: Stop) -> NoReturn:
        raise Stopped(stop, f"{stop.name.lower()} after step {trainer.global_step}")
