import pytest

from leyden.compose import ConfigError, compose, options, project_root

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


def test_an_experiment_chooses_and_the_command_line_has_the_last_word(root):
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


def test_files_in_the_order_of_merging(root):
    files = compose(["trainer=fast", "data=pets"], root).files
    assert [(path.relative_to(root / "configs").as_posix(), key) for path, key in files] == [
        ("train.yaml", ""),
        ("data/pets.yaml", "data"),
        ("trainer/slow.yaml", "trainer"),
        ("trainer/fast.yaml", "trainer"),
    ]


def test_a_group_is_taken_out(root):
    assert "trainer" not in compose(["trainer=null"], root).config


def test_options_with_their_first_lines(root):
    assert options(root)["experiment"] == [("home/pets", "At home"), ("lost", "")]
    assert options(root)["data"] == [("pets", "Cats and dogs"), ("wild", "")]


@pytest.mark.parametrize(
    ("overrides", "messages"),
    [
        (["pets"], ["not of the form key=value; did you mean data=pets?"]),
        (["trainer=fats", "data=pet"], ["did you mean 'fast'", "did you mean 'pets'"]),
        (["data.root=[a"], ["the value cannot be read; quote it"]),
        (["seed=1,2"], ["one value is wanted, or a list"]),
        (["trainer=broken"], ["configs/trainer/broken.yaml:3"]),
        (["data=wild"], ["data.root = ${nowhere.at_all}", "data.other = ${data.nothing}"]),
        (
            ["experiment=lost"],
            ["configs/experiment/lost.yaml:3  there is no configs/data/petts.yaml; did you mean 'pets'"],
        ),
    ],
)
def test_mistakes_are_named_all_at_once(root, overrides, messages):
    with pytest.raises(ConfigError) as caught:
        compose(overrides, root)
    assert len(caught.value.messages) == len(messages)
    for message in messages:
        assert message in str(caught.value)


def test_values_are_kept_as_they_are(root):
    config = compose(["data.x=null", "data.y=[1,2.5,a]", "data.z={a: true}", "data.w='3'", "data.v=???"], root).config
    assert config["data"] == {"x": None, "y": [1, 2.5, "a"], "z": {"a": True}, "w": "3", "v": "???"}


def test_the_project_is_found_from_below_only(root):
    (root / "data" / "deep").mkdir(parents=True)
    assert project_root(root / "data" / "deep") == root
    with pytest.raises(ConfigError, match="inside the project's folder"):
        project_root(root.parent)


def test_what_is_yours_alone_is_merged_where_it_is_and_never_chosen(root):
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
