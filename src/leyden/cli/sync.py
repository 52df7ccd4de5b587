"""`leyden sync`: upload the contents of run directories to Weights & Biases. Torch-free."""

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from ..config.redaction import for_upload
from ..errors import UserError
from ..io import installed_version
from ..loggers.metrics_file import MetricsFile
from ..run.directory import RunDirectory
from .on_run import find

FINISH_SECONDS = 120.0  # the next sync continues after a timeout


def sync_runs(options: argparse.Namespace) -> int:
    """Upload the runs that were named."""
    runs = [find(name)[1] for name in options.runs]
    code = sync(runs)
    options.result = {"runs": [run.path for run in runs]}
    return code


def sync(runs: Sequence[RunDirectory]) -> int:
    """Upload the rows, configuration and plots that the server does not have yet.

    Returns:
        The exit code: 0 if the server has everything, else 1.

    Raises:
        UserError: A run does not log to Weights & Biases, or wandb is not installed.
    """
    if not installed_version("wandb"):
        raise UserError("wandb is not installed: install wandb (extra `wandb`)")
    loggers = [_logger(run) for run in runs]
    return max(_upload(run, logger) for run, logger in zip(runs, loggers, strict=True))


def _logger(run: RunDirectory) -> dict[str, Any]:
    """Return the configuration of the W&B logger, with project and entity."""
    for logger in run.config["logger"].values():
        if logger and str(logger["_target_"]).endswith(".WandbRun") and logger.get("mode") != "disabled":
            return logger
    raise UserError(f"{run.path} does not log to Weights & Biases: it was not trained with logger=wandb")


def _upload(run: RunDirectory, logger: dict[str, Any]) -> int:
    try:
        sent = _send(run, logger)
        if sent and _send(run, logger):  # W&B does not report refused rows; a second upload does
            raise ConnectionError("the server did not store all rows")
    except (ConnectionError, UserError) as error:
        print(f"{run.path}: {error}; the run directory is unchanged: sync again later", file=sys.stderr)
        return 1
    print(f"{run.path}: {f'{sent} rows sent' if sent else 'up to date'}")
    return 0


def _send(run: RunDirectory, logger: dict[str, Any]) -> int:
    """Upload a run and return the number of rows sent."""
    session = _begin(run, logger)
    rows, plots = MetricsFile(run.path / "metrics.csv").rows(), _plots(run)
    session.run.config.update(for_upload(run.frozen_config), allow_val_change=True)
    session.send(rows)
    if plots:
        session.log_media(plots)
    is_finished = run.status["state"] == "finished"
    if not session.end(0 if is_finished else 1):
        raise ConnectionError("the server stopped responding")
    return session.num_sent


def _begin(run: RunDirectory, logger: dict[str, Any]) -> Any:
    from ..loggers.wandb_session import WandbSession

    identity = run.status["id"]
    return WandbSession(
        run.path,
        id=identity,
        name=f"{run.config['name']}/{identity}",
        project=logger["project"],
        entity=logger.get("entity"),
        labels={name: logger.get(name) or None for name in ("group", "job_type", "tags", "notes")},
        finish_timeout=FINISH_SECONDS,
        x_disable_stats=True,  # system metrics of this machine are not those of the run
    )


def _plots(run: RunDirectory) -> dict[str, Any]:
    """Return the plots of the test, as a finished training logs them."""
    import wandb

    if run.status["state"] != "finished":
        return {}
    tested = next((name for name in ("best", "last") if (run.path / "plots" / name).is_dir()), "none")
    paths = sorted(run.path.glob(f"plots/{tested}/test_*.png"))
    return {f"plots/{path.stem}": [wandb.Image(str(path))] for path in paths}
