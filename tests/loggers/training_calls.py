"""Call loggers as a training does that starts after some rows of metrics.csv, in a process that may be killed."""

import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

from leyden.loggers.metrics_file import MetricsFile

SETTINGS = {"seed": 7, "model": {"width": 3, "names": ["a", "b"]}}


@contextmanager
def training(logger_class, folder, kept=0, exit_code=0, **options):
    """Yield a function that logs steps, and figures by the logger itself."""
    file = MetricsFile(folder / "metrics.csv")
    file.truncate(kept)
    logger = logger_class(save_dir=str(folder), id="abc", name="some/run", **options)
    logger.log_hyperparams(SETTINGS)
    logger.catch_up(file.rows())

    def log(*steps):
        for step in steps:
            row = {"train/loss": step / 2, "epoch": 0}
            file.append({"step": step, **row})
            logger.log_metrics(row, step)

    log.logger = logger
    yield log
    logger.finalize("success")  # as Lightning's Trainer does after training
    logger.finish(exit_code)


def rows(count):
    """Step and loss of the first steps that `training` logs."""
    return [(step, step / 2) for step in range(count)]


def figure(folder):
    from matplotlib.image import imsave

    path = folder / "curves.png"
    imsave(path, [[0.0, 1.0], [1.0, 0.0]])
    return [str(path)]


def killed_after(logger_class, folder, steps, **options):
    """Train in another process and kill it in its last step."""
    code = (
        f"import os, signal, sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        f"from pathlib import Path; from training_calls import training\n"
        f"from {logger_class.__module__} import {logger_class.__name__} as Logger\n"
        f"with training(Logger, Path({str(folder)!r}), **{options!r}) as log:\n"
        f"    log(*range({steps}))\n"
        f"    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
