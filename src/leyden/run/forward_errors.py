"""Where in a network an exception was raised: the module, its inputs, and the line of the project's own code.

Torch-free: if torch was not imported, no network has failed.
"""

import inspect
import sys
from pathlib import Path
from traceback import walk_tb
from types import FrameType
from typing import Any

MOST_ITEMS = 3  # of a list of inputs


def explain_forward(error: BaseException, source: Path) -> str:
    """Return a sentence on an exception that a module of a task's network has raised; empty for any other.

    Args:
        error: The exception.
        source: Folder of the project's packages, as the run imports them.
    """
    torch = sys.modules.get("torch")
    frames = list(walk_tb(error.__traceback__))
    owners = [frame.f_locals.get("self") for frame, _ in frames]
    held = [getattr(owner, "network", None) for owner in owners]
    networks = [network for network in held if torch and isinstance(network, torch.nn.Module)]
    if not networks:
        return ""
    names = {id(module): ".".join(filter(None, ("network", name))) for name, module in networks[0].named_modules()}
    inside = [owner for owner in owners if id(owner) in names]
    if not inside:
        return ""
    module = inside[-1]
    calls = [frame for (frame, _), owner in zip(frames, owners, strict=True) if owner is module]
    lines = [(Path(frame.f_code.co_filename), line) for frame, line in frames]
    own = [f", at {file.relative_to(source.parent)}:{line}" for file, line in lines if file.is_relative_to(source)]
    message = " ".join(str(error).split()) or type(error).__name__
    return (
        f"model.{names[id(module)]} ({type(module).__name__}) failed with inputs {_inputs(calls)}{own[-1] if own else ''}: "
        f"{type(error).__name__}: {message}"
    )


def _inputs(calls: list[FrameType]) -> str:
    """Describe the arguments of the first call that has them as they were passed, before `forward` could replace them."""
    for frame in calls:
        arguments = inspect.getargvalues(frame)
        if arguments.varargs:
            given = [*arguments.locals[arguments.varargs], *arguments.locals.get(arguments.keywords or "", {}).values()]
            return ", ".join(map(_describe, given))
    arguments = inspect.getargvalues(calls[0])
    return ", ".join(_describe(arguments.locals.get(name)) for name in arguments.args[1:])


def _describe(value: Any) -> str:
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return f"{str(value.dtype).removeprefix('torch.')} {tuple(value.shape)}"
    if isinstance(value, list | tuple):
        more = ", …" if len(value) > MOST_ITEMS else ""
        return f"[{', '.join(map(_describe, value[:MOST_ITEMS]))}{more}]"
    return "None" if value is None else type(value).__name__
