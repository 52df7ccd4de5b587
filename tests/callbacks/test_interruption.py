import signal
from contextlib import contextmanager

import pytest
import torch
from disturbed_training import Disturbance, parts, send
from lightning.pytorch import Callback
from torch.multiprocessing import ProcessRaisedException

from leyden.callbacks import Interruption, LastCheckpoint, ResumePoint
from leyden.errors import Stop, Stopped
from leyden.run.shutdown import StopRequest

pytestmark = [
    # Forked, as processes that read batches are.
    pytest.mark.filterwarnings("ignore:.*use of fork.. may lead to deadlocks"),
    pytest.mark.filterwarnings("ignore:.*dataloader is not resumable"),
]


class Save(Callback):
    """Return the final weights and the validation metrics."""

    def __init__(self, file):
        self.file, self.losses = file, []

    def on_validation_end(self, trainer, pl_module):
        self.losses.append(float(trainer.callback_metrics["val/loss"]))

    def state_dict(self):
        return {"losses": self.losses}

    def load_state_dict(self, state_dict):
        self.losses = state_dict["losses"]

    def on_train_end(self, trainer, pl_module):
        trainer.save_checkpoint(self.file)


@contextmanager
def listening():
    """A stop request that listens, as from the start of a run."""
    stop = StopRequest(["SIGTERM", "SIGUSR1"])
    previous = {number: signal.getsignal(number) for number in stop.preemption}
    stop.listen()
    yield stop
    for number, handler in previous.items():
        signal.signal(number, handler)


def train(folder, num_ranks, *disturbances, resume=False, **options):
    with listening() as stop:
        last = folder / "last.ckpt"
        callbacks = [ResumePoint(last), Save(folder / "end.ckpt"), Interruption(stop), *disturbances]
        trainer, model, data = parts(folder, [*callbacks, LastCheckpoint()], num_ranks, **options)
        trainer.fit(model, data, ckpt_path=last if resume else None)


def same(first, second):
    one, other = (torch.load(folder / "end.ckpt", weights_only=True) for folder in (first, second))
    losses = [next(state for key, state in file["callbacks"].items() if "Save" in key) for file in (one, other)]
    assert all(one["state_dict"][name].equal(value) for name, value in other["state_dict"].items())
    assert losses[0] == losses[1]
    assert len(losses[0]["losses"]) == 2


@pytest.mark.parametrize("num_ranks", [1, 2])
@pytest.mark.parametrize(
    ("hook", "epoch", "batch", "saved_at"),
    [
        ("on_train_batch_start", 1, 2, 9),
        ("on_train_batch_start", 0, 5, 6),  # the last one of an epoch, before its validation
        ("on_train_batch_end", 1, 5, 12),  # the last one of all
        ("on_validation_batch_start", 0, 0, 6),
    ],
)
def test_preempted_run_ends_with_the_same_bits(tmp_path, num_ranks, hook, epoch, batch, saved_at):
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    train(whole, num_ranks)
    burst = Disturbance(send(*[signal.SIGUSR1, signal.SIGTERM] * 5), hook, epoch, batch, rank=num_ranks - 1)
    # A forked process hands its exception on as text.
    with pytest.raises(Stopped if num_ranks == 1 else ProcessRaisedException, match=f"preempted.* {saved_at}"):
        train(stopped, num_ranks, burst)
    assert not (stopped / "end.ckpt").exists()
    assert torch.load(stopped / "last.ckpt", weights_only=True)["global_step"] == saved_at
    train(stopped, num_ranks, resume=True)
    same(whole, stopped)


def test_accumulated_gradients_are_not_lost(tmp_path):
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    train(whole, 1, accumulate_grad_batches=3)
    with pytest.raises(Stopped):
        train(stopped, 1, Disturbance(send(signal.SIGTERM), batch=0), accumulate_grad_batches=3)
    assert torch.load(stopped / "last.ckpt", weights_only=True)["global_step"] == 1
    train(stopped, 1, resume=True, accumulate_grad_batches=3)
    same(whole, stopped)


def test_interrupt_overrides_preemption(tmp_path):
    both = Disturbance(send(signal.SIGTERM, signal.SIGINT, signal.SIGUSR1))
    with pytest.raises(Stopped) as stopped:
        train(tmp_path, 1, both)
    assert stopped.value.stop == Stop.INTERRUPTED
    assert signal.getsignal(signal.SIGINT) == signal.default_int_handler


def test_second_interrupt_stops_immediately(tmp_path):
    # Lightning turns it into the end of the process.
    with pytest.raises(SystemExit):
        train(tmp_path, 1, Disturbance(send(signal.SIGINT, signal.SIGINT)))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    assert not (tmp_path / "last.ckpt").exists()


def test_earlier_signal_stops_before_the_first_step(tmp_path):
    with listening() as stop:
        send(signal.SIGUSR1)(None)
        trainer, model, data = parts(tmp_path, [ResumePoint(tmp_path / "last.ckpt"), Interruption(stop)])
        with pytest.raises(Stopped, match="preempted after step 0"):
            trainer.fit(model, data)
    assert not (tmp_path / "last.ckpt").exists()  # the run begins again, or goes on from where it had begun


def test_interrupted_test_is_repeated(tmp_path):
    with listening() as stop:
        signalled = Disturbance(send(signal.SIGTERM), "on_test_batch_start", epoch=2)
        trainer, model, data = parts(tmp_path, [ResumePoint(tmp_path / "last.ckpt"), Interruption(stop), signalled])
        trainer.fit(model, data)
        with pytest.raises(Stopped, match="preempted in the test"):
            trainer.test(model, data, verbose=False)
