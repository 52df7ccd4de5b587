"""Invalid settings are refused before anything heavy is imported."""

from pathlib import Path

import pytest

from leyden.config.check import problems
from leyden.config.compose import compose
from leyden.config.embedded import embedded_experiments

ROOT = Path.cwd()
EMBEDDED = embedded_experiments(ROOT)
CLASSIFIERS = [
    name
    for name in EMBEDDED
    if compose([f"experiment={name}"], ROOT).config["model"]["_target_"].endswith("Classification")
]
CHECKPOINT = "checkpoint._target_=leyden.run"
STEP_LR = "_target_:torch.optim.lr_scheduler.StepLR"


def messages(*words):
    return problems(compose([*words], ROOT))


ANYWHERE = [
    (["preemption=SIGUSR1"], "use a list, [SIGUSR1]"),
    (["trainer.accumulate_grad_batches=-1"], "expected at least 1, got -1"),
    (["trainer.accumulate_grad_batches=0"], "expected at least 1, got 0"),
    (["trainer.gradient_clip_val=-1"], "expected at least 0, got -1"),
    (["trainer.log_every_n_steps=-5"], "expected at least 1, got -5"),
    (["callbacks=early_stopping", "callbacks.early_stopping.patience=-1"], "expected at least 0, got -1"),
    (["+trainer.logger=true"], "trainer.logger is set by the run"),
    (["trainer.callbacks=[]"], "use callbacks.NAME="),
    (["trainer.plugins=[]"], "checkpoint={_target_: ...}"),
    (["trainer.default_root_dir=here"], "runs=FOLDER"),
    (["trainer.enable_progress_bar=false"], "enabled on a terminal"),
    (["trainer.enable_model_summary=true"], "RichModelSummary"),
    (["trainer.use_distributed_sampler=true"], "divides the batches"),
    (["trainer.devices=[1,2]", "trainer.accelerator=cpu"], "expected a number of processes on the CPU, got"),
    (["trainer.accelerator=zzz"], "there is no accelerator 'zzz'; available: auto, cpu"),
    (["trainer.strategy=dpd"], "did you mean 'ddp'?"),
    (["trainer.precision=bf16-mixe"], "did you mean 'bf16-mixed'?"),
    (["trainer.profiler=simpel"], "did you mean 'simple'?"),
    (["seed=4294967296"], "expected seed to be at least 0 and below 2**32, got 4294967296"),
    (["seed=-1"], "expected seed to be at least 0 and below 2**32, got -1"),
    (["data.split_seed=-1"], "it must be at least 0 and below 2**32"),
    (["trainer.max_epochs=0"], "expected at least 1, or -1"),
    (["trainer.max_epochs=10.0"], "write 10"),
    (["trainer.max_epochs=true"], "Trainer expects int or null"),
    (["trainer.limit_train_batches=0"], "nothing would be trained"),
    (["trainer.limit_val_batches=0"], "no checkpoint could be chosen as the best"),
    (["trainer.limit_test_batches=0.0"], "nothing would be tested"),
    (["trainer.limit_train_batches=2.5"], "expected an integer number of batches"),
    (["trainer.max_epochs=-1", "trainer.max_time=00:00:10:00"], "warmup_cosine needs the number of steps"),
    (["trainer.max_epochs=null", "trainer.max_time='00:00:10:00'"], "warmup_cosine needs the number of steps"),
    (["model._target_=5"], "expected the dotted name of a class or function"),
    (["model.optimizer._target_=null"], "expected the dotted name of a class or function"),
    (["model.optimizer._target_='torch.optim.Adam W'"], "expected the dotted name of a class or function"),
    (["model.optimizer._target_=torch.optim"], "expected a class or function, got the module torch.optim"),
    (["trainer._target_=lightning.pytorch.Trainr"], "did you mean 'Trainer'?"),
    ([f"{CHECKPOINT}.checkpoint.CheckpointFil"], "did you mean 'CheckpointFile'?"),
    ([f"{CHECKPOINT}.checkpont.CheckpointFile"], "did you mean 'checkpoint'?"),
    (["model.optimizer._args_=[1]", "model.optimizer.rl=3"], "AdamW has no argument 'rl'"),
    (["model.optimizer._args_=[null,0.1]"], "AdamW already gets 'lr' from _args_"),
    (["model.optimizer._args_=5"], "expected a list of arguments by position"),
    (["model.optimizer._partial_=false"], "add model.optimizer._partial_=true"),
    (["model.optimizer._partial_=5"], "expected true or false"),
    (["model.network._partial_=true"], "expects an object, not a function"),
    (["model.optimizer._convert_=everything"], "expected one of none, partial, object, all"),
    ([f"model.scheduler={{{STEP_LR},step_size:0}}"], "expected at least 1, got 0"),
    (["model.scheduler._target_=torch.optim.lr_scheduler.StepLR"], "StepLR has no argument 'warmup_fraction'"),
    (["model=null"], "it has no _target_: set model=NAME, one of"),
    (["callbacks.best=5"], "it has no _target_: set callbacks.best={_target_: ...}"),
    (["callbacks.best={filename:x}", "~callbacks.best._target_"], "it has no _target_"),
    (["checkpoint=null"], "it has no _target_"),
    (["~model.network._target_"], "model.network: it has no _target_, the name of a class: "),
    (["~model.network._target_"], "expects nn.Module; set model.network._target_=CLASS"),
    (["~model.optimizer._target_"], "model.optimizer: it has no _target_, the name of a class: "),
    (["data.memory_gb=-1"], "it must not be negative"),
    (["model.frozen=conv1"], "use a list, [conv1]"),
]


@pytest.mark.parametrize(
    ("words", "message"), ANYWHERE, ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_wrong_setting_is_refused_with_advice(words, message):
    lines = messages(f"experiment={CLASSIFIERS[0]}", *words)
    assert any(message in line for line in lines), lines


@pytest.mark.parametrize(
    "words",
    [
        [f"model.scheduler={{{STEP_LR},step_size:3,_partial_:true}}"],
        [f"model.scheduler={{{STEP_LR},step_size:3}}"],
        ["model.optimizer={_target_:torch.optim.SGD,lr:0.1,momentum:0.9}"],
        ["trainer.max_epochs=-1", "trainer.max_time=00:00:10:00", "model.scheduler=null"],
        ["trainer.max_epochs=-1", "trainer.max_steps=100"],
        ["trainer.limit_train_batches=0.5", "trainer.limit_val_batches=3", "trainer.val_check_interval=0.25"],
        ["trainer.strategy=ddp_find_unused_parameters_true", "trainer.gradient_clip_val=0"],
        ["model.frozen=[conv1]", "preemption=[]", "callbacks.throughput=null"],
    ],
    ids=" ".join,
)
def test_valid_settings_are_accepted(words):
    assert messages(f"experiment={CLASSIFIERS[0]}", *words) == []


def test_no_setting_of_a_detector_is_ignored():
    name = next((name for name in EMBEDDED if "detection" in name), None)
    if not name:
        pytest.skip("no detection here")
    assert (
        "has no argument 'widht'; did you mean 'width'?" in messages(f"experiment={name}", "model.network.widht=32")[0]
    )
    lines = messages(f"experiment={name}", "model=vision/detector", "model.network.min_sice=3")
    assert "has no argument 'min_sice'; did you mean 'min_size'?" in lines[0]
    assert messages(f"experiment={name}", "model=vision/detector", "model.network.box_nms_thresh=0.3") == []
