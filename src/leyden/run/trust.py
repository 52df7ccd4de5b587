"""Trust in run directories. A run that was not created here is someone else's program and needs the user's consent.

Its configuration names the objects that are called, and its copy of the code is imported. A run that was created here
is signed with a key that stays in this project: it may be moved, and a foreign run cannot forge the signature.
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
SHELL = ("setup", "python", "options")  # launcher arguments that a shell or SLURM executes
# Modules that may define targets; names that are imported from elsewhere, such as `torch.os.system`, are followed.
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
    """Sign a run directory that was created or trusted in this project, with its frozen configuration."""
    with suppress(OSError):  # a read-only project or run stays unsigned
        (run / SIGNATURE).write_text(_signature(config, CodeCopy(run).source_hashes(), _key(root)), encoding="utf-8")


def require_trust(run: "RunDirectory", root: Path, verb: str, trusts: bool, live: bool = False) -> None:
    """Accept a run that was created here, that executes only code of this project and known libraries, or is trusted.

    Args:
        run: The run directory.
        root: The project's folder.
        verb: The command that executes it.
        trusts: Whether the user trusts its author; this is stored.
        live: Whether the working tree is used instead of its copy of the code.

    Raises:
        UserError: The run was not created here and executes other code, which the message lists.
    """
    config, copy = run.frozen_config, CodeCopy(run.path)
    hashes = copy.source_hashes()
    if _is_ours(run.path, config, hashes, root):
        return
    if not trusts:
        risks = list(_foreign_code(config, verb, root))
        if not live and (name := _differing_file(hashes, root)):
            risks.append(f"its copy of the code differs from this project in {name}; see `leyden diff`, or use --live")
        risks += _links(run.path)
        if risks:
            raise UserError(
                f"{run.path} was not created here, or was changed since. It would execute:\n"
                + "".join(f"  {risk}\n" for risk in risks)
                + "Review this. If you trust its author, add --trust, which is stored for this run"
            )
        if live:  # its copy of the code was not checked
            return
        _remove_compiled(copy)
    sign(run.path, config, root)


def _is_ours(run: Path, config: dict[str, Any], hashes: dict[str, str], root: Path) -> bool:
    signature, key = run / SIGNATURE, root / KEY
    if not signature.is_file() or not key.is_file():
        return False
    return hmac.compare_digest(signature.read_text(encoding="utf-8"), _signature(config, hashes, key.read_bytes()))


def _signature(config: dict[str, Any], hashes: dict[str, str], key: bytes) -> str:
    """Sign everything that decides which code is executed; other settings may be edited."""
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
                os.link(temporary, path)  # raises if another process has created it
            finally:
                temporary.unlink()
    return path.read_bytes()


def _foreign_code(config: dict[str, Any], verb: str, root: Path) -> Iterator[str]:
    """Yield what a configuration would execute besides parts of this project and known libraries."""
    for where, text in _strings(config):
        if where.endswith("_target_"):
            if not _is_part(text, root):
                yield f"{where}: {text}"
        elif references := re.findall(r"\$\{[^{}]*\}", text):
            yield f"{where}: reads {', '.join(references)}"
    launcher = config.get("launcher") or {}
    for name in SHELL if verb == "resume" else ():
        if launcher.get(name):
            yield f"launcher.{name}: {launcher[name]}"


def _is_part(target: str, root: Path) -> bool:
    """Whether a target is a class or function that only builds a part of an experiment."""
    import ast

    from ..config.static.source import Definition, NameMissingError, find

    try:
        definition = find(target)
    except NameMissingError:
        return False
    if not isinstance(definition, Definition):
        return False
    packages = [path.stem for path in (root / SOURCE).glob("*") if path.is_dir()]
    own = {"leyden", *packages}
    is_class = isinstance(definition.node, ast.ClassDef)
    if not is_class and not isinstance(definition.node, ast.FunctionDef):
        return False
    parts, foreign = (CLASSES, FOREIGN_CLASSES) if is_class else (FUNCTIONS, FOREIGN_FUNCTIONS)
    allowed = (*(f"{package}.{part}" for package in own for part in parts), *foreign)
    return any(f"{definition.module.name}.".startswith(f"{prefix}.") for prefix in allowed)


def _differing_file(hashes: dict[str, str], root: Path) -> str:
    """Return the first file of the copy that differs from this project; empty if there is none."""
    own = CodeCopy.hashes(root / SOURCE)
    return next((name for name, hash_ in sorted(hashes.items()) if own.get(name) != hash_), "")


def _links(run: Path) -> Iterator[str]:
    """Yield links outside of the code, through which executing the run could overwrite other files."""
    for parent, folders, files in os.walk(run):
        folders[:] = [name for name in folders if name != CODE]
        for path in (Path(parent) / name for name in (*folders, *files)):
            if path.is_symlink():
                yield f"{path.relative_to(run)} is a link to {path.readlink()}"


def _remove_compiled(copy: CodeCopy) -> None:
    """Remove compiled modules, which may not match their verified source."""
    for folder in list(copy.source.rglob("__pycache__")) if copy.source else []:
        folder.unlink() if folder.is_symlink() else shutil.rmtree(folder)


def _strings(node: Any, where: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(node, dict):
        for name, value in node.items():
            if name == "_target_" and not isinstance(value, str):
                yield f"{where}{name}", repr(value)
            yield from _strings(value, f"{where}{name}" if not isinstance(value, dict | list) else f"{where}{name}.")
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from _strings(value, f"{where}{index}" if not isinstance(value, dict | list) else f"{where}{index}.")
    elif isinstance(node, str):
        yield where, node
