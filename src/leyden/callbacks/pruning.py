import logging
from collections.abc import Callable
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint

from ..errors import Pruned

log = logging.getLogger(__name__)


class Pruning(Checkpoint):
    """Report the monitored metric to a search after each validation, and stop the run if the search prunes it.

    Rank 0 asks, and its answer is broadcast, so that all ranks stop at the same validation. As a `Checkpoint`, it comes
    after the callbacks that save at the end of a validation or of an epoch: if the validation ends an epoch, the run stops
    at the end of that epoch, so that its last validation is among those from which the best checkpoint is chosen.

    Args:
        ask: Function of the number of validations before this one and the metric's value, which returns whether to
            stop; called on rank 0.
        monitor: The metric.
    """

    def __init__(self, ask: Callable[[int, float], bool], monitor: str) -> None:
        self.ask, self.monitor = ask, monitor
        self.num_validations = 0
        self.is_pruned = False

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.state.fn != "fit" or trainer.sanity_checking:
            return
        value = trainer.callback_metrics.get(self.monitor)  # synchronizes all ranks
        answer = trainer.is_global_zero and value is not None and self.ask(self.num_validations, float(value))
        self.num_validations += 1
        self.is_pruned = trainer.strategy.broadcast(answer)
        if not trainer.fit_loop.epoch_loop.done:
            self._stop(trainer)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._stop(trainer)

    def _stop(self, trainer: Trainer) -> None:
        if self.is_pruned:
            raise Pruned(f"pruned after epoch {trainer.current_epoch + 1}: others of this search were better there")

    def state_dict(self) -> dict[str, Any]:
        return {"num_validations": self.num_validations}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.num_validations = state_dict["num_validations"]
