import faulthandler
import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

from lightning.pytorch import Callback, LightningModule, Trainer

log = logging.getLogger(__name__)

GRACE_SECONDS = 10.0


class Watchdog(Callback):
    """Exit with code 1 if a rank has not finished a batch for some minutes, after writing its stacks to `stacks/`.

    If one rank hangs, the others wait for it: all write their stacks, and exit after a grace period that lets every
    rank finish its report. faulthandler ends the process, which works even if the interpreter is blocked.

    Args:
        minutes: Maximum time without a training, validation or test batch; a checkpoint, or the first batch of a
            compiled network, must not take longer.

    Raises:
        ValueError: `minutes` is not positive.
    """

    def __init__(self, minutes: float = 30.0) -> None:
        if minutes <= 0:
            raise ValueError(f"expected minutes above 0, got {minutes}")
        self.seconds = 60 * minutes
        self.on_hang: Callable[[str], Any] = lambda message: None
        self.over = threading.Event()

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        self._touch()
        self.over.clear()
        if stage == "predict":  # its batches are not observed
            return
        path = Path(trainer.default_root_dir) / "stacks" / f"rank{trainer.global_rank}.txt"
        path.parent.mkdir(exist_ok=True)
        self.thread = threading.Thread(target=self._watch, args=(path, trainer.global_rank), daemon=True)
        self.thread.start()

    def _watch(self, path: Path, rank: int) -> None:
        with path.open("a", encoding="utf-8") as file:
            has_reported = False
            while not self.over.wait(min(5.0, self.seconds / 10)):
                idle = time.monotonic() - self.last_progress
                if idle < self.seconds:
                    has_reported = False
                    grace = min(GRACE_SECONDS, self.seconds)
                    faulthandler.dump_traceback_later(self.seconds - idle + grace, exit=True, file=file)
                elif not has_reported:
                    has_reported = True
                    self._report(file, rank)
            faulthandler.cancel_dump_traceback_later()
        with suppress(OSError):  # other ranks' files exist, the disk is full, or the run was moved
            if path.stat().st_size == 0:
                path.unlink()
                path.parent.rmdir()

    def _report(self, file: TextIO, rank: int) -> None:
        faulthandler.dump_traceback(file)
        message = f"rank {rank} has not finished a batch for {self.seconds / 60:g} minutes; see {file.name}"
        log.error("%s", message)
        self.on_hang(message)

    def teardown(self, *_: Any, **__: Any) -> None:
        self.over.set()
        if hasattr(self, "thread"):  # otherwise setup failed, or the stage is predict
            self.thread.join(GRACE_SECONDS)

    def on_exception(self, *_: Any, **__: Any) -> None:
        self.teardown()

    def _touch(self, *_: Any, **__: Any) -> None:
        self.last_progress = time.monotonic()

    on_train_batch_start = on_train_batch_end = on_validation_batch_end = on_validation_end = on_test_batch_end = _touch
