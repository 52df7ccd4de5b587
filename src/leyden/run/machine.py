"""The machine of a run, for hardware.json. Torch-free."""

import os
import platform
import shutil
import subprocess
import sys
from typing import Any


def describe() -> dict[str, Any]:
    """Return host, system, processor, memory, GPUs and Python of this machine."""
    query = ["nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 0
    return {
        "host": platform.node(),
        "system": platform.platform(),
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "memory_gib": round(memory / 2**30, 1),
        "gpus": _output(query).splitlines(),
        "python": sys.version,
    }


def _output(command: list[str]) -> str:
    if not shutil.which(command[0]):
        return ""
    return subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace").stdout
