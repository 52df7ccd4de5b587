"""Command-line overrides -> a plain configuration. Torch-free; Hydra is imported when something is composed."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from .errors import UserError


@dataclass(frozen=True)
class Composed:
    """A configuration and where its values come from.

    Args:
        config: plain dicts, lists and values; interpolations are resolved, `???` is kept.
        files: YAML files in the order of merging, each with the key below which it is merged.
        overrides: key -> the override as typed.
    """

    config: dict[str, Any]
    files: list[tuple[Path, str]]
    overrides: dict[str, str]


def project_root(start: Path | None = None) -> Path:
    """The nearest folder, at or above `start`, that holds configs/train.yaml.

    Raises:
        UserError: there is none.
    """
    here = (start or Path.cwd()).absolute()
    for folder in (here, *here.parents):
        if (folder / "configs" / "train.yaml").is_file():
            return folder
    raise UserError(f"no configs/train.yaml in {here} or above it: run this inside the project's folder")


def options(root: Path) -> dict[str, list[tuple[str, str]]]:
    """Every group of configs/ with its options: their names and the first lines of their comments."""
    configs = root / "configs"
    found = {}
    for group in sorted(path for path in configs.iterdir() if path.is_dir()):
        files = sorted(group.rglob("*.yaml"))
        found[group.name] = [(file.relative_to(group).with_suffix("").as_posix(), _description(file)) for file in files]
    return found


def compose(overrides: list[str], root: Path) -> Composed:
    """Merges configs/train.yaml, the chosen options and the overrides.

    A value may be set whether or not it is known: what it means is for `check` to say, for all of them at once.

    Raises:
        UserError: an override cannot be read, an option does not exist, or a file is no YAML.
    """
    choices = options(root)
    words = [_override(word, choices) for word in overrides]
    _check_yaml(root)
    with _hydra(root) as loader:
        from hydra import compose as hydra_compose
        from hydra.errors import HydraException
        from hydra.types import RunMode
        from omegaconf import OmegaConf
        from omegaconf.errors import OmegaConfBaseException

        try:
            defaults = loader.compute_defaults_list("train", words, RunMode.RUN).defaults
            config: Any = OmegaConf.to_container(hydra_compose("train", words), resolve=True)
        except (HydraException, OmegaConfBaseException) as error:
            raise UserError(_explain(error, choices)) from None
    keys = {word.lstrip("+~").split("=")[0]: word for word in overrides}
    if experiment := next((word.split("=", 1)[1] for word in overrides if word.startswith("experiment=")), None):
        config.setdefault("name", experiment)
    elif "name" not in config:
        names = "\n".join(f"  {name:<28} {text}" for name, text in choices["experiment"])
        raise UserError(f"no experiment was named; add experiment=NAME, one of\n{names}")
    files = [(root / "configs" / f"{one.config_path}.yaml", one.package or "") for one in defaults if one.config_path]
    return Composed(config, [(file, key) for file, key in files if file.is_file()], keys)


def _override(word: str, choices: dict[str, list[tuple[str, str]]]) -> str:
    """A word of the command line as Hydra wants it, once its group and option are known to exist."""
    key, equals, value = word.partition("=")
    if key.startswith(("~", "+")):
        return word
    if not equals:
        raise UserError(f"override {word!r} is not of the form key=value")
    if key not in choices:
        return f"++{word}"
    names = [name for name, _ in choices[key]]
    if value not in [*names, "null"]:
        near = get_close_matches(value, names, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(names)}"
        raise UserError(f"override {word}: configs/{key}/ has no option {value!r}; {hint}")
    return word


def _description(file: Path) -> str:
    lines = file.read_text(encoding="utf-8").splitlines()
    comments = (line.lstrip("# ") for line in lines if line.startswith("#") and "@package" not in line)
    return next(comments, "")


def _check_yaml(root: Path) -> None:
    for file in root.glob("configs/**/*.yaml"):
        try:
            yaml.compose(file.read_text(encoding="utf-8"), yaml.CSafeLoader)
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise UserError(f"{file.relative_to(root)} is no YAML: {error}") from None


@contextmanager
def _hydra(root: Path) -> Iterator[Any]:
    from hydra import initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra

    with initialize_config_dir(str(root / "configs"), version_base="1.3"):
        yield GlobalHydra.instance().config_loader()


def _explain(error: Exception, choices: dict[str, list[tuple[str, str]]]) -> str:
    """Hydra's first words, and the nearest option for one that a file asks for in vain."""
    text = str(error).split("\n\n")[0].split("\nSee ")[0].strip()
    missing = getattr(error, "missing_cfg_file", None)
    if missing:
        group, _, name = str(missing).lstrip("/").partition("/")
        near = get_close_matches(name, [known for known, _ in choices.get(group, [])], n=1)
        return f"there is no configs/{group}/{name}.yaml" + (f"; did you mean {near[0]!r}?" if near else "")
    return f"the configuration cannot be composed: {text}"
