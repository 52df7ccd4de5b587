import logging
import os
import pickle
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

import torch
from lightning.pytorch.plugins.io import TorchCheckpointIO
from lightning_utilities.core.apply_func import apply_to_collection
from torch import Tensor

from ..errors import RunError
from ..io import remove_abandoned, sync, unfinished
from .directory import LAST, PREVIOUS

log = logging.getLogger(__name__)
MAX_PENDING_SAVES = 2  # copies in memory: the best and the last checkpoint of one step
# Of `save_hyperparameters`, which may be any objects: the settings are in config.yaml.
ARGUMENTS = ("hyper_parameters", "hparams_name", "hparams_type")
LEFT_OUT = {*ARGUMENTS, *(f"datamodule_{name}" for name in ARGUMENTS)}


class CheckpointFile(TorchCheckpointIO):
    """Checkpoint files that are written atomically, verified by checksum and loaded with `weights_only=True`.

    The previous version of the last checkpoint is kept and loaded if the last one is damaged: before loading, the
    checksums (CRC-32) that torch writes are compared.

    Args:
        asynchronous: Copy checkpoints to memory and write them in a background thread. A write error is raised by the
            next save or by `teardown`, which waits for pending writes.
    """

    def __init__(self, asynchronous: bool = False) -> None:
        super().__init__()
        self.writer = ThreadPoolExecutor(max_workers=1) if asynchronous else None
        self.pending: deque[Future[None]] = deque()
        self.is_last_damaged = False  # if so, it must not replace the previous one

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Write to a temporary file and rename it: a full disk or a kill does not damage the existing checkpoint."""
        path = Path(path)
        checkpoint = {name: value for name, value in checkpoint.items() if name not in LEFT_OUT}
        previous = path.with_name(PREVIOUS) if path.name == LAST and not self.is_last_damaged else None
        self.is_last_damaged &= path.name != LAST
        if not self.writer:
            _write(checkpoint, path, previous)
            return
        self._wait(MAX_PENDING_SAVES - 1)
        copy = apply_to_collection(checkpoint, Tensor, lambda tensor: tensor.detach().to("cpu", copy=True))
        self.pending.append(self.writer.submit(_write, copy, path, previous))

    def load_checkpoint(self, path: Any, map_location: Any = None, weights_only: bool | None = None) -> dict[str, Any]:
        """Load a checkpoint; if the last one is damaged, load the previous one.

        Raises:
            RunError: The file is not a checkpoint or is damaged, and so is the previous one, if it exists.
        """
        self._wait()
        path = Path(path)
        previous = path.with_name(PREVIOUS)
        if path.name == LAST and previous.exists():
            try:
                return _read(path, map_location)
            except RunError as error:
                log.warning("%s; continuing from the previous one, %s", error, previous.name)
                path, self.is_last_damaged = previous, True
        return _read(path, map_location)

    def teardown(self) -> None:
        self._wait()

    def _wait(self, remaining: int = 0) -> None:
        """Wait until at most `remaining` checkpoints are pending; raise the error of a failed write."""
        while self.pending and (len(self.pending) > remaining or self.pending[0].done()):
            self.pending.popleft().result()


def _write(checkpoint: dict[str, Any], path: Path, previous: Path | None) -> None:
    # Do not recreate a run directory that was moved away.
    path.parent.mkdir(parents=path.parent.name != "checkpoints", exist_ok=True)
    remove_abandoned(path.parent)
    temporary = unfinished(path)
    try:
        with temporary.open("wb") as file:
            torch.save(checkpoint, file)
            file.flush()
            os.fsync(file.fileno())
        if previous and path.exists():
            path.replace(previous)
        temporary.replace(path)
        sync(path.parent)
    except RuntimeError as error:  # torch's error about the incomplete file hides its cause
        if isinstance(error.__context__, OSError):
            raise error.__context__ from None
        raise
    finally:
        temporary.unlink(missing_ok=True)


def _read(path: Path, map_location: Any) -> dict[str, Any]:
    try:
        with ZipFile(path) as file:
            if damaged := file.testzip():
                raise RunError(f"{path} is damaged: the checksum of {damaged} is wrong")
        return torch.load(path, map_location=map_location or "cpu", weights_only=True)
    except (OSError, BadZipFile, pickle.UnpicklingError, RuntimeError, EOFError, KeyError) as error:
        reason = str(error).strip().split("\n")[0]
        raise RunError(f"{path} cannot be loaded as a checkpoint: {reason}") from error


@contextmanager
def explain_mismatch(path: Path | None) -> Iterator[None]:
    """Raise RunError with a short message if a checkpoint does not match the model."""
    try:
        yield
    except RuntimeError as error:
        if "loading state_dict" not in str(error):
            raise
        difference = str(error).split("\n")[1].strip()
        raise RunError(f"{path} does not match the model: is it from another experiment? {difference}") from error
