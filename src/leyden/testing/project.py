"""Experiments and models of a project, found in its configs/."""

from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from ..config.check import problems
from ..config.compose import Composed, ConfigError, compose, options
from ..config.embedded import is_embedded


class Pair(NamedTuple):
    """A model, and the experiment with whose data it is tested.

    Args:
        experiment: name of the experiment.
        model: an option of configs/model/, or empty if the experiment defines its model itself.
        is_own: whether the experiment selects this model, and its settings apply.
    """

    experiment: str
    model: str
    is_own: bool

    def __str__(self) -> str:
        return f"{self.experiment} {self.model}".rstrip()

    def composed(self, root: Path) -> Composed:
        """A mutable configuration: with the settings of the experiment for its own model, else those of the model file."""
        made = deepcopy(composed(root, f"experiment={self.experiment}"))
        if not self.is_own:
            made.config["model"] = deepcopy(
                composed(root, f"experiment={self.experiment}", f"model={self.model}").config["model"]
            )
            made.config["model"]["network"] = deepcopy(composed(root, f"model={self.model}").config["model"]["network"])
        return made


def experiments(root: Path) -> list[str]:
    """Names of all experiments."""
    return [name for name, _ in options(root).get("experiment", [])]


@cache
def composed(root: Path, *settings: str) -> Composed:
    """The configuration that the command line composes from these settings; must not be changed.

    Raises:
        ConfigError: it cannot be composed.
    """
    return compose(list(settings), root)


def configuration(root: Path, experiment: str, *settings: str) -> dict[str, Any]:
    """A mutable configuration of an experiment."""
    return deepcopy(composed(root, f"experiment={experiment}", *settings).config)


def target(config: Any, part: str) -> str:
    """Class of the data or of the model; empty if there is none."""
    node = config.get(part)
    return str(node.get("_target_", "")) if isinstance(node, dict) else ""


def mistakes(made: Composed) -> list[str]:
    """Errors that `leyden check` reports for a configuration, except for missing files."""
    return problems(made, looks_for_files=False)


@cache
def embedded(root: Path) -> list[str]:
    """Experiments whose data is computed or part of an installed package."""
    return [
        name
        for name in experiments(root)
        if (made := _composed(root, f"experiment={name}")) and is_embedded(target(made.config, "data"))
    ]


@cache
def own_model(root: Path, experiment: str) -> str:
    """The option of configs/model/ that an experiment selects, or an empty string.

    Files at the top level define tasks for the networks of other files; they are returned only if there is no other.
    """
    group = root / "configs" / "model"
    made = composed(root, f"experiment={experiment}")
    names = [
        file.relative_to(group).with_suffix("").as_posix()
        for file, key in made.files
        if key == "model" and file.is_relative_to(group)
    ]
    return ([name for name in names if "/" in name] or names or [""])[-1]


def place(root: Path, experiment: str) -> Path:
    """Folder of an experiment's model in configs/model/; the folder of the experiment if it defines its model itself."""
    return Path(own_model(root, experiment) or experiment).parent


@cache
def pairs(root: Path) -> list[Pair]:
    """Models and the experiments with whose data they are tested.

    Each model is combined with every embedded experiment whose own model is in the same folder and has the same task. An
    experiment's own model is also tested with its data, unless it was tested with an embedded experiment.
    """
    result: list[Pair] = []
    for experiment in embedded(root):
        own = own_model(root, experiment)
        result.append(Pair(experiment, own, is_own=True))
        task = target(composed(root, f"experiment={experiment}").config, "model")
        result += [
            Pair(experiment, model, is_own=False)
            for model in _alternatives(root, experiment, own)
            if task == _task(root, model)
        ]
    tested = {(pair.model, _task_of(root, pair.experiment)) for pair in result if pair.model}
    for experiment in experiments(root):
        if experiment not in embedded(root) and _composed(root, f"experiment={experiment}"):
            own = own_model(root, experiment)
            if (own, _task_of(root, experiment)) not in tested:
                result.append(Pair(experiment, own, is_own=True))
    return result


def _alternatives(root: Path, experiment: str, own: str) -> list[str]:
    """Other options in the folder of an experiment's own model."""
    names = [name for name, _ in options(root).get("model", [])]
    return [name for name in names if own and name != own and Path(name).parent == place(root, experiment)]


def _task(root: Path, model: str) -> str:
    """Task class in a model file, directly or through its defaults; empty if it defines no network."""
    made = _composed(root, f"model={model}")
    has_network = made and isinstance(made.config["model"], dict) and "network" in made.config["model"]
    return target(made.config, "model") if made and has_network else ""


def _task_of(root: Path, experiment: str) -> str:
    return target(composed(root, f"experiment={experiment}").config, "model")


def _composed(root: Path, *settings: str) -> Composed | None:
    """A configuration, or None if it cannot be composed, which `test_check` reports."""
    try:
        return composed(root, *settings)
    except ConfigError:
        return None
