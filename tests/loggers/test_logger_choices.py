"""What can be chosen as `logger=NAME`, and what the check says of it."""

from pathlib import Path

import pytest

from leyden.config.check import problems
from leyden.config.compose import compose
from leyden.config.embedded import embedded_experiments
from leyden.config.static import guards

ROOT = Path.cwd()
EXPERIMENT = embedded_experiments(ROOT)[0]
LOGGERS = ["wandb", "tensorboard", "mlflow", "trackio"]


def messages(*settings):
    return problems(compose([EXPERIMENT, *settings], ROOT))


@pytest.mark.parametrize("logger", LOGGERS)
def test_missing_package_is_refused_by_the_check(logger, monkeypatch):
    monkeypatch.setitem(guards._SAFE, "installed_version", lambda package: "")
    (message,) = [message for message in messages(f"logger={logger}") if "not installed" in message]
    assert f"(extra `{logger}`)" in message


def test_database_of_mlflow_needs_more_than_a_folder(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setitem(guards._SAFE, "installed_version", lambda package: "3.17" if package == "mlflow-skinny" else "")
    (message,) = messages("logger=mlflow")
    assert "sqlalchemy and alembic" in message
    assert not messages("logger=mlflow", "logger.mlflow.tracking_uri=runs/mlruns")


def test_several_at_once(monkeypatch):
    monkeypatch.setitem(guards._SAFE, "installed_version", lambda package: "9")
    composed = compose(
        [EXPERIMENT, f"logger=[{','.join(LOGGERS)}]", "logger.wandb.group=study", "runs=/scratch/r"], ROOT
    )
    assert not problems(composed)
    assert [*composed.config["logger"]] == LOGGERS
    assert composed.config["logger"]["wandb"]["group"] == "study"
    assert composed.config["logger"]["mlflow"]["tracking_uri"].startswith(("sqlite:////scratch/r/mlflow.db", "http"))
    (message,) = messages("logger=[csv,tensorboard]", "logger.tensorboard.flush=1")
    assert "TensorBoardRun has no argument 'flush'" in message
