"""Where two results differ, in words."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

BOXES = {"labels", "scores", "boxes"}  # what a detector finds in an image


def difference(one: Any, other: Any, atol: float = 0.0, rtol: float = 0.0, where: str = "") -> str:
    """The first place where two results differ by more than a tolerance, with both values; nothing where none does.

    Args:
        one, other: tensors, numbers, texts, and sequences, mappings and objects of them.
        atol, rtol: the tolerance, as of `torch.allclose`.
        where: the name of the results in the words.
    """
    place = f"{where}: " if where else ""
    if type(one) is not type(other):
        return f"{place}{type(one).__name__} and {type(other).__name__}"
    if isinstance(one, Mapping) and one.keys() >= BOXES:
        one, other = _sorted_boxes(one), _sorted_boxes(other)
    if isinstance(one, np.ndarray):
        one, other = torch.from_numpy(one), torch.from_numpy(other)
    if isinstance(one, Tensor):
        return place + text if (text := _of_tensors(one, other, atol, rtol)) else ""
    if isinstance(one, int | float) and not isinstance(one, bool):
        return difference(torch.tensor(one), torch.tensor(other), atol, rtol, where)
    if isinstance(one, Sequence) and not isinstance(one, str | bytes):
        if len(one) != len(other):
            return f"{place}{len(one)} and {len(other)} values"
        parts = [(f"{where}[{index}]", value, other[index]) for index, value in enumerate(one)]
    elif isinstance(one, Mapping) or (hasattr(one, "__dict__") and type(one).__eq__ is object.__eq__):
        ones, others = (value if isinstance(value, Mapping) else vars(value) for value in (one, other))
        if ones.keys() != others.keys():
            return f"{place}{', '.join(map(str, ones))} and {', '.join(map(str, others))}"
        parts = [(f"{where}.{key}".lstrip("."), ones[key], others[key]) for key in ones]
    else:
        return "" if bool(one == other) else f"{place}{one!r} and {other!r}"
    return next((text for name, a, b in parts if (text := difference(a, b, atol, rtol, name))), "")


def _of_tensors(one: Tensor, other: Tensor, atol: float, rtol: float) -> str:
    if one.shape != other.shape:
        return f"shapes {tuple(one.shape)} and {tuple(other.shape)}"
    if one.dtype != other.dtype:
        return f"{one.dtype} and {other.dtype}"
    if torch.equal(one, other):
        return ""
    if one.is_floating_point() and torch.allclose(one, other, rtol, atol, equal_nan=True):
        return ""
    distance = (one.double() - other.double()).abs().nan_to_num(nan=torch.inf)
    index = int(distance.argmax())
    return f"{one.flatten()[index].item():.6g} and {other.flatten()[index].item():.6g}"


def _sorted_boxes(found: Mapping[str, Tensor]) -> Tensor:
    """Samples of label, score and box, those of one score in an order of their own."""
    table = torch.column_stack([found["labels"], found["scores"], found["boxes"]])
    return torch.tensor(sorted(table.round(decimals=9).tolist()))
