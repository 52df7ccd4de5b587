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
    """Ends a rank that has finished no batch for some minutes, with 1; what its threads are at is in `stacks/`.

    Where one rank hangs the others wait for it: all report, then all end, after a grace in which none is missed by
    another that still has to report. The end is faulthandler's, which does not need the interpreter.

    Args:
        minutes: without a batch of training, validation or test; a checkpoint, or the first batch of a compiled
            network, must not take longer.
    """

    def __init__(self, minutes: float = 30.0) -> None:
        if minutes <= 0:
            raise ValueError(f"minutes is {minutes}; it must be above 0")
        self.seconds = 60 * minutes
        self.on_hang: Callable[[str], Any] = lambda message: None
        self.over = threading.Event()

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        self._move()
        self.over.clear()
        if stage == "predict":  # which has no batches of its own that it would know of
            return
        path = Path(trainer.default_root_dir) / "stacks" / f"rank{trainer.global_rank}.txt"
        path.parent.mkdir(exist_ok=True)
        self.thread = threading.Thread(target=self._watch, args=(path, trainer.global_rank), daemon=True)
        self.thread.start()

    def _watch(self, path: Path, rank: int) -> None:
        with path.open("a", encoding="utf-8") as file:
            has_reported = False
            while not self.over.wait(min(5.0, self.seconds / 10)):
                idle = time.monotonic() - self.moved
                if idle < self.seconds:
                    has_reported = False
                    grace = min(GRACE_SECONDS, self.seconds)
                    faulthandler.dump_traceback_later(self.seconds - idle + grace, exit=True, file=file)
                elif not has_reported:
                    has_reported = True
                    self._report(file, rank)
            faulthandler.cancel_dump_traceback_later()
        with suppress(OSError):  # another rank's is there, the disk takes no more, or the run was moved away
            if path.stat().st_size == 0:
                path.unlink()
                path.parent.rmdir()

    def _report(self, file: TextIO, rank: int) -> None:
        faulthandler.dump_traceback(file)
        message = f"rank {rank} has finished no batch for {self.seconds / 60:g} minutes; what it is at: {file.name}"
        log.error("%s", message)
        self.on_hang(message)

    def teardown(self, *_: Any, **__: Any) -> None:
        self.over.set()
        if hasattr(self, "thread"):  # else it failed, or predicted, before there was anything to watch
            self.thread.join(GRACE_SECONDS)

    def on_exception(self, *_: Any, **__: Any) -> None:
        self.teardown()

    def _move(self, *_: Any, **__: Any) -> None:
        self.moved = time.monotonic()

    on_train_batch_start = on_train_batch_end = on_validation_batch_end = on_validation_end = on_test_batch_end = _move
