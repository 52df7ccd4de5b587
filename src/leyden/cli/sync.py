"""`leyden sync`: upload the contents of run directories to Weights & Biases and MLflow. Torch-free."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..config.redaction import for_upload
from ..errors import UserError
from ..loggers.metrics_file import MetricsFile
from ..loggers.stored_values import numbers
from ..run.directory import RunDirectory
from ..run.lifetime import has_died
from .on_run import find

FINISH_SECONDS = 120.0  # the next sync continues after a timeout


def sync_runs(options: argparse.Namespace) -> int:
    """Upload the runs that were named."""
    uploads = sync([find(name)[1] for name in options.runs])
    options.result = {"uploads": uploads}
    return 1 if any(upload["error"] for upload in uploads) else 0


def sync(runs: Sequence[RunDirectory]) -> list[dict[str, Any]]:
    """Upload the metrics, configuration and plots that the servers do not have yet.

    Returns:
        For each upload, `path`, `logger`, `sent` (the number of W&B rows or MLflow values) and `error` (or None).

    Raises:
        UserError: A run logs neither to Weights & Biases nor to MLflow, or their package is not installed.
    """
    loggers = [(run, *logger) for run in runs for logger in _loggers(run)]
    try:
        return [_upload(*logger) for logger in loggers]
    except ModuleNotFoundError as error:
        raise UserError(f"{error.name} is not installed: install it, or the extra of that name") from None


def _loggers(run: RunDirectory) -> list[tuple[str, dict[str, Any]]]:
    """Return class and configuration of the run's loggers that can upload later."""
    configs = [config for config in run.config["logger"].values() if config and config.get("mode") != "disabled"]
    named = [(config["_target_"].rpartition(".")[2], config) for config in configs]
    if chosen := [(name, config) for name, config in named if name in SENDERS]:
        return chosen
    raise UserError(
        f"{run.path} logs neither to Weights & Biases nor to MLflow: it was not trained with logger=wandb or logger=mlflow"
    )


def _upload(run: RunDirectory, name: str, logger: dict[str, Any]) -> dict[str, Any]:
    sent, error = 0, None
    try:
        sent = SENDERS[name](run, logger)
        print(f"{run.path}: {f'{sent} {UNITS[name]} sent' if sent else 'up to date'}")
    except (ConnectionError, UserError) as raised:
        error = str(raised)
        print(f"{run.path}: {error}; the run directory is unchanged: sync again later", file=sys.stderr)
    return {"path": run.path, "logger": name, "sent": sent, "error": error}


def _to_mlflow(run: RunDirectory, logger: dict[str, Any]) -> int:
    """Upload a run and return the number of values sent."""
    from ..loggers.mlflow_session import MLflowSession

    state = run.status["state"]
    if state == "running" and not has_died(run):  # both would send the same values
        raise UserError("the run is being trained")
    identity = run.status["id"], f"{run.config['name']}/{run.status['id']}"
    session = MLflowSession(*identity, logger["experiment_name"], logger["tracking_uri"])
    session.send_settings(for_upload(run.frozen_config))
    session.send(map(numbers, MetricsFile(run.path / "metrics.csv").rows()))
    for path in [*run.path.glob("plots/curves.png"), *_plots(run)]:
        session.send_figure(str(path))
    session.end(0 if state == "finished" else 1)
    return session.num_sent


def _to_wandb(run: RunDirectory, logger: dict[str, Any]) -> int:
    """Upload a run and return the number of rows sent."""
    sent = _send(run, logger)
    if sent and _send(run, logger):  # W&B does not report refused rows; a second upload does
        raise ConnectionError("the server did not store all rows")
    return sent


SENDERS = {"WandbRun": _to_wandb, "MLflowRun": _to_mlflow}
UNITS = {"WandbRun": "rows", "MLflowRun": "values"}


def _send(run: RunDirectory, logger: dict[str, Any]) -> int:
    import wandb

    session = _begin(run, logger)
    rows, plots = MetricsFile(run.path / "metrics.csv").rows(), _plots(run)
    session.run.config.update(for_upload(run.frozen_config), allow_val_change=True)
    session.send(rows)
    if plots:
        session.log_media({f"plots/{path.stem}": [wandb.Image(str(path))] for path in plots})
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


def _plots(run: RunDirectory) -> list[Path]:
    """Return the plots of the test that a finished training logs."""
    if run.status["state"] != "finished":
        return []
    tested = next((name for name in ("best", "last") if (run.path / "plots" / name).is_dir()), "none")
    return sorted(run.path.glob(f"plots/{tested}/test_*.png"))
