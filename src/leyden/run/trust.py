"""Whether a run directory was made here. One that was not is a program of somebody else's, and is not executed unasked.

Its configuration names what is called, with what arguments; its copy of the code is imported. A run that was made here
carries a signature by a key that stays in this project, so that it may be moved, and a foreign one cannot claim it.
"""

import hmac
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UserError
from .code_copy import CODE, CodeCopy
from .project_files import SOURCE

if TYPE_CHECKING:
    from .directory import RunDirectory

SIGNATURE, KEY = ".made_here", "runs/.key"
SHELL = ("setup", "python", "options")  # of a launcher: words that a shell or SLURM executes
# Where classes may be defined, and functions; names that lead elsewhere, as `torch.os.system` does, are followed.
CLASSES = ("data", "networks", "tasks", "optim", "metrics", "callbacks", "loggers", "launch", "run.checkpoint")
FUNCTIONS = ("networks", "tasks", "optim")
FOREIGN_CLASSES = (
    *("torch.nn", "torch.optim", "torchvision.models", "torchvision.transforms", "torchvision.datasets"),
    *("torchvision.ops", "torchaudio.models", "torchaudio.transforms", "torchaudio.datasets", "torchmetrics"),
    *("lightning.pytorch.callbacks", "lightning.pytorch.trainer", "lightning.pytorch.strategies"),
    *("lightning.pytorch.plugins", "lightning.pytorch.profilers", "lightning.pytorch.loggers"),
    *("timm.models", "timm.layers", "timm.loss", "timm.optim", "timm.scheduler", "transformers.models"),
)
FOREIGN_FUNCTIONS = ("torchvision.models", "timm.models", "torch.nn.functional", "torch.nn.init")


def sign(run: Path, config: dict[str, Any], root: Path) -> None:
    """Marks a run as made, or trusted, here.

    Args:
        run: the run directory.
        config: as it is frozen.
        root: the project's folder.
    """
    with suppress(OSError):  # a project or run that must not be written is asked about again
        (run / SIGNATURE).write_text(_signature(config, CodeCopy(run).source_hashes(), _key(root)), encoding="utf-8")


def require_trust(run: "RunDirectory", root: Path, verb: str, trusts: bool, live: bool = False) -> None:
    """Lets a run pass that was made here, that could do no more than this project does, or that is trusted.

    Args:
        run: the run directory.
        root: the project's folder.
        verb: the command that is to execute it.
        trusts: whether the user trusts who made it; it is remembered.
        live: whether its copy of the code is not used.

    Raises:
        UserError: it was not made here and brings code; the message names all of it.
    """
    config, copy = run.frozen_config, CodeCopy(run.path)
    hashes = copy.source_hashes()
    if _is_ours(run.path, config, hashes, root):
        return
    if not trusts:
        found = list(_code_of(config, verb, root))
        if not live and (name := _other_code(hashes, root)):
            found.append(f"its copy of the code is not this project's: {name} differs; see `diff`, or use --live")
        found += _links(run.path)
        if found:
            raise UserError(
                f"{run.path} was not made here, or was changed since. It is a program, and would execute:\n"
                + "".join(f"  {one}\n" for one in found)
                + "Read it. If you trust whoever made it, add --trust; it is remembered for this run"
            )
        if live:  # nothing is known of the copy
            return
        _remove_compiled(copy)
    sign(run.path, config, root)


def _is_ours(run: Path, config: dict[str, Any], hashes: dict[str, str], root: Path) -> bool:
    signature, key = run / SIGNATURE, root / KEY
    if not signature.is_file() or not key.is_file():
        return False
    return hmac.compare_digest(signature.read_text(encoding="utf-8"), _signature(config, hashes, key.read_bytes()))


def _signature(config: dict[str, Any], hashes: dict[str, str], key: bytes) -> str:
    """Of what decides which code is executed; other settings may be edited."""
    launcher = config.get("launcher") or {}
    shell = {name: launcher.get(name) for name in SHELL}
    strings = [(where, text) for where, text in _strings(config) if where.endswith("_target_") or "${" in text]
    signed = json.dumps([sorted(strings), shell, sorted(hashes.items())], default=str)
    return hmac.new(key, signed.encode(errors="surrogateescape"), "sha256").hexdigest()


def _key(root: Path) -> bytes:
    path = root / KEY
    with suppress(FileExistsError):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".key.{secrets.token_hex(4)}")
        if not path.exists():
            temporary.touch(0o600)
            temporary.write_bytes(secrets.token_bytes(32))
            try:
                os.link(temporary, path)  # of two processes, the first has made it
            finally:
                temporary.unlink()
    return path.read_bytes()


def _code_of(config: dict[str, Any], verb: str, root: Path) -> Iterator[str]:
    """What a configuration would execute besides the parts of this project and of the libraries that it is made of."""
    for where, text in _strings(config):
        if where.endswith("_target_"):
            if not _is_part(text, root):
                yield f"{where}: {text}"
        elif found := re.findall(r"\$\{[^{}]*\}", text):
            yield f"{where}: reads {', '.join(found)}"
    launcher = config.get("launcher") or {}
    for name in SHELL if verb == "resume" else ():
        if launcher.get(name):
            yield f"launcher.{name}: {launcher[name]}"


def _is_part(target: str, root: Path) -> bool:
    """Whether a name stands for a class or function that only builds a part of an experiment."""
    import ast

    from ..config.static.source import Definition, NameMissingError, find

    try:
        found = find(target)
    except NameMissingError:
        return False
    if not isinstance(found, Definition):
        return False
    packages = [path.stem for path in (root / SOURCE).glob("*") if path.is_dir()]
    own = {"leyden", *packages}
    is_class = isinstance(found.node, ast.ClassDef)
    if not is_class and not isinstance(found.node, ast.FunctionDef):
        return False
    parts, foreign = (CLASSES, FOREIGN_CLASSES) if is_class else (FUNCTIONS, FOREIGN_FUNCTIONS)
    allowed = (*(f"{package}.{part}" for package in own for part in parts), *foreign)
    return any(f"{found.module.name}.".startswith(f"{place}.") for place in allowed)


def _other_code(hashes: dict[str, str], root: Path) -> str:
    """The first file of the copy that this project does not have just so."""
    here = CodeCopy.hashes(root / SOURCE)
    return next((name for name, known in sorted(hashes.items()) if here.get(name) != known), "")


def _links(run: Path) -> Iterator[str]:
    """Links among what is written when a run is executed, with which another file would be."""
    for place, folders, files in os.walk(run):
        folders[:] = [name for name in folders if name != CODE]
        for path in (Path(place) / name for name in (*folders, *files)):
            if path.is_symlink():
                yield f"{path.relative_to(run)} leads to {path.readlink()}"


def _remove_compiled(copy: CodeCopy) -> None:
    """Compiled modules beside a source that is this project's may hold anything."""
    for folder in list(copy.source.rglob("__pycache__")) if copy.source else []:
        folder.unlink() if folder.is_symlink() else shutil.rmtree(folder)


def _strings(node: Any, where: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(node, dict):
        for name, value in node.items():
            if name == "_target_" and not isinstance(value, str):
                yield f"{where}{name}", repr(value)
            yield from _strings(value, f"{where}{name}" if not isinstance(value, dict | list) else f"{where}{name}.")
    elif isinstance(node, list):
        for place, value in enumerate(node):
            yield from _strings(value, f"{where}{place}" if not isinstance(value, dict | list) else f"{where}{place}.")
    elif isinstance(node, str):
        yield where, node
