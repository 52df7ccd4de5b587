import json
import logging
import os
from math import isfinite
from pathlib import Path
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint, ModelCheckpoint

from ..io import write_atomically

log = logging.getLogger(__name__)

NAME = "best.json"


class BestRecord(Checkpoint):
    """Record the best checkpoint, its epoch and its validation metrics in `checkpoints/best.json`.

    Paths are relative to the run directory, which may be moved. Paths in the states of checkpoint callbacks are updated
    when the folder has changed, since Lightning would discard the best score.

    Args:
        best: The callback that chooses the best checkpoint, or None.
    """

    def __init__(self, best: ModelCheckpoint | None) -> None:
        self.best = best
        self.score: Any = None  # score of the recorded checkpoint
        self.loaded: dict[str, int] = {}  # epoch and step of the last checkpoint loaded

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        if stage != "fit" or not self.best:
            return
        name = self.best.filename or ""
        if self.best.save_top_k not in (0, 1) and "{step" not in name:
            self.best.filename = "-".join(filter(None, [name, "{step}"]))  # otherwise a later epoch would overwrite it
            log.info("several checkpoints are kept, so their names include the step: %s", self.best.filename)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if not trainer.ckpt_path and trainer.is_global_zero:
            _file(trainer).unlink(missing_ok=True)  # left by a process that was killed before its first checkpoint
        self.score = self.best and self.best.best_model_score

    def _record(self, trainer: Trainer) -> None:
        """Update the record. Called in hooks after those in which checkpoint callbacks save."""
        if not self.best or self.best.best_model_score is None or self.best.best_model_score is self.score:
            return
        self.score = self.best.best_model_score
        metrics = {
            name: value.item() if isfinite(value) else None  # JSON does not support other values
            for name, value in trainer.callback_metrics.items()  # synchronizes all ranks
            if name.startswith("val/")
        }
        if trainer.is_global_zero:
            folder = os.path.realpath(trainer.default_root_dir)
            record = {
                "file": os.path.relpath(os.path.realpath(self.best.best_model_path), folder),
                "epoch": trainer.current_epoch,
                "step": trainer.global_step,
                "monitor": self.best.monitor,
                "mode": self.best.mode,
                "metrics": metrics,
            }
            _file(trainer).parent.mkdir(exist_ok=True)  # checkpoints may be kept in another folder
            write_atomically(_file(trainer), json.dumps(record, indent=1))

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self._record(trainer)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.state.fn == "fit":
            self._record(trainer)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._record(trainer)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._record(trainer)

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        self.loaded = {"epoch": checkpoint["epoch"], "step": checkpoint["global_step"]}
        for callback in trainer.checkpoint_callbacks:
            if not isinstance(callback, ModelCheckpoint):
                continue
            state = checkpoint["callbacks"].get(callback.state_key)
            if state and state["dirpath"] != callback.dirpath:
                checkpoint["callbacks"][callback.state_key] = _moved(state, str(callback.dirpath))


def _moved(state: dict[str, Any], folder: str) -> dict[str, Any]:
    """Return the state of a `ModelCheckpoint` with its paths moved to another folder."""

    def moved(path: str) -> str:
        return os.path.join(folder, os.path.relpath(path, state["dirpath"])) if path else path  # noqa: PTH118

    paths = {name: moved(state[name]) for name in ("best_model_path", "kth_best_model_path", "last_model_path")}
    models = {moved(path): score for path, score in state["best_k_models"].items()}
    return {**state, **paths, "best_k_models": models, "dirpath": folder}


def _file(trainer: Trainer) -> Path:
    return Path(trainer.default_root_dir) / "checkpoints" / NAME
