import logging
from types import CodeType
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

from ..errors import UserError

log = logging.getLogger(__name__)


class TaskContract(Callback):
    """Report what a task does that would silently train nothing, or not with its settings.

    A `training_step` that returns no loss, unless optimization is manual; a `configure_optimizers` that uses neither
    `self.optimizer` nor `self.scheduler`.

    Raises:
        UserError: No batch of an epoch had a loss.
    """

    def __init__(self) -> None:
        self.is_reported = False
        self.num_without_loss = 0  # batches of this epoch

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        code = getattr(type(pl_module).configure_optimizers, "__code__", None)
        used = _names(code) if code else {"super"}
        for name in ("optimizer", "scheduler") if "super" not in used else ():
            if name not in used and (setting := getattr(pl_module, name, None)):
                log.warning(
                    "%s has its own configure_optimizers, which does not use self.%s: model.%s (%s) has no effect",
                    *(type(pl_module).__name__, name, name, getattr(getattr(setting, "func", setting), "__name__", "")),
                )

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if outputs or not pl_module.automatic_optimization:
            return
        self.num_without_loss += 1
        if not self.is_reported:
            self.is_reported = True
            log.warning(
                "%s.training_step returned None for batch %d of epoch %d: a batch without a loss trains nothing. Return "
                "the loss, unless the batch is to be skipped",
                *(type(pl_module).__name__, batch_idx, trainer.current_epoch),
            )

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        num_without_loss, self.num_without_loss = self.num_without_loss, 0
        if num_without_loss == trainer.num_training_batches:  # fewer of a resumed epoch
            raise UserError(
                f"{type(pl_module).__name__}.training_step returned None for all {num_without_loss} batches of an epoch, "
                "so nothing was trained: expected the loss of the batch, as in `return loss`"
            )


def _names(code: CodeType) -> set[str]:
    """Return the names that a function and those within it use."""
    return {*code.co_names}.union(*(_names(part) for part in code.co_consts if isinstance(part, CodeType)))
