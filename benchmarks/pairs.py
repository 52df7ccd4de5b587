"""What benchmarks have in common: sides that run in turn, each in a process of its own, and how results are written.

Run by itself it prints the machine, the versions and the date, which stand above results.
"""

import importlib.metadata
import json
import os
import platform
import statistics
import sys
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path
from typing import Any

from leyden.config.embedded import embedded_experiments

ROOT = Path(__file__).parent.parent
PACKAGES = ("torch", "torchvision", "lightning", "numpy", "pillow")


def machine() -> str:
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    return f"{date.today()}: {os.cpu_count()} cores ({processor()}), Python {platform.python_version()}, {versions}"


def peak() -> float:
    """Megabytes, the most that this process had in memory, as Linux tells."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1e3 for line in lines if line.startswith("VmHWM"))


def processor() -> str:
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def domains() -> set[str]:
    """Those that the project has: a generated one may do without some."""
    return {folder.name for folder in (ROOT / "configs" / "data").iterdir() if folder.is_dir()}


def embedded() -> list[str]:
    """Experiments that bring their data with them; the digits first, where the project has them."""
    return sorted(embedded_experiments(ROOT), key=lambda name: name != "vision/digits")


def apart(function: Callable[[], Any], folder: str | Path) -> Any:
    """What a function returns, as JSON, in a process of its own that is forked from this one and works in `folder`."""
    read, write = os.pipe()
    if not (child := os.fork()):
        code = 1
        try:
            os.chdir(folder)
            os.write(write, json.dumps(function()).encode())
            code = 0
        except BaseException as error:  # what leaves here would go on as the parent
            sys.excepthook(type(error), error, error.__traceback__)
        finally:
            os._exit(code)
    os.close(write)
    with os.fdopen(read) as pipe:
        result = pipe.read()
    if os.waitpid(child, 0)[1]:
        sys.exit("a process failed, for the reason above")
    return json.loads(result)


def quietly(function: Callable[[], Any]) -> Any:
    """What a function returns; what it prints goes nowhere."""
    nothing, kept = os.open(os.devnull, os.O_WRONLY), [os.dup(stream) for stream in (1, 2)]
    try:
        for stream in (1, 2):
            os.dup2(nothing, stream)
        return function()
    finally:
        for stream, one in zip((1, 2), kept, strict=True):
            os.dup2(one, stream)


def spread(values: Iterable[float], form: str = ".2f") -> str:
    """The median, and the least and the greatest."""
    values = list(values)
    return f"{statistics.median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


def heading(*columns: str) -> None:
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}", flush=True)


def row(*cells: Any) -> None:
    print(f"| {' | '.join(map(str, cells))} |", flush=True)


if __name__ == "__main__":
    print(machine())
