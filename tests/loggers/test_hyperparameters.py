"""A task that calls Lightning's `save_hyperparameters`, as is usual, with arguments that are no plain values."""

from functools import partial

import pytest
import torch
from lightning.pytorch import Trainer
from points import Points
from torch import nn

from leyden.run.checkpoint import CheckpointFile
from leyden.tasks import Classification


class Saving(Classification):
    def __init__(self, network, **options):
        super().__init__(network=network, **options)
        self.save_hyperparameters()


def tensorboard(folder):
    pytest.importorskip("tensorboard")
    from leyden.loggers.tensorboard_run import TensorBoardRun

    return TensorBoardRun(str(folder), "abc", "some/run")


def mlflow(folder):
    pytest.importorskip("mlflow")
    from leyden.loggers.mlflow_run import MLflowRun

    return MLflowRun(str(folder), "abc", "some/run", "experiment", str(folder / "mlruns"))


@pytest.mark.filterwarnings("ignore:Attribute 'network' is an instance of `nn.Module`:UserWarning")
@pytest.mark.parametrize("make", [tensorboard, mlflow])
def test_training_logs_the_settings_of_the_run_alone(tmp_path, monkeypatch, make):
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    logger = make(tmp_path)
    logger.log_hyperparams({"seed": 7})
    optimizer = partial(torch.optim.SGD, lr=0.1)
    model = Saving(network=nn.Linear(1, 2), class_names=["low", "high"], optimizer=optimizer)
    trainer = Trainer(
        accelerator="cpu",
        max_steps=1,
        logger=logger,
        log_every_n_steps=1,
        plugins=[CheckpointFile()],
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(model, Points(batch_size=12))
    trainer.save_checkpoint(tmp_path / "end.ckpt")
    assert "state_dict" in CheckpointFile().load_checkpoint(tmp_path / "end.ckpt")
    logger.finish(0)
    assert model.hparams["class_names"] == ["low", "high"]
    if make is mlflow:
        assert logger.experiment.get_run(logger.run_id).data.params == {"seed": "7"}
