"""Textual description of differences between two results."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

BOXES = {"labels", "scores", "boxes"}  # keys of a detector's predictions for an image


def difference(first: Any, second: Any, atol: float = 0.0, rtol: float = 0.0, where: str = "") -> str:
    """The first difference between two results that exceeds a tolerance, with both values; empty if there is none.

    Args:
        first, second: tensors, numbers, texts, and sequences, mappings and objects of them.
        atol, rtol: tolerances, as in `torch.allclose`.
        where: name of the results in the description.
    """
    place = f"{where}: " if where else ""
    if type(first) is not type(second):
        return f"{place}{type(first).__name__} and {type(second).__name__}"
    if isinstance(first, Mapping) and first.keys() >= BOXES:
        first, second = _sorted_boxes(first), _sorted_boxes(second)
    if isinstance(first, np.ndarray):
        first, second = torch.from_numpy(first), torch.from_numpy(second)
    if isinstance(first, Tensor):
        return place + text if (text := _tensor_difference(first, second, atol, rtol)) else ""
    if isinstance(first, int | float) and not isinstance(first, bool):
        return difference(torch.tensor(first), torch.tensor(second), atol, rtol, where)
    if isinstance(first, Sequence) and not isinstance(first, str | bytes):
        if len(first) != len(second):
            return f"{place}{len(first)} and {len(second)} values"
        parts = [(f"{where}[{index}]", value, second[index]) for index, value in enumerate(first)]
    elif isinstance(first, Mapping) or (hasattr(first, "__dict__") and type(first).__eq__ is object.__eq__):
        left, right = (value if isinstance(value, Mapping) else vars(value) for value in (first, second))
        if left.keys() != right.keys():
            return f"{place}{', '.join(map(str, left))} and {', '.join(map(str, right))}"
        parts = [(f"{where}.{key}".lstrip("."), left[key], right[key]) for key in left]
    else:
        return "" if bool(first == second) else f"{place}{first!r} and {second!r}"
    return next((text for name, a, b in parts if (text := difference(a, b, atol, rtol, name))), "")


def _tensor_difference(first: Tensor, second: Tensor, atol: float, rtol: float) -> str:
    if first.shape != second.shape:
        return f"shapes {tuple(first.shape)} and {tuple(second.shape)}"
    if first.dtype != second.dtype:
        return f"{first.dtype} and {second.dtype}"
    if torch.equal(first, second):
        return ""
    if first.is_floating_point() and torch.allclose(first, second, rtol, atol, equal_nan=True):
        return ""
    distance = (first.double() - second.double()).abs().nan_to_num(nan=torch.inf)
    index = int(distance.argmax())
    return f"{first.flatten()[index].item():.6g} and {second.flatten()[index].item():.6g}"


def _sorted_boxes(prediction: Mapping[str, Tensor]) -> Tensor:
    """A table of label, score and box, sorted, since equal scores have no order."""
    table = torch.column_stack([prediction["labels"], prediction["scores"], prediction["boxes"]])
    return torch.tensor(sorted(table.round(decimals=9).tolist()))
