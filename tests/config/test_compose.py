from pathlib import Path

import pytest

from leyden.config.compose import ConfigError, compose, options, project_root
from leyden.config.embedded import embedded_experiments

FILES = {
    "train.yaml": "defaults:\n  - _self_\n  - data: null\n  - trainer: slow\n  - experiment: null\nseed: 0\n",
    "data/pets.yaml": "# Cats and dogs\nroot: pets\nseed: ${seed}\n",
    "data/wild.yaml": "root: ${nowhere.at_all}\nother: ${data.nothing}\n",
    "trainer/slow.yaml": "steps: 10\n",
    "trainer/fast.yaml": "defaults:\n  - slow\nsteps: 1\n",
    "trainer/broken.yaml": "steps: [1,\nrate: 3\n",
    "experiment/home/pets.yaml": "# @package _global_\n# At home\ndefaults:\n  - override /data: pets\ntrainer:\n  steps: 7\n",
    "experiment/lost.yaml": "# @package _global_\ndefaults:\n  - override /data: petts\n",
}


@pytest.fixture
def root(tmp_path):
    for name, text in FILES.items():
        path = tmp_path / "configs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_overrides_take_precedence_over_experiments(root):
    composed = compose(["experiment=home/pets"], root)
    assert composed.config == {
        "name": "home/pets",
        "seed": 0,
        "data": {"root": "pets", "seed": 0},
        "trainer": {"steps": 7},
    }
    composed = compose(["experiment=home/pets", "trainer.steps=3", "seed=5", "+data.new=1"], root)
    assert composed.config["trainer"] == {"steps": 3}
    assert composed.config["data"] == {"root": "pets", "seed": 5, "new": 1}
    assert composed.overrides == {"trainer.steps": "trainer.steps=3", "seed": "seed=5", "data.new": "+data.new=1"}


def test_experiment_without_key(root):
    assert compose(["home/pets", "seed=5"], root) == compose(["experiment=home/pets", "seed=5"], root)


def test_files_in_merge_order(root):
    files = compose(["trainer=fast", "data=pets"], root).files
    assert [(path.relative_to(root / "configs").as_posix(), key) for path, key in files] == [
        ("train.yaml", ""),
        ("data/pets.yaml", "data"),
        ("trainer/slow.yaml", "trainer"),
        ("trainer/fast.yaml", "trainer"),
    ]


def test_group_is_removed(root):
    assert "trainer" not in compose(["trainer=null"], root).config


def test_options_with_descriptions(root):
    assert options(root)["experiment"] == [("home/pets", "At home"), ("lost", "")]
    assert options(root)["data"] == [("pets", "Cats and dogs"), ("wild", "")]


@pytest.mark.parametrize(
    ("overrides", "messages"),
    [
        (["pets"], ["nor of the form key=value; did you mean data=pets?"]),
        (["home/pet"], ["neither an experiment nor of the form key=value; did you mean 'home/pets'?"]),
        (["pets,cats"], ["nor of the form key=value; did you mean data=pets,cats?"]),
        (["trainer=fats", "data=pet"], ["did you mean 'fast'", "did you mean 'pets'"]),
        (["data.root=[a"], ["the value cannot be parsed; quote it"]),
        (["seed=1,2"], ["expected one value; for a list use"]),
        (["trainer=broken"], ["configs/trainer/broken.yaml:3"]),
        (["data=wild"], ["data.root = ${nowhere.at_all}", "data.other = ${data.nothing}"]),
        (
            ["experiment=lost"],
            ["configs/experiment/lost.yaml:3  there is no configs/data/petts.yaml; did you mean 'pets'"],
        ),
    ],
)
def test_all_override_errors_are_reported(root, overrides, messages):
    with pytest.raises(ConfigError) as caught:
        compose(overrides, root)
    assert len(caught.value.messages) == len(messages)
    for message in messages:
        assert message in str(caught.value)


def test_values_keep_their_types(root):
    config = compose(["data.x=null", "data.y=[1,2.5,a]", "data.z={a: true}", "data.w='3'", "data.v=???"], root).config
    assert config["data"] == {"x": None, "y": [1, 2.5, "a"], "z": {"a": True}, "w": "3", "v": "???"}


NODES = {
    "train.yaml": "defaults:\n  - _self_\n  - model: plain\n  - experiment: null\n",
    "model/plain.yaml": (
        "_target_: builtins.dict\nsize: 3\nscheduler:\n"
        "  _target_: torch.optim.lr_scheduler.ExponentialLR\n  _partial_: true\n  gamma: 0.5\n"
        "network:\n  _target_: builtins.dict\n  builder:\n    _target_: builtins.list\n    a: 1\n"
    ),
    "experiment/steps.yaml": (
        "# @package _global_\nmodel:\n  scheduler:\n"
        "    _target_: torch.optim.lr_scheduler.CosineAnnealingLR\n    T_max: 3\n"
    ),
    "experiment/target.yaml": "# @package _global_\nmodel:\n  _target_: builtins.list\n",
}
STEP_LR = "torch.optim.lr_scheduler.StepLR"


@pytest.fixture
def nodes(tmp_path):
    for name, text in NODES.items():
        path = tmp_path / "configs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return lambda *words: compose([*words], tmp_path).config["model"]


def test_node_with_another_target_is_replaced(nodes):
    scheduler = nodes(f"model.scheduler={{_target_: {STEP_LR}, step_size: 3}}", "model.scheduler.gamma=0.1")[
        "scheduler"
    ]
    assert scheduler == {"_target_": STEP_LR, "_partial_": True, "step_size": 3, "gamma": 0.1}
    network = nodes("model.network={builder: {_target_: builtins.set, b: 2}}")["network"]
    assert network == {"_target_": "builtins.dict", "builder": {"_target_": "builtins.set", "b": 2}}


def test_node_with_same_target_is_merged(nodes):
    exponential = {
        "_target_": "torch.optim.lr_scheduler.ExponentialLR",
        "_partial_": True,
        "gamma": 0.5,
        "last_epoch": 1,
    }
    assert nodes("model.scheduler={last_epoch: 1}")["scheduler"] == exponential
    assert nodes(f"model.scheduler={{_target_: {exponential['_target_']}, last_epoch: 1}}")["scheduler"] == exponential
    assert nodes(f"model.scheduler._target_={STEP_LR}")["scheduler"]["gamma"] == 0.5


def test_new_target_in_file_drops_unknown_arguments(nodes):
    cosine = {"_target_": "torch.optim.lr_scheduler.CosineAnnealingLR", "_partial_": True, "T_max": 3}
    assert nodes("experiment=steps")["scheduler"] == cosine
    assert nodes("experiment=target")["size"] == 3  # a target that cannot be read from source is merged


def test_project_root_is_found_from_subfolders(root):
    (root / "data" / "deep").mkdir(parents=True)
    assert project_root(root / "data" / "deep") == root
    with pytest.raises(ConfigError, match="inside the project's folder"):
        project_root(root.parent)


def test_local_files_are_merged_and_not_options(root):
    (root / "configs" / "trainer" / "slow.yaml").write_text(
        "defaults:\n  - _self_\n  - optional /local@_here_: slow\nsteps: 10\n"
    )
    assert compose([], root).config["trainer"] == {"steps": 10}
    mine = root / "configs" / "local" / "slow.yaml"
    mine.parent.mkdir()
    mine.write_text("account: me\n")
    composed = compose([], root)
    assert composed.config["trainer"] == {"steps": 10, "account": "me"}
    assert (mine, "trainer") in composed.files
    assert compose(["trainer=slow", "trainer.account=you"], root).config["trainer"]["account"] == "you"
    assert "local" not in options(root)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("data.list.x=3", "override data.list.x=3: list elements are set by index"),
        ("data.list.7.a=3", "override data.list.7.a=3: list index out of range"),
        ('data.x="${"', 'override data.x="${": no viable alternative'),
    ],
)
def test_override_that_cannot_be_applied(root, word, message):
    with pytest.raises(ConfigError) as caught:
        compose(["data=pets", "data.list=[{a: 1}]", word], root)
    assert message in str(caught.value)


def test_optim_option_sets_optimizer_and_schedule():
    experiment = embedded_experiments(Path.cwd())[0]
    model = compose([f"experiment={experiment}", "optim=sgd"], Path.cwd()).config["model"]
    assert model["optimizer"]["_target_"] == "torch.optim.SGD"
    assert "betas" not in model["optimizer"]
    assert model["optimizer"]["lr"] == 0.05  # that of the option, not what the experiment sets for another optimizer
    with pytest.raises(ConfigError, match=r"configs/optim/ has no option 'sgdd'; did you mean 'sgd'\?"):
        compose([f"experiment={experiment}", "optim=sgdd"], Path.cwd())


@pytest.mark.parametrize("word", ["experiment=mine", "mine"])
def test_option_in_a_file_with_another_suffix(root, word):
    (root / "configs/experiment").mkdir(exist_ok=True)
    (root / "configs/experiment/mine.yml").touch()
    with pytest.raises(ConfigError, match=r"rename configs/experiment/mine\.yml to mine\.yaml"):
        compose([word], root)
