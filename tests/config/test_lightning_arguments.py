"""Every argument of Lightning's Trainer works in a run that is tested and resumed, or is refused."""

from inspect import signature

import pytest
import torch
from lightning.pytorch import Trainer
from lightning.pytorch.utilities.exceptions import MisconfigurationException
from lightning_runs import composed, create, evaluated_again, rows, same_weights, stop_and_resume

from leyden.config.check import problems
from leyden.config.trainer_arguments import HARMLESS, REFUSED
from leyden.run.execute import _explain
from leyden.run.worker import Worker

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:.*dataloader is not resumable", "ignore:Checkpoint directory .* is not empty"),
]

# Those that work, each with settings. A new one of Lightning belongs here, or in `trainer_arguments`.
WORK = {
    "accelerator": ["trainer.accelerator=auto"],
    "accumulate_grad_batches": ["trainer.accumulate_grad_batches=2"],
    "benchmark": ["trainer.benchmark=true"],
    "check_val_every_n_epoch": ["trainer.check_val_every_n_epoch=2"],
    "detect_anomaly": ["trainer.detect_anomaly=true"],
    "deterministic": ["trainer.deterministic=warn"],
    "devices": ["trainer.devices=1"],  # two: tests/test_ranks.py
    "enable_autolog_hparams": ["trainer.enable_autolog_hparams=false"],
    "fast_dev_run": ["trainer.fast_dev_run=2"],
    "gradient_clip_algorithm": ["trainer.gradient_clip_val=0.1", "trainer.gradient_clip_algorithm=value"],
    "gradient_clip_val": ["trainer.gradient_clip_val=0.5"],
    "inference_mode": ["trainer.inference_mode=false"],
    "limit_test_batches": ["trainer.limit_test_batches=1"],
    "limit_train_batches": ["trainer.limit_train_batches=0.02"],
    "limit_val_batches": ["trainer.limit_val_batches=0.5"],
    "log_every_n_steps": ["trainer.log_every_n_steps=2"],
    "max_epochs": ["trainer.max_epochs=2"],
    "max_steps": ["trainer.max_epochs=-1", "trainer.max_steps=8"],
    "max_time": ["trainer.max_time={minutes: 10}"],
    "min_epochs": ["trainer.min_epochs=2"],
    "min_steps": ["trainer.min_steps=4"],
    "num_nodes": ["trainer.num_nodes=1"],  # two: tests/cluster/
    "num_sanity_val_steps": ["trainer.num_sanity_val_steps=2"],
    "overfit_batches": ["trainer.overfit_batches=2"],
    "precision": ["trainer.precision=bf16-mixed"],
    "profiler": ["trainer.profiler=simple"],
    "reload_dataloaders_every_n_epochs": ["trainer.reload_dataloaders_every_n_epochs=1"],
    "strategy": ["trainer.strategy=auto"],  # of several ranks: tests/test_ranks.py
    "sync_batchnorm": ["trainer.sync_batchnorm=true"],
    "val_check_interval": ["trainer.val_check_interval=2"],
}


@pytest.fixture(autouse=True)
def as_before():
    """Restore global state that a trainer sets."""
    yield
    torch.use_deterministic_algorithms(False)
    torch.backends.cudnn.benchmark = False


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", WORK)
def test_it_works(name, tmp_path):
    assert not problems(composed(*WORK[name]))
    whole = create(tmp_path / "whole", *WORK[name])
    results = Worker(whole, trains=True).fit()
    assert evaluated_again(whole) == results
    if name == "profiler":
        for stage in ("fit", "test"):
            assert "Profiler Report" in (whole.path / "profile" / f"{stage}-profile.txt").read_text()
    if name == "fast_dev_run":  # one epoch, of which nothing is logged
        return
    stopped = create(tmp_path / "stopped", *WORK[name])
    assert stop_and_resume(stopped) == results
    assert same_weights(whole, stopped)
    assert rows(whole) == rows(stopped)


def test_all_arguments_of_the_trainer_are_covered():
    assert sorted([*WORK, *REFUSED]) == sorted(signature(Trainer).parameters)


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused(name):
    harmless, refusal = HARMLESS.get(name), f"trainer.{name} {REFUSED[name]}"
    other = str(not harmless).lower() if isinstance(harmless, bool) else "1"
    assert any(refusal in problem for problem in problems(composed(f"+trainer.{name}={other}")))
    same = "null" if harmless is None else str(harmless).lower()
    assert not any(refusal in problem for problem in problems(composed(f"+trainer.{name}={same}")))


@pytest.mark.parametrize("wrong", [{"gradient_clip_algorithm": "nothing"}, {"val_check_interval": 1.5}])
def test_lightning_errors_have_no_traceback(wrong, caplog, tmp_path):
    run = create(tmp_path)
    with pytest.raises(MisconfigurationException) as refused:
        Trainer(logger=False, **wrong)
    _explain(refused.value, run, trains=True)
    assert str(refused.value) in caplog.text
    assert "Traceback" not in caplog.text


def test_scheduler_that_monitors_a_metric_resumes(tmp_path):
    plateau = [
        "model.scheduler._target_=torch.optim.lr_scheduler.ReduceLROnPlateau",
        "~model.scheduler.warmup_fraction",
        "+model.scheduler.patience=0",
        "+model.scheduler.threshold=10",  # what no epoch improves by
    ]
    whole, stopped = create(tmp_path / "whole", *plateau), create(tmp_path / "stopped", *plateau)
    Worker(whole, trains=True).fit()
    assert len({row["train/learning_rate"] for row in rows(whole)} - {""}) > 1
    stop_and_resume(stopped)
    assert rows(whole) == rows(stopped)
    assert same_weights(whole, stopped)
