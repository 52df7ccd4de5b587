"""The largest amount of memory that a process has used. Torch-free."""

import resource
import sys
from typing import Any

GIB = 2**30


def peak_memory() -> dict[str, float]:
    """Return the peak memory of this process in GiB: `process`, and `gpu` (allocated by torch) if it has used one."""
    unit = 1 if sys.platform == "darwin" else 1024  # of `ru_maxrss`: bytes, or KiB
    peaks = {"process": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit}
    torch: Any = sys.modules.get("torch")  # imported only by a process that got as far as the model
    if torch and torch.cuda.is_initialized():
        peaks["gpu"] = torch.cuda.max_memory_allocated()
    return {name: round(value / GIB, 3) for name, value in peaks.items()}
