from pathlib import Path

import pytest

from leyden.errors import UserError
from leyden.study.sweep.prepare import configuration, plan_search

ROOT = Path.cwd()
EXPERIMENT = "vision/digits"
RATES = "model.optimizer.lr=tag(log,interval(1e-4,1e-1))"


def plan(*words):
    return plan_search([EXPERIMENT, "search=tpe", *words], ROOT)


def test_values_are_set_where_interpolations_copy_them():
    planned = plan(RATES, "seed=0,1,2")
    config = configuration(planned.bases, {"model.optimizer.lr": 0.02, "seed": 2})
    assert config["model"]["optimizer"]["lr"] == 0.02
    assert config["seed"] == config["data"]["seed"] == 2
    assert "search" not in config
    assert planned.bases[0].config["seed"] == 0  # is not changed
    assert planned.own["seed"] == 0


def test_config_groups_and_nodes_are_searched():
    step = "{_target_: torch.optim.lr_scheduler.StepLR, step_size: 3}"
    momentum = "search.space.model.optimizer.momentum={low: 0.8, high: 0.9, when: {optim: sgd}}"
    planned = plan("optim=adamw,sgd", f"model.scheduler=null,{step}", momentum)
    assert [base.options for base in planned.bases] == [{"optim": "adamw"}, {"optim": "sgd"}]
    chosen = {"optim": "sgd", "model.optimizer.momentum": 0.85, "model.scheduler": None}
    assert configuration(planned.bases, chosen)["model"]["optimizer"]["_target_"] == "torch.optim.SGD"
    node = next(value for value in planned.space["model.scheduler"].values if value)
    scheduled = configuration(planned.bases, {"optim": "adamw", "model.scheduler": node})["model"]["scheduler"]
    assert scheduled == {"_target_": "torch.optim.lr_scheduler.StepLR", "_partial_": True, "step_size": 3}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["model.optimizer.lrr=1,2"], "no argument 'lrr'; did you mean 'lr'"),
        (["data.batch_size=0,64"], "data.batch_size=0: batch_size is 0"),
        (["trainer.max_epochs=interval(1,2.5)"], "int or null"),
        (["trainer.devices=1,2"], "it changes launcher.devices; all trials of a search"),
        (["trainer=cpu,gpu"], "the options of a config group change the launcher"),
        (["runs=a,b"], "runs is the same for all trials"),
        (["optim=adamw,sgdd"], "no option 'sgdd'; did you mean 'sgd'"),
        ([RATES, "search.objectives={test/accuracy: max}"], "use val/accuracy"),
        ([RATES, "search.objectives={accuracy: max}"], "got accuracy"),
        ([RATES, "search.trails=3"], "'trails'; did you mean 'trials'"),
        ([RATES, "search.trials=null"], "a search needs an end"),
        ([RATES, "search=cmaes", "search.objectives={val/loss: min, seconds: min}"], "a single objective"),
        ([RATES, "search=grid"], "a grid needs a step"),
        ([], "nothing to search"),
    ],
)
def test_mistakes_are_reported_before_anything_starts(words, expected):
    with pytest.raises(UserError) as error:
        plan(*words)
    assert expected in str(error.value)


def test_a_wrong_name_is_reported_once():
    with pytest.raises(UserError) as error:
        plan("model.optimizer.lrr=interval(1,2)")
    assert str(error.value).count("lrr'") == 1


def test_objective_is_the_metric_of_the_task():
    assert plan(RATES).objectives == {"val/accuracy": "max"}
    assert plan(RATES, "callbacks.best.monitor=val/loss", "callbacks.best.mode=min").objectives == {"val/loss": "min"}
