import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.utilities import rank_zero_only

from ..errors import UserError
from ..io import installed_version
from .stored_values import StoredValues, flat, numbers

FOLDER = "tensorboard"  # in the run directory
FLUSH_SECONDS = 10
_PLAIN = (bool, int, float)


class TensorBoardRun(TensorBoardLogger):
    """Log to TensorBoard's event files in `tensorboard/` of the run directory: `tensorboard --logdir runs` shows all runs.

    The values are those of metrics.csv. A resumed run adds a file with the values that the others do not contain.
    Settings are in the tab of the hyperparameters, by the names under which they are typed, and as text; figures at the
    step after which they were drawn; the outcome as text `status`.

    Args:
        save_dir: The run directory.
        id, name: Not used, since the run directory identifies the run.

    Raises:
        UserError: tensorboard is not installed.
    """

    def __init__(self, save_dir: str, id: str, name: str) -> None:
        if not installed_version("tensorboard"):
            raise UserError("TensorBoard is not installed: install tensorboard (extra `tensorboard`)")
        super().__init__(save_dir, name=FOLDER, version="", default_hp_metric=False, flush_secs=FLUSH_SECONDS)
        is_writer = rank_zero_only.rank == 0  # pyrefly: ignore[missing-attribute]
        self.stored = StoredValues(_values(Path(save_dir, FOLDER)) if is_writer else ())
        self.step = 0
        self.end: Any = None  # the summary of a finished run with its hyperparameters

    @rank_zero_only
    def log_hyperparams(self, params: Mapping[str, Any], *_: Any, **__: Any) -> None:
        """Log the settings of the run, which come first; those of `save_hyperparameters` are among them."""
        from torch.utils.tensorboard.summary import hparams

        if self.end:
            return
        text = yaml.safe_dump(dict(params), sort_keys=False, allow_unicode=True)
        self.experiment.add_text("settings", f"```yaml\n{text}```", 0)
        plain = {name: value if isinstance(value, _PLAIN) else str(value) for name, value in flat(params).items()}
        # Without the summary of the experiment, TensorBoard lists all hyperparameters and metrics that it finds.
        _, start, self.end = hparams(plain, {})
        self.experiment.file_writer.add_summary(start)

    def catch_up(self, rows: list[dict[str, str]]) -> None:
        """Log the rows before the resume point that the event files do not contain."""
        for row in rows:
            self.log_metrics(*numbers(row))

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        self.step = step or 0
        super().log_metrics(self.stored.missing(metrics, self.step), self.step)

    @rank_zero_only
    def log_image(self, key: str, images: list[str]) -> None:
        """Log image files at the last step."""
        import numpy as np
        from PIL import Image

        for path in images if self.stored.missing({key: None}, self.step) else ():
            with Image.open(path) as image:
                self.experiment.add_image(key, np.asarray(image.convert("RGB")), self.step, dataformats="HWC")

    @rank_zero_only
    def save(self) -> None:
        """Flush to disk; config.yaml in the run directory contains the hyperparameters."""
        self.experiment.flush()

    @rank_zero_only
    def finalize(self, status: str) -> None:
        """Flush to disk: the test follows the training, and `finish` the test."""
        self.experiment.flush()

    @rank_zero_only
    def finish(self, exit_code: int) -> None:
        """Log the outcome and close the file."""
        self.experiment.add_text("status", "failed or stopped" if exit_code else "finished", self.step)
        if not exit_code:  # TensorBoard keeps the first one, which a resumed run could not change
            self.experiment.file_writer.add_summary(self.end)
        self.experiment.close()


def _values(folder: Path) -> Iterator[tuple[str, int]]:
    """Yield name and step of all values in event files; an incomplete one, left by a killed process, is ignored."""
    if not (files := sorted(folder.glob("events.out.tfevents.*"))):
        return
    from tensorboard.backend.event_processing.event_file_loader import LegacyEventFileLoader

    logging.getLogger("tensorboard").setLevel(logging.ERROR)  # it reports incomplete values
    for file in files:
        for event in LegacyEventFileLoader(str(file)).Load():
            yield from ((value.tag, event.step) for value in event.summary.value)
