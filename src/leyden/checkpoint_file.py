import os
import pickle
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.plugins.io import TorchCheckpointIO

from .data import DataError


class CheckpointFile(TorchCheckpointIO):
    """Checkpoints on a file system: there whole or not at all, and loaded without executing what they hold."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:
        """Writes beside the old file and takes its place when complete: a full disk or a kill costs only the new one."""
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            with temporary.open("wb") as file:
                torch.save(checkpoint, file)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except RuntimeError as error:  # torch's complaint about the unfinished file hides why it is unfinished
            if isinstance(error.__context__, OSError):
                raise error.__context__ from None
            raise
        finally:
            temporary.unlink(missing_ok=True)

    def load_checkpoint(self, path: Any, map_location: Any = None, weights_only: bool | None = None) -> dict[str, Any]:
        """
        Raises:
            DataError: the file is no checkpoint, or is damaged.
        """
        try:
            return torch.load(path, map_location=map_location or "cpu", weights_only=True)
        except (pickle.UnpicklingError, RuntimeError, EOFError, KeyError) as error:
            reason = str(error).strip().split("\n")[0]
            raise DataError(f"{path} is no checkpoint that can be loaded: {reason}") from error
