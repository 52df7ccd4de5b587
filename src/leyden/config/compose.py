"""Command-line overrides -> a plain configuration. Torch-free; Hydra is imported when something is composed."""

import re
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import yaml

from ..errors import UserError, hint
from .merge import merge
from .renamed import renamed_override
from .targets import MISSING

Options = dict[str, list[tuple[str, str]]]


class ConfigError(UserError):
    """Nothing can be composed. `messages` are all the reasons."""

    def __init__(self, *messages: str) -> None:
        super().__init__("\n".join(messages))
        self.messages = list(messages)


@dataclass(frozen=True)
class Composed:
    """A configuration and where its values come from.

    Args:
        config: plain dicts, lists and values; interpolations are resolved, `???` is kept.
        root: the project's folder.
        files: YAML files in the order of merging, each with the key below which it is merged.
        overrides: key -> the override as typed; without the choices of options.
        frozen: what a run keeps of it; see `references`.
    """

    config: dict[str, Any]
    root: Path
    files: list[tuple[Path, str]]
    overrides: dict[str, str]
    frozen: dict[str, Any] = field(default_factory=dict)


def project_root(start: Path | None = None) -> Path:
    """The nearest folder, at or above `start`, that holds configs/train.yaml.

    Raises:
        ConfigError: there is none.
    """
    here = (start or Path.cwd()).absolute()
    for folder in (here, *here.parents):
        if (folder / "configs" / "train.yaml").is_file():
            return folder
    raise ConfigError(f"no configs/train.yaml in {here} or above it: run this inside the project's folder")


def options(root: Path) -> Options:
    """Every group of configs/ with its options: their names and the first lines of their comments."""
    # What is in configs/local is merged wherever it is, never chosen.
    groups = sorted(path for path in (root / "configs").iterdir() if path.is_dir() and path.name != "local")
    return {
        group.name: [
            (file.relative_to(group).with_suffix("").as_posix(), _description(file))
            for file in sorted(group.rglob("*.yaml"))
        ]
        for group in groups
    }


def combinations(overrides: list[str]) -> list[list[str]]:
    """Overrides in Hydra's notation of sweeps, such as `seed=0,1,2` -> a list of overrides for each combination."""
    from hydra.errors import HydraException

    choices = []
    for word in overrides:
        try:
            override = _parsed(word)
        except HydraException:  # for `compose` to explain
            choices.append([word])
            continue
        key = word.partition("=")[0]
        is_sweep = override.is_sweep_override()
        choices.append([f"{key}={value}" for value in override.sweep_string_iterator()] if is_sweep else [word])
    return [list(words) for words in product(*choices)]


def compose(overrides: list[str], root: Path) -> Composed:
    """Merges configs/train.yaml, the chosen options and the overrides.

    A value may be set whether or not it is known: what it means is for `check` to say, for all of them at once.

    Raises:
        ConfigError: an override cannot be read, an option does not exist, a file is no YAML, or an interpolation
            leads nowhere.
    """
    groups = options(root)
    experiments = dict(groups.get("experiment", []))
    overrides = [renamed_override(f"experiment={word}" if word in experiments else word) for word in overrides]
    if mistakes := [text for word in overrides if (text := _mistake(word, groups))]:
        raise ConfigError(*mistakes)

    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    try:
        merged, defaults = merge([_parsed(_for_hydra(word, groups)) for word in overrides], root / "configs")
    except yaml.MarkedYAMLError as error:
        raise ConfigError(_yaml_mistake(error, root)) from None
    except UserError as error:
        raise ConfigError(str(error)) from None
    except (HydraException, OmegaConfBaseException, RecursionError) as error:
        raise ConfigError(_explain(error, root)) from None
    messages: list[str] = []
    config = _plain(merged, messages)
    if messages:
        raise ConfigError(*messages)
    chosen = [word.partition("=")[2] for word in overrides if _key(word) == "experiment"]
    if chosen and chosen[-1] != "null":
        config.setdefault("name", chosen[-1])
    files = [(root / "configs" / f"{one.config_path}.yaml", one.package or "") for one in defaults]
    values = {key: word for word in overrides if (key := _key(word)) not in groups}
    from .references import frozen

    composed = Composed(config, root, [(file, key) for file, key in files if file.is_file()], values)
    return replace(composed, frozen=frozen(composed, merged, _plain))


@cache
def _parsed(word: str) -> Any:
    from hydra.core.override_parser.overrides_parser import OverridesParser

    return OverridesParser.create().parse_override(word)


def _key(word: str) -> str:
    return word.lstrip("+~").partition("=")[0].partition("@")[0]


def _for_hydra(word: str, groups: Options) -> str:
    if word.startswith("~"):
        return word
    if _key(word) not in groups:
        return f"++{word.lstrip('+')}"  # known or not
    if word.startswith("optim="):
        return f"+optim@model={word.partition('=')[2]}"  # a part of the model, which has one already
    return f"~{_key(word)}" if word.endswith("=null") else word


def _mistake(word: str, groups: Options) -> str:
    """What is wrong with a word of the command line, or nothing."""
    from hydra.errors import HydraException

    key, equals, value = word.partition("=")
    if not equals and not key.startswith("~"):
        group = next((group for group, names in groups.items() if word in dict(names)), None)
        near = hint(word, [name for name, _ in groups.get("experiment", [])], few=0)
        meant = f"; did you mean {group}={word}?" if group else near
        return f"override {word!r} is neither an experiment nor of the form key=value{meant}"
    try:
        override = _parsed(_for_hydra(word, groups))
    except HydraException:
        return f"override {word}: the value cannot be read; quote it: '{key}=\"{value}\"'"
    if override.is_sweep_override():
        return f"override {word}: expected one value, or a list: '{key}=[{value}]', or several runs: --sweep"
    if _key(word) not in groups or key.startswith("~"):
        return ""
    chosen = override.value() if isinstance(override.value(), list) else [override.value()]
    names = [name for name, _ in groups[_key(word)]]
    for name in chosen:
        if name is not None and name not in names:
            return f"override {word}: configs/{_key(word)}/ has no option {name!r}{hint(str(name), names)}"
    return ""


def _description(file: Path) -> str:
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    comments = (line.lstrip("# ") for line in lines if line.startswith("#") and "@package" not in line)
    return next(comments, "")


def _plain(node: Any, messages: list[str]) -> Any:
    """Plain dicts, lists and values, and a message for each interpolation that leads nowhere."""
    from omegaconf import DictConfig, ListConfig, OmegaConf
    from omegaconf.errors import InterpolationToMissingValueError, MissingMandatoryValue, OmegaConfBaseException

    def item(name: Any) -> Any:
        try:
            return _plain(node[name], messages)
        except (InterpolationToMissingValueError, MissingMandatoryValue):
            return MISSING
        except OmegaConfBaseException as error:
            unresolved: Any = OmegaConf.to_container(node, resolve=False)
            messages.append(f"{error.full_key} = {unresolved[name]}: {str(error).splitlines()[0]}")

    if isinstance(node, DictConfig):
        return {name: item(name) for name in node}
    return [item(place) for place in range(len(node))] if isinstance(node, ListConfig) else node


def _yaml_mistake(error: yaml.MarkedYAMLError, root: Path) -> str:
    if not error.problem_mark:
        return str(error)
    file = Path(error.problem_mark.name)
    file = file.relative_to(root) if file.is_relative_to(root) else file
    return f"{file}:{error.problem_mark.line + 1}  this is no YAML: {error.problem}"


def _explain(error: Exception, root: Path) -> str:
    """Hydra's first sentences, or one of ours for a file that asks for an option that is not there."""
    if missing := getattr(error, "missing_cfg_file", None):
        group, _, name = str(missing).lstrip("/").partition("/")
        asked = re.compile(rf"\b{re.escape(group)}(@\S+)?: *{re.escape(name)}\b")
        files = {file.relative_to(root): file.read_text(encoding="utf-8") for file in root.glob("configs/**/*.yaml")}
        lines = (
            (file, number, line) for file, text in files.items() for number, line in enumerate(text.splitlines(), 1)
        )
        asker = next((f"{file}:{number}  " for file, number, line in lines if asked.search(line)), "")
        known = [known for known, _ in options(root).get(group, [])]
        return f"{asker}there is no configs/{group}/{name}.yaml{hint(name, known)}"
    sentences = [line.strip() for line in str(error).partition("\n\n")[0].splitlines() if "To append" not in line]
    return f"the configuration cannot be composed: {' '.join(sentences)}"
