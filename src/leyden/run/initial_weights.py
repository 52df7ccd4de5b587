"""Load the weights of `init_from` into the model of a new run."""

import json
import logging
import os
import pickle
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..errors import UserError, hint
from .directory import RunDirectory
from .init_from import record, recorded

log = logging.getLogger("leyden")

MAX_NAMED = 8  # modules in a message
NETWORK = "network."  # prefix of the network's parameters in a task
State = dict[str, Tensor]


def initialize(model: nn.Module, run: RunDirectory, class_names: list[str]) -> None:
    """Load the weights `init_from` of a new run, if there are any, and record what was loaded; do nothing in a resumed one.

    All parameters and buffers have to match, but for classification heads if the number of classes differs: parameters
    of these keep their initialization.

    Args:
        model: The task.
        run: The run. Its setting `init_from_only` names the modules to load.
        class_names: Classes of the data.

    Raises:
        UserError: The weights are missing or do not match the model.
    """
    weights = {} if run.has_checkpoint else recorded(run.path)
    if not weights:
        return
    only: Sequence[str] | None = run.config.get("init_from_only")
    source, own = read_weights(Path(weights["file"])), model.state_dict()
    source = _renamed(source, own)
    if only is not None:
        _require_modules(own, only)
        source, own = (
            {name: value for name, value in state.items() if _is_below(name, only)} for state in (source, own)
        )
    old_classes = _classes_of(weights.get("run"))
    heads = _heads(source, own, len(old_classes) or None, len(class_names))
    kept = {name: value for name, value in source.items() if name not in heads}
    if problems := mismatches(kept, {name: value for name, value in own.items() if name not in heads}):
        raise UserError(_mismatch(weights["file"], problems, kept, own))
    model.load_state_dict(kept, strict=False)
    _report(weights, kept, heads, only, old_classes, class_names)
    if weights.get("run"):
        _warn_of_other_tokens(Path(weights["run"]), run.path)
    if os.environ.get("RANK", os.environ.get("SLURM_PROCID", "0")) == "0":
        initialized = sorted(model.state_dict().keys() - kept.keys())
        record(run.path, weights | {"loaded": len(kept), "initialized": initialized})


def read_weights(file: Path) -> State:
    """Read the parameters in a checkpoint or a file of weights, without executing anything in it.

    Raises:
        UserError: The file cannot be read, or holds more than tensors and plain values.
    """
    content = _read_safetensors(file) if file.suffix == ".safetensors" else _read_torch_file(file)
    for name in ("state_dict", "model_state_dict", "model"):
        if isinstance(content, dict) and isinstance(content.get(name), dict):
            content = content[name]
            break
    items = content.items() if isinstance(content, dict) else ()
    state = {name: value for name, value in items if isinstance(value, Tensor)}
    if not state:
        raise UserError(f"{file} holds no parameters: expected a checkpoint or a state_dict")
    return state


def _read_safetensors(file: Path) -> State:
    try:
        from safetensors.torch import load_file
    except ModuleNotFoundError:
        raise UserError(f"{file} needs safetensors: install leyden[hub], or use a file of torch") from None
    try:
        return load_file(file)
    except Exception as error:  # its own error type, written in Rust
        raise UserError(f"{file} is damaged, or is no safetensors file: {error}; write or download it again") from None


def _read_torch_file(file: Path) -> Any:
    with file.open("rb") as stream:
        if not stream.read(2).startswith((b"PK", b"\x80")):  # an archive of torch, or a pickle as before torch 1.6
            raise UserError(f"{file} is not a checkpoint: expected a file of torch.save or safetensors")
    try:
        return torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise UserError(
            f"{file} holds Python objects, which could execute anything, so it is not loaded: save its state_dict, or "
            "convert it to safetensors"
        ) from None
    except Exception as error:  # whatever the reader meets in a file of another kind
        raise UserError(f"{file} cannot be loaded: {' '.join(str(error).split())[:200]}") from None


def mismatches(source: State, own: State) -> dict[str, list[str]]:
    """Return the names that are missing, unexpected or of another shape, by kind, without empty kinds."""
    found = {
        "missing": [name for name in own if name not in source],
        "unexpected": [name for name in source if name not in own],
        "of another shape": [name for name in own if name in source and own[name].shape != source[name].shape],
    }
    return {kind: names for kind, names in found.items() if names}


def _renamed(source: State, own: State) -> State:
    """Give the parameters of a bare network the names that they have in the task."""
    inner = {name.removeprefix(NETWORK).partition(".")[0] for name in own if name.startswith(NETWORK)}
    prefixes = ["", NETWORK, *(f"{NETWORK}{name}." for name in sorted(inner))]
    best = max(prefixes, key=lambda prefix: sum(f"{prefix}{name}" in own for name in source))
    return {f"{best}{name}": value for name, value in source.items()}


def _is_below(name: str, modules: Iterable[str]) -> bool:
    return any(f"{name}.".startswith(f"{module}.") for module in modules)


def _require_modules(own: State, only: Sequence[str]) -> None:
    for module in only:
        if not any(_is_below(name, [module]) for name in own):
            modules = {name.rpartition(".")[0] for name in own} | {".".join(name.split(".")[:2]) for name in own}
            raise UserError(f"init_from_only: the model has no {module!r}{hint(module, modules, few=0)}")


def _heads(source: State, own: State, old: int | None, new: int) -> set[str]:
    """Parameters whose number of outputs follows the number of classes, which differs.

    That number is `k * (classes + background)` for some k, as in detectors, where background is 0 or 1, the same for all
    parameters. If the number of classes in the source is unknown, it has to be the same for all of them.
    """
    differ = {name for name in own.keys() & source.keys() if own[name].shape != source[name].shape}
    if not differ or not new or old == new:
        return set()
    for background in (0, 1):
        olds = {_old_classes(source[name], own[name], new + background) for name in differ}
        if len(olds) == 1 and (number := olds.pop()) and old in (None, number - background):
            return differ
    return set()


def _old_classes(source: Tensor, own: Tensor, new: int) -> int | None:
    """The number of classes in the source if only the number of outputs, the first axis, differs by it."""
    if not own.ndim or source.shape[1:] != own.shape[1:] or len(own) % new:
        return None
    factor = len(own) // new
    return None if len(source) % factor else len(source) // factor


def _classes_of(run: str | None) -> list[str]:
    """The classes of the run that the weights are from; empty if unknown."""
    path = Path(run, "data.json") if run else None
    return json.loads(path.read_bytes()).get("class_names") or [] if path and path.is_file() else []


def _warn_of_other_tokens(source: Path, run: Path) -> None:
    files = [path / "tokenizer.json" for path in (source, run)]
    if all(file.is_file() for file in files) and files[0].read_bytes() != files[1].read_bytes():
        log.warning(
            "init_from: the tokenizer of %s is another one, so the same ids mean other tokens here; use the same"
            " tokenizer, or leave out the embeddings with init_from_only",
            source,
        )


def _by_module(names: Iterable[str]) -> str:
    """Names of parameters, counted by module."""
    modules: dict[str, list[str]] = defaultdict(list)
    for name in names:
        module, _, parameter = name.rpartition(".")
        modules[module].append(parameter)
    shown = [f"{module or 'the task'} ({', '.join(parameters)})" for module, parameters in modules.items()]
    rest = [f"and {len(shown) - MAX_NAMED} more modules"] if len(shown) > MAX_NAMED else []
    return "; ".join(shown[:MAX_NAMED] + rest)


def _mismatch(file: str, problems: dict[str, list[str]], source: State, own: State) -> str:
    lines = [f"init_from: the weights in {file} do not match the model:"]
    lines += [f"  {kind}: {_by_module(names)}" for kind, names in problems.items()]
    if shapes := problems.get("of another shape"):
        first = shapes[0]
        lines.append(
            f"  such as {first}: {tuple(source[first].shape)} in the file, {tuple(own[first].shape)} in the model"
        )
    wrong = {name for names in problems.values() for name in names}
    for depth in (2, 3):  # the coarsest modules that match entirely
        parts = {".".join(name.split(".")[:-1][:depth]) for name in own} - {""}
        matching = sorted(part for part in parts if not any(_is_below(name, [part]) for name in wrong))
        if matching:
            lines.append(f"To load only what matches: 'init_from_only=[{','.join(matching)}]'")
            break
    return "\n".join(lines)


def _report(
    weights: dict[str, Any],
    kept: State,
    heads: set[str],
    only: Sequence[str] | None,
    old_classes: list[str],
    class_names: list[str],
) -> None:
    part = f", only {', '.join(only)}" if only is not None else ""
    log.info("init_from: %d tensors of %s%s", len(kept), weights["file"], part)
    if heads:
        log.info(
            "init_from: the number of classes differs, so these keep their initialization: %s",
            _by_module(sorted(heads)),
        )
    elif old_classes and class_names and old_classes != class_names and only is None:
        log.warning(
            "init_from: the classes of the weights have other names (%s) than those of the data (%s): the head is kept",
            ", ".join(old_classes[:5]),
            ", ".join(class_names[:5]),
        )
