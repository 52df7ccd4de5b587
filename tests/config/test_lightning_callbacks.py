"""Every callback of Lightning works in a run that is tested and resumed, or is refused."""

import pytest
from lightning.pytorch import callbacks
from lightning_runs import composed, create, evaluated_again, rows, same_weights, stop_and_resume

from leyden.config.check import problems
from leyden.config.refused_callbacks import CALLBACKS
from leyden.errors import UserError
from leyden.run.worker import Worker

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:.*dataloader is not resumable", "ignore:Checkpoint directory .* is not empty"),
    # Of what does not concern a network that is not sharded, and a test of averaged weights.
    pytest.mark.filterwarnings("ignore:You're using the WeightAveraging callback"),
    pytest.mark.filterwarnings("ignore:When using the `ThroughputMonitor`, you need to define"),
]

# Those that work, with arguments. A new one of Lightning belongs here, or in `refused_callbacks`.
WORK = {
    "Callback": {},
    "Checkpoint": {},
    "DeviceStatsMonitor": {},
    "EMAWeightAveraging": {"decay": 0.8},
    "EarlyStopping": {"patience": 5},
    "LambdaCallback": {},
    "LearningRateMonitor": {},
    "ModelCheckpoint": {"filename": "second", "every_n_epochs": 2},
    "ModelSummary": {},
    "RichModelSummary": {},
    "ThroughputMonitor": {"batch_size_fn": "{_target_: hydra.utils.get_method, path: builtins.len}", "window_size": 2},
    "Timer": {"duration": "{minutes: 10}"},
    "WeightAveraging": {},
}


def settings(name, arguments):
    target = f"+callbacks.own._target_=lightning.pytorch.callbacks.{name}"
    return [target, *(f"+callbacks.own.{argument}={value}" for argument, value in arguments.items())]


def test_all_callbacks_of_lightning_are_covered():
    assert sorted([*WORK, *CALLBACKS]) == sorted(callbacks.__all__)


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", WORK)
def test_it_works(name, tmp_path):
    whole = create(tmp_path / "whole", *settings(name, WORK[name]))
    assert not problems(composed(*settings(name, WORK[name])))
    results = Worker(whole, trains=True).fit()
    assert evaluated_again(whole) == results
    stopped = create(tmp_path / "stopped", *settings(name, WORK[name]))
    assert stop_and_resume(stopped) == results
    assert same_weights(whole, stopped)
    # DeviceStatsMonitor and ThroughputMonitor log the machine and the time since the process started.
    times = (name, "/time", "/batches", "/samples", "/device")
    assert rows(whole, *times) == rows(stopped, *times)


@pytest.mark.parametrize("name", CALLBACKS)
def test_it_is_refused(name, tmp_path):
    (problem,) = problems(composed(*settings(name, {})))[:1]
    assert f"{name} does not work here: {CALLBACKS[name]}" in problem
    run = create(tmp_path, *settings(name, {}))
    with pytest.raises(UserError, match=f"callbacks.own: {name} does not work here"):
        Worker(run, trains=True)
