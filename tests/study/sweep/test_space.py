import pytest

from leyden.config.compose import parsed_value
from leyden.errors import UserError
from leyden.study.sweep.read_space import from_sweep, read_space
from leyden.study.sweep.space import Space

OWN = {"model.optimizer.lr": 0.003, "data.batch_size": 64, "model.dropout": 0.1}
GIVEN = {
    "model.optimizer.lr": {"low": 1e-4, "high": 1e-1, "log": True},
    "data": {"batch_size": [32, 64, 128]},  # as from the command line
    "model.dropout": {"low": 0, "high": 1},
    "model.optimizer.momentum": {"low": 0.8, "high": 0.9, "step": 0.05, "when": {"optim": "sgd"}},
    "optim": ["adamw", "sgd"],
}


def space(given):
    return read_space(given, OWN.get)


def test_space_of_every_kind():
    settings = {setting.name: setting for setting in space(GIVEN).settings}
    assert [*settings] == [
        "model.optimizer.lr",
        "data.batch_size",
        "model.dropout",
        "optim",
        "model.optimizer.momentum",
    ]
    assert settings["data.batch_size"].values == [32, 64, 128]
    assert not settings["model.dropout"].is_integer  # its own value is a float, so 0 to 1 are not two values
    assert space({"depth": {"low": 1, "high": 4}})["depth"].is_integer
    assert Space.from_json(space(GIVEN).to_json()) == space(GIVEN)


def test_own_values_lie_in_the_space_or_are_named():
    own, outside = space({**GIVEN, "data": {"batch_size": [16, 32]}}).own(OWN)
    assert own == {"model.optimizer.lr": 0.003, "model.dropout": 0.1}
    assert outside == ["data.batch_size", "optim"]
    assert space({"x": {"low": 1, "high": 9, "step": 2}})["x"].contains(5)
    assert not space({"x": {"low": 1, "high": 9, "step": 2}})["x"].contains(4)


def test_grid_has_each_combination_once():
    given = {name: GIVEN[name] for name in ("data", "model.optimizer.momentum", "optim")}
    combinations = space(given).grid()
    assert len(combinations) == 3 * (1 + 3)
    assert {"data.batch_size": 32, "optim": "adamw"} in combinations
    assert {"data.batch_size": 32, "optim": "sgd", "model.optimizer.momentum": 0.85} in combinations
    with pytest.raises(UserError, match=r"model\.optimizer\.lr: a grid needs a step"):
        space(GIVEN).grid()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"low": 2, "high": 1}, "low to be at most high"),
        ({"low": 0, "high": 1, "log": True}, "a logarithmic scale needs low above 0"),
        ({"low": 1, "high": 2, "step": 0}, "step to be above 0"),
        ({"low": 1, "hihg": 2}, "'hihg'; did you mean 'high'"),
        ({"low": "a", "high": 2}, "low to be a number, got 'a'"),
        ([], "list of values"),
        (3, "list of values"),
        ({"values": [1], "when": {"optm": "sgd"}}, "'optm'; did you mean 'optim'"),
        ({"values": [1], "when": {"optim": "adam"}}, "'adam', which is not a value of optim"),
    ],
)
def test_mistakes_in_a_space(content, words):
    with pytest.raises(UserError) as error:
        space({"optim": ["adamw", "sgd"], "x": content})
    assert words in str(error.value)
    assert str(error.value).startswith("search.space.x: ")


def test_conditions_that_name_one_another():
    with pytest.raises(UserError, match="depend on one another"):
        space({"a": {"values": [1], "when": {"b": 1}}, "b": {"values": [1], "when": {"a": 1}}})


@pytest.mark.parametrize(
    ("word", "content"),
    [
        ("a.b=tag(log,interval(1e-4,1e-1))", {"low": 1e-4, "high": 0.1, "log": True}),
        ("a.b=interval(1,5)", {"low": 1, "high": 5, "log": False}),
        ("a.b=interval(1.0,5)", {"low": 1.0, "high": 5.0, "log": False}),
        ("+a.b=32,64", [32, 64]),
        ("a.b='x y',null", ["x y", None]),
        ("a.b=range(1,8,3)", [1, 4, 7]),
    ],
)
def test_sweep_grammar_describes_a_space(word, content):
    name, read = from_sweep(word, parsed_value(word))
    assert (name, read) == ("a.b", content)
    if isinstance(content, dict):
        assert isinstance(read["low"], type(content["low"]))
