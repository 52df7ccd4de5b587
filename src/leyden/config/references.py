"""Values of this machine's environment and of configs/local: written as references, and looked up when they are used.

`${oc.env:NAME}` is OmegaConf's own; `${local:FILE,KEY}` is the value of a key in configs/local/FILE.yaml.
"""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from ..errors import UserError

if TYPE_CHECKING:
    from .compose import Composed

# What a value of the environment is while others are resolved; private characters, which no text has.
_ENV, _DECODE, _END = "\ue000", "\ue001", "\ue002"
_REFERENCE = re.compile(r"\$\{(?:oc\.env|oc\.decode|local):")
_NAME = re.compile(r"\$\{oc\.env:(\w+)")
LOCAL = Path("configs", "local")
PLACES = ("launcher", "logger", "runs")  # whose values decide where something is done, never what
SHORTEST_SECRET = 6  # characters; to replace shorter ones in logs would spoil other words


def frozen(composed: "Composed", merged: Any, plain: Callable[[Any, list[str]], Any]) -> dict[str, Any]:
    """The configuration as a run keeps it.

    Args:
        composed: the configuration with all values.
        merged: the same before interpolations are resolved.
        plain: resolves them, and collects messages.
    """
    from omegaconf import OmegaConf

    from .origins import Origins

    config, messages = composed.config, []
    if "oc.env" in str(OmegaConf.to_container(merged, resolve=False)):
        with environment_kept():
            kept = plain(merged, messages)
        config = config if messages else {name: kept.get(name, value) for name, value in config.items()}
    config = written(config)
    if local := [(file, key) for file, key in composed.files if file.is_relative_to(composed.root / LOCAL)]:
        origins = Origins(composed)
        local_references(config, composed.root, local, lambda file, key: origins.file(key) == file)
    return config


@contextmanager
def environment_kept() -> Iterator[None]:
    """Until it is left, what OmegaConf resolves keeps a mark where a value comes from the environment."""
    from omegaconf import OmegaConf
    from omegaconf.resolvers import oc

    def env(name: str, *default: Any) -> str:
        shown = ["null" if one is None else _argument(str(one)) for one in default]
        return f"{_ENV}{','.join([name, *shown])}{_END}"

    def decode(text: Any, _parent_: Any, _node_: Any) -> Any:
        return f"{_DECODE}{text}{_END}" if _END in str(text) else oc.decode(text, _parent_, _node_)

    try:
        OmegaConf.register_new_resolver("oc.env", env, replace=True)
        OmegaConf.register_new_resolver("oc.decode", decode, replace=True)
        yield
    finally:
        OmegaConf.register_new_resolver("oc.env", oc.env, replace=True)
        OmegaConf.register_new_resolver("oc.decode", oc.decode, replace=True)


def written(node: Any) -> Any:
    """What was resolved with marks -> with references instead; a text that only looks like one is escaped."""

    def write(text: str) -> str:
        if _END in text or _REFERENCE.search(text):
            text = text.replace("${", r"\${")
        return text.replace(_ENV, "${oc.env:").replace(_DECODE, "${oc.decode:").replace(_END, "}")

    return _mapped(node, write)


def local_references(
    config: dict[str, Any], root: Path, files: list[tuple[Path, str]], is_last: Callable[..., bool]
) -> None:
    """Puts references where values were last set by configs/local, and are no settings of what is trained.

    Args:
        config: is changed.
        root: the project's folder.
        files: of configs/local, each with the key below which it is merged.
        is_last: whether a file had the last word on a key.
    """
    for file, package in files:
        tree = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
        for path, value in _leaves(tree):
            key = (*filter(None, package.split(".")), *path)
            is_place = key[0] in PLACES or (isinstance(value, str) and re.search("[/~]", value))
            others = _REFERENCE.sub("", str(value))  # an interpolation of the rest of the configuration
            if path[0] == "defaults" or value is None or not is_place or "${" in others or not is_last(file, key):
                continue
            node: Any = config
            for part in key[:-1]:
                node = node[part]
            place = file.relative_to(root / LOCAL).with_suffix("").as_posix()
            node[key[-1]] = f"${{local:{_argument(place)},{_argument('.'.join(map(str, path)))}}}"


def resolve(node: Any, root: Path | None = None) -> Any:
    """Looks references up.

    Args:
        node: a configuration, or a part of it.
        root: the project's folder; by default that in which this process works.

    Raises:
        UserError: one refers to something that is not here.
    """

    def look_up(text: str) -> Any:
        if not _REFERENCE.search(text):
            return text
        from omegaconf import OmegaConf
        from omegaconf.errors import OmegaConfBaseException

        OmegaConf.register_new_resolver("local", lambda file, key: _local(str(file), str(key), root), replace=True)
        try:
            return OmegaConf.to_container(OmegaConf.create({"value": text}), resolve=True)["value"]  # type: ignore
        except OmegaConfBaseException as error:
            reason = str(error.__cause__ or error).split("\n")[0].strip("\"'")
            raise UserError(
                f"this run's config.yaml refers to {text}: {reason}. It was made with a value that is not part of the "
                "run: set it where the run is executed"
            ) from None

    return _mapped(node, look_up)


def secrets_of(node: Any, root: Path | None = None) -> dict[str, str]:
    """Values that a configuration takes from the environment -> how it refers to them."""
    names: set[str] = set()

    def collect(text: str) -> str:
        names.update(_NAME.findall(text))
        for file, key in re.findall(r"\$\{local:([^,{}]*),([^{}]*)\}", text):
            _mapped(_local(file, key, root, looks_up=False), collect)
        return text

    _mapped(node, collect)
    known = {os.environ.get(name, ""): f"${{oc.env:{name}}}" for name in names}
    return {value: name for value, name in known.items() if len(value) >= SHORTEST_SECRET}


def _local(file: str, key: str, root: Path | None, looks_up: bool = True) -> Any:
    from .compose import project_root

    path = (root or project_root()) / LOCAL / f"{file}.yaml"
    if not path.is_file():
        raise UserError(f"there is no {path}")
    value: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    for part in key.split("."):
        if not isinstance(value, dict) or part not in value:
            raise UserError(f"{path} has no {key}")
        value = value[part]
    return resolve(value, root) if looks_up else value


def _leaves(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The values of a mapping with their keys; a list is a value."""
    for name, value in node.items():
        if isinstance(value, dict):
            yield from _leaves(value, (*path, name))
        else:
            yield (*path, name), value


def _argument(text: str) -> str:
    """As an argument of an interpolation."""
    return text if re.fullmatch(r"[\w./:@\ue000-\ue002-]*", text) else "'" + text.replace("'", r"\'") + "'"


def _mapped(node: Any, function: Callable[[str], Any]) -> Any:
    """A copy in which each text is what the function makes of it."""
    if isinstance(node, dict):
        return {name: _mapped(value, function) for name, value in node.items()}
    if isinstance(node, list):
        return [_mapped(value, function) for value in node]
    return function(node) if isinstance(node, str) else node
