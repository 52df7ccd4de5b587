"""Groups of samples with one source, such as a speaker or a video, which splits keep together."""

from collections.abc import Sequence

import torch
from torch import Tensor

from .error import DataError
from .split import stratified_split


def group_ids(names: Sequence[str]) -> Tensor:
    """Encode group names as indices (sample,), int64, in sorted order of the names."""
    ids = {name: index for index, name in enumerate(sorted(set(names)))}
    return torch.tensor([ids[name] for name in names], dtype=torch.int64)


def held_out_split(classes: Tensor, groups: Tensor | None, fraction: float, seed: int) -> tuple[list[int], list[int]]:
    """Split samples into a larger and a smaller part: by whole groups if there are any, else stratified by class.

    Random groups are added to the smaller part while this brings it closer to its share. A group that holds all samples
    of a class stays in the larger part, unless the smaller part would be empty.

    Args:
        classes: class indices (sample,).
        groups: group indices (sample,), or None.
        fraction: share of the smaller part.
        seed: seed of the split.

    Returns:
        Sample indices of the larger and of the smaller part.

    Raises:
        DataError: there is only one group.
    """
    if groups is None:
        return stratified_split(classes, fraction, seed)
    drawn = torch.randperm(int(groups.max()) + 1, generator=torch.Generator().manual_seed(seed)).tolist()
    drawn = [group for group in drawn if (groups == group).any()]
    if len(drawn) < 2:
        raise DataError("data.group puts all samples into one group, so none can be held out: choose smaller groups")
    target, is_held_out = fraction * len(groups), torch.zeros(len(groups), dtype=torch.bool)
    for keeps_classes in (True, False):
        for group in drawn:
            is_member = groups == group
            after = is_held_out | is_member
            is_nearer = abs(int(after.sum()) - target) < abs(int(is_held_out.sum()) - target)
            rest = classes[~after]
            if (
                len(rest)
                and (is_nearer or not is_held_out.any())
                and not (keeps_classes and len(rest.unique()) < len(classes[~is_held_out].unique()))
            ):
                is_held_out = after
        if is_held_out.any():
            break
    return (~is_held_out).nonzero().flatten().tolist(), is_held_out.nonzero().flatten().tolist()
