import re

import pytest
from lightning_runs import EXPERIMENT, ROOT, create, rows, same_weights

from leyden.config.compose import compose
from leyden.errors import UserError
from leyden.run.directory import RunDirectory
from leyden.run.override_on_resume import override_on_resume
from leyden.run.results import read_results
from leyden.run.worker import Worker

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:Checkpoint directory"),
    pytest.mark.filterwarnings("ignore:You're using the WeightAveraging callback"),
]
STEP = "model.scheduler={_target_: torch.optim.lr_scheduler.StepLR, step_size: 1, gamma: 0.5}"
SCHEDULES = {
    "step": [STEP],
    "constant": ["model.scheduler=null"],
    "plateau": ["model.scheduler={_target_: torch.optim.lr_scheduler.ReduceLROnPlateau, patience: 0}"],
    "stable": ["optim=wsd", "model.scheduler.warmup_steps=2"],
    "averaged": [STEP, "+callbacks.ema={_target_: lightning.pytorch.callbacks.EMAWeightAveraging, decay: 0.8}"],
    "accumulated": [STEP, "trainer.accumulate_grad_batches=2"],
}


def partial(settings):
    return [
        word.replace("StepLR,", "StepLR, _partial_: true,").replace("Plateau,", "Plateau, _partial_: true,")
        for word in settings
    ]


def train(folder, *settings):
    run = create(folder, *partial(settings))
    Worker(run, trains=True).fit()
    return run


def extend(run, *words):
    override_on_resume(run, list(words), ROOT)
    Worker(RunDirectory(run.path), trains=True).fit()


def refusal(run, *words):
    before = (run.path / "config.yaml").read_bytes()
    with pytest.raises(UserError) as caught:
        override_on_resume(run, list(words), ROOT)
    assert (run.path / "config.yaml").read_bytes() == before
    return str(caught.value)


def assert_same(run, other):
    for name in ("last", "best"):
        assert same_weights(run, other, name), name
    assert rows(run) == rows(other)
    assert run.best["metrics"] == other.best["metrics"]
    assert run.best["epoch"] == other.best["epoch"]
    assert {**read_results(run.path), "splits": 0} == {**read_results(other.path), "splits": 0}


@pytest.mark.parametrize(
    "schedule", ["step", *[pytest.param(name, marks=pytest.mark.exhaustive) for name in SCHEDULES if name != "step"]]
)
def test_an_extended_run_has_the_bits_of_a_longer_one(schedule, tmp_path):
    run = train(tmp_path, *SCHEDULES[schedule], "trainer.max_epochs=2")
    assert max(int(row["epoch"]) for row in rows(run) if row["epoch"]) < 3
    extend(run, "trainer.max_epochs=4")
    assert_same(run, train(tmp_path, *SCHEDULES[schedule], "trainer.max_epochs=4"))


def test_a_stable_run_ends_with_a_decay(tmp_path):
    settings = ["optim=wsd", "model.scheduler.warmup_steps=2"]
    run = train(tmp_path, *settings, "trainer.max_epochs=2")
    extend(run, "trainer.max_epochs=4", "model.scheduler.decay_steps=4")
    assert_same(run, train(tmp_path, *settings, "trainer.max_epochs=4", "model.scheduler.decay_steps=4"))
    assert "warmup_stable_decay depends on the length" in refusal(run, "trainer.max_epochs=5")


@pytest.mark.parametrize("schedule", ["step", pytest.param("plateau", marks=pytest.mark.exhaustive)])
def test_an_end_by_steps_is_extended_at_the_end_of_an_epoch(schedule, tmp_path):
    settings = [*SCHEDULES[schedule], "trainer.max_epochs=-1"]  # epochs of 3 steps
    run = train(tmp_path, *settings, "+trainer.max_steps=6")
    extend(run, "trainer.max_steps=8")
    assert_same(run, train(tmp_path, *settings, "+trainer.max_steps=8"))
    assert "it ended within an epoch, after step 8" in refusal(run, "trainer.max_steps=12")


def test_a_schedule_that_depends_on_the_length_is_refused_with_two_ways_out(tmp_path):
    run = train(tmp_path, "trainer.max_epochs=2")  # warmup and cosine decay
    text = refusal(run, "trainer.max_epochs=4")
    assert "warmup_cosine depends on the length: it would have had other learning rates from step" in text
    assert re.search(r"leyden train \S+ trainer.max_epochs=4 init_from=\S+", text)
    assert "optim=wsd" in text
    cycle = "model.scheduler={_target_: torch.optim.lr_scheduler.OneCycleLR, _partial_: true, max_lr: 0.01}"
    assert "OneCycleLR depends on the length" in refusal(train(tmp_path, cycle), "trainer.max_epochs=4")


def test_a_run_that_was_stopped_early_is_not_extended(tmp_path):
    early = [
        "callbacks=early_stopping",
        "callbacks.early_stopping.patience=1",
        "+callbacks.early_stopping.min_delta=10",
    ]
    run = train(tmp_path, STEP, *early)
    assert "a callback or trainer.max_time stopped it after step 6" in refusal(run, "trainer.max_epochs=9")


def test_lengths_that_are_reached_and_settings_that_are_no_length(tmp_path):
    run = train(tmp_path, STEP)
    run.set_state("finished")
    assert "has already trained 3 epochs" in refusal(run, "trainer.max_epochs=3")
    assert "has already trained 3 epochs" in refusal(run, "trainer.max_epochs=2")
    assert "cannot change after it has started" in refusal(run, "trainer.max_epochs=4", "seed=3")
    assert "StepLR" in refusal(run, "model.scheduler.gamma=0.1", "trainer.max_epochs=4")


def test_settings_that_follow_from_the_length_are_refused(tmp_path):
    """A setting by interpolation, such as `T_max: ${trainer.max_epochs}`, which the run's configuration has as a number."""
    words = [f"experiment={EXPERIMENT}", "trainer=cpu", "trainer.max_epochs=3", f"runs={tmp_path}"]
    words += ["model.scheduler={_target_: torch.optim.lr_scheduler.CosineAnnealingLR, _partial_: true}"]
    words += ["model.scheduler.T_max=${trainer.max_epochs}"]
    run = RunDirectory.create(compose(words, ROOT).frozen, ROOT, ["leyden", "train", *words])
    assert run.config["model"]["scheduler"]["T_max"] == 3
    assert "in a new run, model.scheduler.T_max would change with it" in refusal(run, "trainer.max_epochs=4")
    override_on_resume(run, ["trainer.devices=2"], ROOT)
