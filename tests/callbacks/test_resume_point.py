"""Trainings that are stopped or killed once or twice and resumed equal uninterrupted ones."""

import signal

import lightning_runs
import pytest
import torch
from differences import content, differing
from disturbed_training import Disturbance, parts, send
from lightning.pytorch.callbacks import EarlyStopping, EMAWeightAveraging, ModelCheckpoint
from logging_parts import EpochMeans
from test_interruption import listening

from leyden.callbacks import Interruption, LastCheckpoint, Throughput
from leyden.callbacks.resume_point import ResumePoint
from leyden.errors import RunError, Stopped
from leyden.loggers.metrics_csv import MetricsCSV, ResumeMetrics
from leyden.run.worker import Worker

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*dataloader is not resumable"),
    pytest.mark.filterwarnings("ignore:.*exists and is not empty"),
    pytest.mark.filterwarnings("ignore:You're using the WeightAveraging callback"),
]
TIMES = ("per_second", "data_wait")


class Died(Exception):  # noqa: N818
    pass


def die(batch):
    raise Died


class OneLife:
    """A training with all callbacks that write metrics and checkpoints."""

    def __init__(self, folder, *callbacks, every_n_steps=None, **options):
        self.folder, self.last = folder, folder / "last.ckpt"
        folder.mkdir(exist_ok=True)
        metrics = MetricsCSV(folder)
        best = ModelCheckpoint(folder, "best", monitor="val/loss", enable_version_counter=False)
        with listening() as stop:
            callbacks = [ResumePoint(self.last), *callbacks, Throughput(), ResumeMetrics(metrics), Interruption(stop)]
            self.trainer, model, data = parts(folder, [*callbacks, best, LastCheckpoint(every_n_steps)], **options)
            self.trainer.loggers = [metrics]
            self.trainer.log_every_n_steps = 1
            try:
                self.trainer.fit(model, data, ckpt_path=self.last if self.last.exists() else None)
            except (Stopped, Died) as error:
                self.end = type(error)
            else:
                self.end = None


def rows(folder):
    return [
        {name: value and not name.endswith(TIMES) and value for name, value in row.items()}
        for row in MetricsCSV(folder).file.rows()
    ]


def compare(tmp_path, disturbances, callbacks=lambda: [EpochMeans()], **options):
    """Train with the given disturbances in turn, and compare with an uninterrupted training."""
    whole, hit = tmp_path / "whole", tmp_path / "hit"
    assert OneLife(whole, *callbacks(), **options).end is None
    for disturbance in disturbances:
        life = OneLife(hit, *callbacks(), disturbance, **options)
        assert life.end is (Died if disturbance.action is die else Stopped)
    life = OneLife(hit, *callbacks(), **options)
    assert life.end is None
    for name in ("last.ckpt", "best.ckpt"):
        assert not differing(*(content(folder / name, folder) for folder in (whole, hit)))
    assert rows(hit) == rows(whole)
    return life


TERM = send(signal.SIGTERM)


@pytest.mark.parametrize("epoch", [0, 1])
def test_stop_in_validation(tmp_path, epoch):
    stop = Disturbance(TERM, "on_validation_batch_start", epoch=epoch, batch=0)
    after = [Disturbance(die, "on_train_batch_start", epoch=1, batch=0)] if epoch == 0 else []
    compare(tmp_path, [stop, *after])


@pytest.mark.parametrize("action", [TERM, die])
@pytest.mark.parametrize(("accumulate_grad_batches", "interval"), [(3, 2), (4, 3), (5, 1)])
def test_validation_between_accumulated_batches(tmp_path, action, accumulate_grad_batches, interval):
    options = {"accumulate_grad_batches": accumulate_grad_batches, "val_check_interval": interval}
    compare(tmp_path, [Disturbance(action, "on_validation_batch_start", epoch=1, batch=0)], **options)


def test_validation_at_max_steps(tmp_path):
    stop = Disturbance(TERM, "on_validation_batch_start", epoch=1, batch=0)
    life = compare(tmp_path, [stop], max_steps=12)
    assert life.trainer.global_step == 12


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Checkpoint directory")
def test_schedule_of_a_plateau_goes_on_with_a_limit_of_steps(tmp_path):
    plateau = "torch.optim.lr_scheduler.ReduceLROnPlateau, _partial_: true, patience: 0, threshold: 10"  # always
    settings = [f"model.scheduler={{_target_: {plateau}}}", "trainer.max_epochs=-1", "+trainer.max_steps=9"]
    whole, hit = (lightning_runs.create(tmp_path, *settings) for _ in range(2))
    Worker(whole, trains=True).fit()
    lightning_runs.stop_and_resume(hit, epoch=1, batch=1)
    assert lightning_runs.same_weights(whole, hit)
    assert lightning_runs.rows(whole) == lightning_runs.rows(hit)


def test_epoch_sums_are_restored(tmp_path):
    dies = Disturbance(die, "on_train_batch_start", epoch=1, batch=3)
    life = compare(tmp_path, [dies], every_n_steps=1, val_check_interval=4)
    assert all(name in row for row in rows(life.folder)[-1:] for name in ("train/mean", "train/samples_per_second"))


def early_stopping():
    return [EarlyStopping("val/loss", patience=1, min_delta=10.0)]


@pytest.mark.parametrize("interval", [1.0, 3])
def test_early_stopped_training_does_not_continue(tmp_path, interval):
    options = {"val_check_interval": interval}
    life = compare(tmp_path, [], callbacks=early_stopping, **options)
    assert life.trainer.current_epoch == (2 if interval == 1.0 else 1)
    again = OneLife(life.folder, *early_stopping(), **options)  # as after a kill in the test
    assert again.trainer.global_step == life.trainer.global_step
    assert not differing(content(life.last, life.folder), content(tmp_path / "whole" / "last.ckpt", tmp_path / "whole"))


def test_early_stop_is_restored_between_validation_and_end(tmp_path):
    dies = Disturbance(die, "on_validation_batch_end", epoch=0, batch=0)
    compare(tmp_path, [dies], callbacks=early_stopping, val_check_interval=3)


def test_stop_in_validation_of_averaged_weights(tmp_path):
    stop = Disturbance(TERM, "on_validation_batch_start", epoch=0, batch=0)
    compare(tmp_path, [stop], callbacks=lambda: [EMAWeightAveraging(decay=0.5)])


def test_finished_training_is_not_continued(tmp_path):
    first = OneLife(tmp_path)
    again = OneLife(tmp_path)
    assert again.trainer.global_step == first.trainer.global_step == 12
    assert [row["step"] for row in rows(tmp_path)] == sorted((row["step"] for row in rows(tmp_path)), key=int)


def test_checkpoint_without_resume_point_is_refused(tmp_path):
    OneLife(tmp_path)
    best = torch.load(tmp_path / "best.ckpt", weights_only=True)
    assert "resume_point" not in best
    torch.save(best, tmp_path / "last.ckpt")
    with pytest.raises(RunError, match=r"last\.ckpt cannot be resumed"):
        OneLife(tmp_path)
