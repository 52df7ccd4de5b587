"""Compare the results of two runs bit by bit: weights of checkpoints and rows of metrics."""

import csv
import re
from pathlib import Path
from typing import Any

TIMES = re.compile(r".*(_per_second|/flops_utilization|/data_wait)")  # metrics of speed, which always differ
CHECKPOINTS = ("best.ckpt", "last.ckpt")


def different_bits(first: Path, second: Path) -> list[str]:
    """Return what is not equal in two run directories, such as `weights of best.ckpt`; empty if all bits are.

    Args:
        first: A finished run.
        second: Another one.
    """
    if not any((path / "checkpoints" / name).exists() for path in (first, second) for name in CHECKPOINTS):
        return ["weights (there are no checkpoints)"]
    different = [f"weights of {name}" for name in CHECKPOINTS if not _equal_weights(first, second, name)]
    if _rows(first) != _rows(second):
        different.append("rows of metrics.csv")
    return different


def _equal_weights(first: Path, second: Path, name: str) -> bool:
    files = [path / "checkpoints" / name for path in (first, second)]
    exist = [file.exists() for file in files]
    if not all(exist):
        return not any(exist)
    import torch  # seconds

    one, other = (torch.load(f, map_location="cpu", weights_only=True, mmap=True)["state_dict"] for f in files)
    return one.keys() == other.keys() and all(_equal(tensor, other[key]) for key, tensor in one.items())


def _equal(one: Any, other: Any) -> bool:
    """Whether two values are equal; tensors bit by bit, so that NaN equals itself and 0 differs from -0."""
    import torch

    if not isinstance(one, torch.Tensor):
        return one == other
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    return torch.equal(*(tensor.contiguous().reshape(-1).view(torch.uint8) for tensor in (one, other)))


def _rows(run: Path) -> list[dict[str, str]]:
    file = run / "metrics.csv"
    if not file.exists():
        return []
    with file.open(newline="", encoding="utf-8") as stream:
        rows = csv.DictReader(stream)
        return [{name: value for name, value in row.items() if value and not TIMES.fullmatch(name)} for row in rows]
