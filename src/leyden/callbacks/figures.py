"""Save figures of a run, and hand them to its loggers."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lightning.pytorch import Trainer
from matplotlib.figure import Figure

log = logging.getLogger(__name__)


def save_figure(trainer: Trainer, figure: Figure, name: str, folder: str = "") -> None:
    """Save a figure in `plots/` of the run directory, or in a folder below, and log it."""
    path = Path(trainer.default_root_dir) / "plots" / folder / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # a character that the font lacks is drawn as a box
        figure.savefig(path, dpi=120)
    for logger in trainer.loggers:
        if log_image := getattr(logger, "log_image", None):
            log_image(f"plots/{name}", [str(path)])


@contextmanager
def warn_on_error(name: str) -> Iterator[None]:
    """Log errors of plots instead of raising them, so that the metrics of the evaluation are not lost."""
    try:
        yield
    except NotImplementedError:
        log.info("%s: skipped, because the data module does not implement `draw` or `draw_prediction`", name)
    except Exception as error:
        log.warning("%s could not be drawn: %s: %s", name, type(error).__name__, error)
