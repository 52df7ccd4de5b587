"""Compose command-line overrides and configs/ into a plain configuration. Torch-free; imports Hydra on first use."""

import re
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import yaml

from ..errors import UserError, hint
from .defaults_errors import explain
from .merge import merge
from .renamed import renamed_override
from .targets import MISSING

Options = dict[str, list[tuple[str, str]]]


class ConfigError(UserError):
    """A configuration cannot be composed; `messages` has a message for each error."""

    def __init__(self, *messages: str) -> None:
        super().__init__("\n".join(messages))
        self.messages = list(messages)


@dataclass(frozen=True)
class Composed:
    """A configuration and the origin of its values.

    Args:
        config: Plain dicts, lists and values with resolved interpolations; `???` is kept.
        root: The project's folder.
        files: YAML files in merge order, each with the key (package) under which it is merged.
        overrides: Key -> the override as typed, without choices of config groups.
        frozen: The configuration as a run stores it; see `references`.
    """

    config: dict[str, Any]
    root: Path
    files: list[tuple[Path, str]]
    overrides: dict[str, str]
    frozen: dict[str, Any] = field(default_factory=dict)


def project_root(start: Path | None = None) -> Path:
    """Return the nearest folder, at or above `start`, that contains configs/train.yaml.

    Raises:
        ConfigError: There is no such folder.
    """
    start = (start or Path.cwd()).absolute()
    for folder in (start, *start.parents):
        if (folder / "configs" / "train.yaml").is_file():
            return folder
    raise ConfigError(f"no configs/train.yaml in {start} or above it: run this command inside the project's folder")


def options(root: Path) -> Options:
    """Return the config groups with the name and description (first comment line) of each option."""
    # Files in configs/local are merged if they exist, never chosen.
    groups = sorted(path for path in (root / "configs").iterdir() if path.is_dir() and path.name != "local")
    return {
        group.name: [
            (file.relative_to(group).with_suffix("").as_posix(), _description(file))
            for file in sorted(group.rglob("*.yaml"))
        ]
        for group in groups
    }


def combinations(overrides: list[str]) -> list[list[str]]:
    """Expand overrides in Hydra's sweep syntax, such as `seed=0,1,2`, to a list of overrides for each combination."""
    choices = []
    for word in overrides:
        key = word.partition("=")[0]
        values = [f"{key}={value}" for value in _parsed(word).sweep_string_iterator()] if is_sweep(word) else [word]
        if not values:
            raise UserError(f"override {word}: expected at least one value")
        choices.append(values)
    return [list(words) for words in product(*choices)]


def is_sweep(word: str) -> bool:
    """Whether an override is in Hydra's sweep syntax."""
    from hydra.errors import HydraException

    try:
        return _parsed(word).is_sweep_override()
    except HydraException:  # reported by `compose`
        return False


def parsed_value(word: str) -> Any:
    """Return the value of an override as Hydra parses it."""
    return _parsed(word).value()


def compose(overrides: list[str], root: Path) -> Composed:
    """Merge configs/train.yaml, the chosen options and the overrides.

    Unknown settings are accepted here and reported by `check`, all at once.

    Raises:
        ConfigError: An override cannot be parsed, an option does not exist, a file is not valid YAML, or an
            interpolation cannot be resolved.
    """
    groups = options(root)
    experiments = dict(groups.get("experiment", []))
    overrides = [renamed_override(f"experiment={word}" if word in experiments else word) for word in overrides]
    if errors := [text for word in overrides if (text := _override_error(word, groups, root))]:
        raise ConfigError(*errors)

    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    try:
        merged, defaults = merge([_parsed(_for_hydra(word, groups)) for word in overrides], root / "configs")
    except yaml.MarkedYAMLError as error:
        raise ConfigError(_format_yaml_error(error, root)) from None
    except UserError as error:
        raise ConfigError(str(error)) from None
    except (HydraException, OmegaConfBaseException, RecursionError) as error:
        raise ConfigError(explain(str(error), root, _chosen(overrides)) or _format_hydra_error(error, root)) from None
    messages: list[str] = []
    config = _plain(merged, messages)
    if messages:
        raise ConfigError(*messages)
    if experiment := _chosen(overrides):
        config.setdefault("name", experiment)
    files = [(root / "configs" / f"{default.config_path}.yaml", default.package or "") for default in defaults]
    values = {key: word for word in overrides if (key := _key(word)) not in groups}
    from .references import with_references

    composed = Composed(config, root, [(file, key) for file, key in files if file.is_file()], values)
    return replace(composed, frozen=with_references(composed, merged, _plain))


@cache
def _parsed(word: str) -> Any:
    from hydra.core.override_parser.overrides_parser import OverridesParser

    return OverridesParser.create().parse_override(word)


def _key(word: str) -> str:
    return word.lstrip("+~").partition("=")[0].partition("@")[0]


def _chosen(overrides: list[str]) -> str | None:
    """Return the chosen experiment."""
    names = [word.partition("=")[2] for word in overrides if _key(word) == "experiment"]
    return names[-1] if names and names[-1] != "null" else None


def _for_hydra(word: str, groups: Options) -> str:
    if word.startswith("~"):
        return word
    if _key(word) not in groups:
        return f"++{word.lstrip('+')}"  # adds or overrides
    if word.startswith("optim="):
        return f"+optim@model={word.partition('=')[2]}"  # overrides optimizer and scheduler of the model
    return f"~{_key(word)}" if word.endswith("=null") else word


def _override_error(word: str, groups: Options, root: Path) -> str:
    """Return a message if an override is invalid, else an empty string."""
    from hydra.errors import HydraException

    key, equals, value = word.partition("=")
    if not equals and not key.startswith("~"):
        first, *_ = word.split(",")  # of several experiments for a sweep
        ordered = sorted(groups, key=lambda group: group != "experiment")
        group = next((group for group in ordered if first in dict(groups[group])), None)
        near = hint(word, [name for name, _ in groups.get("experiment", [])], few=0)
        suggestion = f"; did you mean {group}={word}?" if group else _other_suffix(root, "experiment", word) or near
        return f"override {word!r} is neither an experiment nor of the form key=value{suggestion}"
    try:
        override = _parsed(_for_hydra(word, groups))
    except HydraException:
        return f"override {word}: the value cannot be parsed; quote it: '{key}=\"{value}\"'"
    if override.is_sweep_override():
        return f"override {word}: expected one value; for a list use '{key}=[{value}]', for several runs leyden sweep"
    if _key(word) not in groups or key.startswith("~"):
        return ""
    chosen = override.value() if isinstance(override.value(), list) else [override.value()]
    names = [name for name, _ in groups[_key(word)]]
    for name in chosen:
        if name is not None and name not in names:
            near = _other_suffix(root, _key(word), name) or hint(str(name), names)
            return f"override {word}: configs/{_key(word)}/ has no option {name!r}{near}"
    return ""


def _other_suffix(root: Path, group: str, name: str) -> str:
    """Return a hint if an option's file ends in .yml, which Hydra does not read."""
    file = Path("configs", group, f"{name}.yml")
    return f"; rename {file} to {file.with_suffix('.yaml').name}" if (root / file).is_file() else ""


def _description(file: Path) -> str:
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    comments = (line.lstrip("# ") for line in lines if line.startswith("#") and "@package" not in line)
    return next(comments, "")


def _plain(node: Any, messages: list[str]) -> Any:
    """Convert to plain dicts, lists and values; append a message for each interpolation that cannot be resolved."""
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
    return [item(index) for index in range(len(node))] if isinstance(node, ListConfig) else node


def _format_yaml_error(error: yaml.MarkedYAMLError, root: Path) -> str:
    if not error.problem_mark:
        return str(error)
    file = Path(error.problem_mark.name)
    file = file.relative_to(root) if file.is_relative_to(root) else file
    return f"{file}:{error.problem_mark.line + 1}  invalid YAML: {error.problem}"


def _format_hydra_error(error: Exception, root: Path) -> str:
    """Format Hydra's message, or locate the file that refers to a missing option."""
    if missing := getattr(error, "missing_cfg_file", None):
        group, _, name = str(missing).lstrip("/").partition("/")
        reference = re.compile(rf"\b{re.escape(group)}(@\S+)?: *{re.escape(name)}\b")
        files = {file.relative_to(root): file.read_text(encoding="utf-8") for file in root.glob("configs/**/*.yaml")}
        lines = (
            (file, number, line) for file, text in files.items() for number, line in enumerate(text.splitlines(), 1)
        )
        origin = next((f"{file}:{number}  " for file, number, line in lines if reference.search(line)), "")
        names = [option for option, _ in options(root).get(group, [])]
        return f"{origin}there is no configs/{group}/{name}.yaml{hint(name, names)}"
    sentences = [line.strip() for line in str(error).partition("\n\n")[0].splitlines() if "To append" not in line]
    return f"the configuration cannot be composed: {' '.join(sentences)}"
