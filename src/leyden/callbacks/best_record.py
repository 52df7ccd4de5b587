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
    """Keeps in `checkpoints/best.json` which checkpoint is the best, of which epoch, and its validation metrics.

    Paths are relative to the run directory, which may be moved; the paths in the states of checkpoint callbacks are
    moved along, since Lightning forgets the best score where the folder of checkpoints has another name.

    Args:
        best: the callback that chooses the best checkpoint; None where there is none.
    """

    def __init__(self, best: ModelCheckpoint | None) -> None:
        self.best = best
        self.score: Any = None  # of the checkpoint that is recorded
        self.loaded: dict[str, int] = {}  # epoch and step of the checkpoint that was loaded last

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        if stage != "fit" or not self.best:
            return
        name = self.best.filename or ""
        if self.best.save_top_k not in (0, 1) and "{step" not in name:
            self.best.filename = "-".join(filter(None, [name, "{step}"]))  # else an epoch would overwrite a better one
            log.info("several epochs are kept, so the name of a checkpoint has its step: %s", self.best.filename)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if not trainer.ckpt_path and trainer.is_global_zero:
            _file(trainer).unlink(missing_ok=True)  # of a life that was killed before its first checkpoint
        self.score = self.best and self.best.best_model_score

    def _record(self, trainer: Trainer) -> None:
        """Called after the hooks in which checkpoint callbacks save, since those come in the order of their config."""
        if not self.best or self.best.best_model_score is None or self.best.best_model_score is self.score:
            return
        self.score = self.best.best_model_score
        metrics = {
            name: value.item() if isfinite(value) else None  # JSON has no word for others
            for name, value in trainer.callback_metrics.items()  # on all ranks
            if name.startswith("val/")
        }
        if trainer.is_global_zero:
            folder = os.path.realpath(trainer.default_root_dir)
            record = {
                "file": os.path.relpath(os.path.realpath(self.best.best_model_path), folder),
                "epoch": trainer.current_epoch,
                "step": trainer.global_step,
                "monitor": self.best.monitor,
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
    """The state of a `ModelCheckpoint` with its paths in another folder."""

    def moved(path: str) -> str:
        return os.path.join(folder, os.path.relpath(path, state["dirpath"])) if path else path  # noqa: PTH118

    paths = {name: moved(state[name]) for name in ("best_model_path", "kth_best_model_path", "last_model_path")}
    models = {moved(path): score for path, score in state["best_k_models"].items()}
    return {**state, **paths, "best_k_models": models, "dirpath": folder}


def _file(trainer: Trainer) -> Path:
    return Path(trainer.default_root_dir) / "checkpoints" / NAME
