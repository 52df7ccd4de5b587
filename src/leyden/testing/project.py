"""What a project has to test, found in its configs/."""

from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from ..config.check import problems
from ..config.compose import Composed, ConfigError, compose, options
from ..config.embedded import is_embedded


class Pair(NamedTuple):
    """A model in an experiment, with whose data it is tested.

    Args:
        experiment: its name.
        model: an option of configs/model/, or nothing where the experiment describes its model itself.
        is_own: whether it is the experiment's own model, with the settings that the experiment gives it.
    """

    experiment: str
    model: str
    is_own: bool

    def __str__(self) -> str:
        return f"{self.experiment} {self.model}".rstrip()

    def composed(self, root: Path) -> Composed:
        """The configuration, to be changed: an experiment's own model has its settings, any other those of its file."""
        made = deepcopy(composed(root, f"experiment={self.experiment}"))
        if not self.is_own:
            made.config["model"] = deepcopy(
                composed(root, f"experiment={self.experiment}", f"model={self.model}").config["model"]
            )
            made.config["model"]["network"] = deepcopy(composed(root, f"model={self.model}").config["model"]["network"])
        return made


def experiments(root: Path) -> list[str]:
    """The names of all experiments."""
    return [name for name, _ in options(root).get("experiment", [])]


@cache
def composed(root: Path, *settings: str) -> Composed:
    """What the command line composes of these settings; not to be changed.

    Raises:
        ConfigError: it cannot be composed.
    """
    return compose(list(settings), root)


def configuration(root: Path, experiment: str, *settings: str) -> dict[str, Any]:
    """The configuration of an experiment, to be changed."""
    return deepcopy(composed(root, f"experiment={experiment}", *settings).config)


def target(config: Any, part: str) -> str:
    """The class of the data or of the model; nothing where there is none."""
    node = config.get(part)
    return str(node.get("_target_", "")) if isinstance(node, dict) else ""


def mistakes(made: Composed) -> list[str]:
    """What `leyden check` finds wrong with a configuration; whether files are here is another question."""
    return problems(made, looks_for_files=False)


@cache
def embedded(root: Path) -> list[str]:
    """The experiments whose data is computed or comes with an installed package."""
    return [
        name
        for name in experiments(root)
        if (made := _composed(root, f"experiment={name}")) and is_embedded(target(made.config, "data"))
    ]


@cache
def own_model(root: Path, experiment: str) -> str:
    """The option of configs/model/ that an experiment chooses, or nothing.

    A file at the top of that folder is a task for the networks of other files, unless there is nothing else.
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
    """The folder of an experiment's model in configs/model/: that of a domain, or of its videos.

    Of one that describes its model itself, the folder of the experiment.
    """
    return Path(own_model(root, experiment) or experiment).parent


@cache
def pairs(root: Path) -> list[Pair]:
    """Models and the experiments with whose data they are tested.

    Each model is put into every embedded experiment whose own model is of the same folder and has the same task. An
    experiment's own model is always tested with its data, unless a pair of an embedded experiment has tested it.
    """
    found: list[Pair] = []
    for experiment in embedded(root):
        own = own_model(root, experiment)
        found.append(Pair(experiment, own, is_own=True))
        task = target(composed(root, f"experiment={experiment}").config, "model")
        found += [
            Pair(experiment, model, is_own=False)
            for model in _alternatives(root, experiment, own)
            if task == _task(root, model)
        ]
    tested = {(pair.model, _task_of(root, pair.experiment)) for pair in found if pair.model}
    for experiment in experiments(root):
        if experiment not in embedded(root) and _composed(root, f"experiment={experiment}"):
            own = own_model(root, experiment)
            if (own, _task_of(root, experiment)) not in tested:
                found.append(Pair(experiment, own, is_own=True))
    return found


def _alternatives(root: Path, experiment: str, own: str) -> list[str]:
    """Other options of the folder in which an experiment's own model is."""
    names = [name for name, _ in options(root).get("model", [])]
    return [name for name in names if own and name != own and Path(name).parent == place(root, experiment)]


def _task(root: Path, model: str) -> str:
    """The class that a model's file names, directly or through its defaults; nothing where it names no network."""
    made = _composed(root, f"model={model}")
    has_network = made and isinstance(made.config["model"], dict) and "network" in made.config["model"]
    return target(made.config, "model") if made and has_network else ""


def _task_of(root: Path, experiment: str) -> str:
    return target(composed(root, f"experiment={experiment}").config, "model")


def _composed(root: Path, *settings: str) -> Composed | None:
    """What can be composed: what cannot is the concern of `test_check`."""
    try:
        return composed(root, *settings)
    except ConfigError:
        return None
