"""Check a search before anything starts, and freeze what its trials need."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...config.check import problems
from ...config.compose import Composed, compose, is_sweep, options, parsed_value
from ...config.static.signature import signature
from ...errors import UserError
from ...run.checked import checked
from .constraints import constraints
from .objectives import objectives
from .read_space import from_sweep, read_space
from .settings import exists, format_override, leaves, look_up, put
from .space import Choices, Space

FIXED = ("name", "runs", "launcher", "search", "experiment", "logger")  # what is the same for all trials
SAME_LAUNCHER = "all trials of a search have the same launcher; compare such values in a sweep without search=NAME"
SEARCH = "leyden.study.sweep.search.Search"


@dataclass
class Base:
    """A configuration that trials start from.

    Attributes:
        options: The options of searched config groups that it was composed with.
        config: The frozen configuration.
        keys: Searched setting -> the dotted names that get its value, others through interpolation.
        nodes: Searched setting -> its choices that are mappings, composed, by their formatted values.
    """

    options: Choices
    config: dict[str, Any]
    keys: dict[str, list[str]] = field(default_factory=dict)
    nodes: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass
class Plan:
    """A search that has been checked.

    Attributes:
        words: The overrides without those that describe the space.
        search: Arguments of `Search`, with references.
        objectives: Metric -> `min` or `max`.
        space: The space.
        own: The experiment's own values of the searched settings.
        bases: A configuration for each combination of options of searched config groups.
    """

    words: list[str]
    search: dict[str, Any]
    objectives: dict[str, str]
    space: Space
    own: Choices
    bases: list[Base]

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of its study."""
        search = {"kind": "search", "overrides": self.words, "objectives": self.objectives, "search": self.search}
        return {**search, "own": self.own, "space": self.space.to_json()}


def plan_search(overrides: list[str], root: Path) -> Plan:
    """Compose and check a search.

    Args:
        overrides: The experiment, its settings and `search=NAME`, as typed; those in Hydra's sweep grammar are
            searched.
        root: The project's folder.

    Raises:
        UserError: The configuration, the search or its space has errors, all of which are listed.
    """
    words = [word for word in overrides if not is_sweep(word)]
    swept = dict(from_sweep(word, parsed_value(word)) for word in overrides if is_sweep(word))
    composed = checked(words)
    given = composed.config["search"]
    if given.get("_target_") != SEARCH:
        raise UserError(f"search._target_ = {given.get('_target_')}: expected search=NAME, such as search=tpe")
    callee = signature(SEARCH)
    defaults = callee.defaults() if callee else {}
    given = defaults | given
    goals = objectives(composed.config, given["objectives"])
    constraints(given["constraints"])  # raises if one is none
    if given["sampler"] == "cmaes" and len(goals) > 1:
        raise UserError(
            "search=cmaes optimizes a single objective: choose search=tpe, or set only one of search.objectives"
        )
    own = _Own(composed, root)
    space = read_space({**(given["space"] or {}), **swept}, own)
    if given["sampler"] == "grid":
        space.grid()  # raises if it is infinite
    bases = _bases(words, space, composed, own.groups, root)
    names = [setting.name for setting in space.settings]
    search = defaults | composed.frozen["search"]
    search = {name: value for name, value in search.items() if name not in ("_target_", "space")}
    return Plan(words, search, goals, space, {name: own(name) for name in names if own.has(name)}, bases)


class _Own:
    """The experiment's own values: of settings, and of config groups the chosen options."""

    def __init__(self, composed: Composed, root: Path) -> None:
        self.config, self.groups = composed.config, set(options(root)) - {"experiment", "search"}
        self.options: Choices = {}
        for file, _ in composed.files:
            group, *name = file.relative_to(root / "configs").with_suffix("").parts
            if group in self.groups:
                self.options[group] = "/".join(name)

    def __call__(self, name: str) -> Any:
        return self.options.get(name) if name in self.groups else look_up(self.config, name)

    def has(self, name: str) -> bool:
        return name in self.options if name in self.groups else exists(self.config, name)


def _bases(words: list[str], space: Space, composed: Composed, groups: set[str], root: Path) -> list[Base]:
    """Compose each combination of options, and check in it the ends and choices of every setting."""
    messages: list[str] = []
    for setting in space.settings:
        if setting.name.partition(".")[0] in FIXED:
            messages.append(f"search.space.{setting.name}: {setting.name.partition('.')[0]} is the same for all trials")
        elif setting.name in groups and setting.values is None:
            messages.append(f"search.space.{setting.name}: expected a list of options in configs/{setting.name}/")
    if messages:
        raise UserError("\n".join(messages))
    bases = []
    for chosen in space.combinations(groups):
        more = [f"{name}={value}" for name, value in chosen.items()]
        try:
            base = compose([*words, *more], root) if more else composed
            if found := problems(base, looks_for_files=not bases):
                raise UserError("\n".join(found))
            bases.append(_checked(Base(chosen, without_search(base.frozen)), [*words, *more], space, groups, root))
        except UserError as error:
            messages += str(error).splitlines()
    if not messages and any(base.config["launcher"] != bases[0].config["launcher"] for base in bases):
        messages.append(f"search.space: the options of a config group change the launcher; {SAME_LAUNCHER}")
    if messages:
        raise UserError("\n".join(dict.fromkeys(messages)))
    return bases


def _checked(base: Base, words: list[str], space: Space, groups: set[str], root: Path) -> Base:
    """Check the values of settings with this base by composing them, and find the keys that they change."""
    messages: list[str] = []
    for setting in space.settings:
        conditions = {name: values for name, values in setting.when.items() if name in groups}
        if setting.name in groups or any(base.options[name] not in values for name, values in conditions.items()):
            continue
        # With the first values of its other conditions, since it may not exist without them.
        others = [format_override(name, values[0]) for name, values in setting.when.items() if name not in groups]
        before = without_search(compose([*words, *others], root).frozen) if others else base.config
        seen: set[str] = set()  # what is wrong with a setting, not with a value, is reported once
        for value in setting.ends():
            word = format_override(setting.name, value)
            changed = compose([*words, *others, word], root)
            if found := problems(changed, looks_for_files=False):
                new = [text for text in found if text.replace(word, "") not in seen]
                messages += [text if setting.name in text else f"{text} (with {word})" for text in new]
                seen |= {text.replace(word, "") for text in found}
                continue
            _find_keys(base, setting.name, value, before, without_search(changed.frozen), messages)
    if messages:
        raise UserError("\n".join(dict.fromkeys(messages)))
    return base


def _find_keys(
    base: Base, name: str, value: Any, before: dict[str, Any], after: dict[str, Any], messages: list[str]
) -> None:
    keys = base.keys.setdefault(name, [name])
    if isinstance(value, dict):
        base.nodes.setdefault(name, {})[str(value)] = look_up(after, name)
        return
    old, new = dict(leaves(before)), dict(leaves(after))
    for key in [key for key in new if key not in old or old[key] != new[key]]:
        if key == name or f"{key}.".startswith(f"{name}.") or key in keys:
            continue
        if key.startswith("launcher."):
            messages.append(f"search.space.{name}: it changes {key}; {SAME_LAUNCHER}")
        elif new[key] != value:
            messages.append(f"search.space.{name}: {key} is computed from it, so it cannot be searched")
        keys.append(key)


def configuration(bases: list[Base], chosen: Choices) -> dict[str, Any]:
    """Return the frozen configuration of a trial.

    Args:
        bases: Those of the study.
        chosen: The values of the trial.
    """
    base = next(base for base in bases if all(chosen.get(name) == value for name, value in base.options.items()))
    config: dict[str, Any] = base.config
    for name, value in chosen.items():
        if name in base.options:
            continue
        content = base.nodes.get(name, {}).get(str(value), value)
        for key in base.keys.get(name, [name]):
            config = put(config, key, content)
    return config


def without_search(config: dict[str, Any]) -> dict[str, Any]:
    """Return a configuration as the runs of a study have it."""
    return {name: value for name, value in config.items() if name != "search"}
