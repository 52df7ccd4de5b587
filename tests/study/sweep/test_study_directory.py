from leyden.study.sweep.study_directory import in_group


def test_runs_of_a_study_are_a_group_of_their_loggers():
    loggers = {"wandb": {"project": "p", "group": None}, "tensorboard": {"project": "p"}, "other": None}
    config = in_group({"name": "x", "logger": loggers}, "x/20261129-120000-a")
    assert config["logger"]["wandb"] == {"project": "p", "group": "x/20261129-120000-a"}
    assert {**config["logger"], "wandb": None} == {**loggers, "wandb": None}
    mine = {"logger": {"wandb": {"group": "mine"}}}
    assert in_group(mine, "x") == mine
    assert in_group({"logger": {}}, "x") == {"logger": {}}
