"""Values from environment variables and configs/local: runs store them as references and resolve them when executed.

`${oc.env:NAME}` is OmegaConf's resolver; `${local:FILE,KEY}` is the value of a key in configs/local/FILE.yaml.
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

# Mark values of environment variables while others are resolved: private-use characters, which no setting contains.
_ENV, _DECODE, _END = "\ue000", "\ue001", "\ue002"
_REFERENCE = re.compile(r"\$\{(?:oc\.env|oc\.decode|local):")
_NAME = re.compile(r"\$\{oc\.env:(\w+)")
LOCAL = Path("configs", "local")
MACHINE_KEYS = ("launcher", "logger", "runs")  # settings of where a run is executed and stored, not what it computes
MIN_SECRET_LENGTH = 6  # characters; replacing shorter ones in logs would corrupt other words


def with_references(composed: "Composed", merged: Any, plain: Callable[[Any, list[str]], Any]) -> dict[str, Any]:
    """Return the configuration as a run stores it, with references to the environment and configs/local.

    Args:
        composed: The configuration with resolved values.
        merged: The same before interpolations are resolved.
        plain: Function that resolves interpolations and collects error messages.
    """
    from omegaconf import OmegaConf

    from .origins import Origins

    config, messages = composed.config, []
    if "oc.env" in str(OmegaConf.to_container(merged, resolve=False)):
        with marked_environment():
            marked = plain(merged, messages)
        config = config if messages else {name: marked.get(name, value) for name, value in config.items()}
    config = marks_to_references(config)
    if local := [(file, key) for file, key in composed.files if file.is_relative_to(composed.root / LOCAL)]:
        origins = Origins(composed)
        add_local_references(config, composed.root, local, lambda file, key: origins.file(key) == file)
    return config


@contextmanager
def marked_environment() -> Iterator[None]:
    """Within this context, OmegaConf resolves environment variables to marks instead of values."""
    from omegaconf import OmegaConf
    from omegaconf.resolvers import oc

    def env(name: str, *default: Any) -> str:
        arguments = ["null" if value is None else _argument(str(value)) for value in default]
        return f"{_ENV}{','.join([name, *arguments])}{_END}"

    def decode(text: Any, _parent_: Any, _node_: Any) -> Any:
        return f"{_DECODE}{text}{_END}" if _END in str(text) else oc.decode(text, _parent_, _node_)

    try:
        OmegaConf.register_new_resolver("oc.env", env, replace=True)
        OmegaConf.register_new_resolver("oc.decode", decode, replace=True)
        yield
    finally:
        OmegaConf.register_new_resolver("oc.env", oc.env, replace=True)
        OmegaConf.register_new_resolver("oc.decode", oc.decode, replace=True)


def marks_to_references(node: Any) -> Any:
    """Replace marks by references; escape strings that only look like references."""

    def write(text: str) -> str:
        if _END in text or _REFERENCE.search(text):
            text = text.replace("${", r"\${")
        return text.replace(_ENV, "${oc.env:").replace(_DECODE, "${oc.decode:").replace(_END, "}")

    return _map_strings(node, write)


def add_local_references(
    config: dict[str, Any], root: Path, files: list[tuple[Path, str]], is_last: Callable[..., bool]
) -> None:
    """Replace values set by configs/local by references, unless they change what is trained.

    Args:
        config: The configuration; changed in place.
        root: The project's folder.
        files: Files in configs/local, each with the key under which it is merged.
        is_last: Whether a file sets the final value of a key.
    """
    for file, package in files:
        tree = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
        for path, value in _leaves(tree):
            key = (*filter(None, package.split(".")), *path)
            is_local = key[0] in MACHINE_KEYS or (isinstance(value, str) and re.search("[/~]", value))
            rest = _REFERENCE.sub("", str(value))  # may hold an interpolation of the rest of the configuration
            if path[0] == "defaults" or value is None or not is_local or "${" in rest or not is_last(file, key):
                continue
            node: Any = config
            for part in key[:-1]:
                node = node[part]
            name = file.relative_to(root / LOCAL).with_suffix("").as_posix()
            node[key[-1]] = f"${{local:{_argument(name)},{_argument('.'.join(map(str, path)))}}}"


def resolve(node: Any, root: Path | None = None) -> Any:
    """Resolve references.

    Args:
        node: A configuration, or a part of it.
        root: The project's folder; by default that of the working directory.

    Raises:
        UserError: A reference cannot be resolved on this machine.
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
                f"config.yaml of this run refers to {text}: {reason}. The value is not stored in the run: set it on "
                "the machine that executes the run"
            ) from None

    return _map_strings(node, look_up)


def find_secrets(node: Any, root: Path | None = None) -> dict[str, str]:
    """Map the values that a configuration takes from environment variables to their references."""
    names: set[str] = set()

    def collect(text: str) -> str:
        names.update(_NAME.findall(text))
        for file, key in re.findall(r"\$\{local:([^,{}]*),([^{}]*)\}", text):
            _map_strings(_local(file, key, root, resolves=False), collect)
        return text

    _map_strings(node, collect)
    references = {os.environ.get(name, ""): f"${{oc.env:{name}}}" for name in names}
    return {value: name for value, name in references.items() if len(value) >= MIN_SECRET_LENGTH}


def _local(file: str, key: str, root: Path | None, resolves: bool = True) -> Any:
    from .compose import project_root

    path = (root or project_root()) / LOCAL / f"{file}.yaml"
    if not path.is_file():
        raise UserError(f"there is no {path}")
    value: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    for part in key.split("."):
        if not isinstance(value, dict) or part not in value:
            raise UserError(f"{path} has no {key}")
        value = value[part]
    return resolve(value, root) if resolves else value


def _leaves(node: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the leaves of a nested mapping with their keys; a list is a leaf."""
    for name, value in node.items():
        if isinstance(value, dict):
            yield from _leaves(value, (*path, name))
        else:
            yield (*path, name), value


def _argument(text: str) -> str:
    """Quote an argument of an interpolation if necessary."""
    return text if re.fullmatch(r"[\w./:@\ue000-\ue002-]*", text) else "'" + text.replace("'", r"\'") + "'"


def _map_strings(node: Any, function: Callable[[str], Any]) -> Any:
    """Return a copy with the function applied to each string."""
    if isinstance(node, dict):
        return {name: _map_strings(value, function) for name, value in node.items()}
    if isinstance(node, list):
        return [_map_strings(value, function) for value in node]
    return function(node) if isinstance(node, str) else node
