"""`--json` of every command: one JSON object on standard output, everything else on standard error. Torch-free.

A command assigns what it has to report to `options.result`, a dictionary. This adds the exit code and, unless that is
0, the error.
"""

import argparse
import json
import math
from collections.abc import Callable
from dataclasses import asdict, is_dataclass
from typing import TYPE_CHECKING, Any

from ..run.reserved_stdout import reserved_stdout

if TYPE_CHECKING:
    from ..run.directory import RunDirectory

Command = Callable[[argparse.Namespace], int]


def with_json(
    command: Command, options: argparse.Namespace, explain: Callable[[BaseException], tuple[int, str]]
) -> int:
    """Execute a command and print its result as JSON; return its exit code.

    Args:
        command: The function of the command.
        options: Its arguments.
        explain: Returns the exit code and the message of an exception, or raises it.
    """
    error = None
    with reserved_stdout() as stdout:
        try:
            if code := command(options):
                error = f"exit code {code}: the reason is in what the command reports or on standard error"
        except (Exception, KeyboardInterrupt) as raised:
            code, error = explain(raised)
        stdout.write(document(getattr(options, "result", {}), code, error).encode())
    return code


def document(result: dict[str, Any], code: int, error: str | None = None) -> str:
    """Return the JSON text; numbers that are not finite become null."""
    errors = {} if error is None else {"error": error}
    return json.dumps(_plain({"exit_code": code, **errors, **result}), indent=1, ensure_ascii=False) + "\n"


def run_summary(run: "RunDirectory") -> dict[str, Any]:
    """Return path, experiment, state, metrics and error of a run, as `--json` reports it."""
    from ..study.records import read

    record = read(run.path, run.path.parent.name)
    names = ("path", "experiment", "state", "created", "seconds", "metrics", "error")
    return {name: getattr(record, name) for name in names} | {"exit_code": run.status.get("exit_code")}


def _plain(value: Any) -> Any:
    """Convert to what JSON has: dataclasses to objects, paths and other things to text, keys to text."""
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, str | int | None) else str(value)
