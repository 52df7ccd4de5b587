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
MAX_WAITING = 2  # copies in memory: the best and the last checkpoint of one step


class CheckpointFile(TorchCheckpointIO):
    """Checkpoints on a file system: there whole or not at all, and loaded without executing what they hold.

    The last checkpoint is kept with the one before, which takes its place when it turns out to be damaged: torch writes
    a checksum (CRC-32) of everything in a checkpoint, which is compared before anything is loaded.

    Args:
        asynchronous: copy what is to be saved and write it beside the training. An error in writing is raised at the
            next save or at the end, which waits.
    """

    def __init__(self, asynchronous: bool = False) -> None:
        super().__init__()
        self.writer = ThreadPoolExecutor(max_workers=1) if asynchronous else None
        self.waiting: deque[Future[None]] = deque()
        self.is_last_damaged = False  # and must not take the place of the one before

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Writes beside the old file and takes its place when complete: a full disk or a kill costs only the new one."""
        path = Path(path)
        previous = path.with_name(PREVIOUS) if path.name == LAST and not self.is_last_damaged else None
        self.is_last_damaged &= path.name != LAST
        if not self.writer:
            _write(checkpoint, path, previous)
            return
        self._settle(MAX_WAITING - 1)
        copy = apply_to_collection(checkpoint, Tensor, lambda tensor: tensor.detach().to("cpu", copy=True))
        self.waiting.append(self.writer.submit(_write, copy, path, previous))

    def load_checkpoint(self, path: Any, map_location: Any = None, weights_only: bool | None = None) -> dict[str, Any]:
        """
        Raises:
            RunError: the file is no checkpoint or is damaged, and so is the one before, if there is one.
        """
        self._settle()
        path = Path(path)
        previous = path.with_name(PREVIOUS)
        if path.name == LAST and previous.exists():
            try:
                return _read(path, map_location)
            except RunError as error:
                log.warning("%s; going on from the one before, %s", error, previous.name)
                path, self.is_last_damaged = previous, True
        return _read(path, map_location)

    def teardown(self) -> None:
        self._settle()

    def _settle(self, remaining: int = 0) -> None:
        """Waits until no more than so many checkpoints are to be written; raises the error of one that failed."""
        while self.waiting and (len(self.waiting) > remaining or self.waiting[0].done()):
            self.waiting.popleft().result()


def _write(checkpoint: dict[str, Any], path: Path, previous: Path | None) -> None:
    # Not a run directory that was moved away: a new one in its place would hold a checkpoint alone.
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
    except RuntimeError as error:  # torch's complaint about the unfinished file hides why it is unfinished
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
        raise RunError(f"{path} is no checkpoint that can be loaded: {reason}") from error


@contextmanager
def explained_mismatch(path: Path | None) -> Iterator[None]:
    """Says in a sentence that a checkpoint does not fit the model."""
    try:
        yield
    except RuntimeError as error:
        if "loading state_dict" not in str(error):
            raise
        difference = str(error).split("\n")[1].strip()
        raise RunError(f"{path} does not fit this run's model: is it of another experiment? {difference}") from error
