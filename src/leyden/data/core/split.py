import torch
from torch import Tensor

from .error import DataError

FEW = 20  # of fewer rows than these, one each may well be classes


def stratified_split(targets: Tensor, fraction: float, seed: int) -> tuple[list[int], list[int]]:
    """Row numbers of the larger and of the smaller part of a dataset, every class in proportion.

    Where most classes have one row alone, as values that are measured, not classes, no proportion can be kept: all rows
    are split at random, as those of one class.

    Args:
        targets: class numbers [row].
        fraction: share of each class in the smaller part, rounded, but at least one row; a single row of a
            class stays in the larger part.
        seed: of the choice.
    """
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.zeros(len(targets), dtype=torch.bool)
    _, counts = targets.unique(return_counts=True)
    if len(targets) >= FEW and (counts == 1).sum() > len(counts) / 2 and len(counts) > len(targets) / 2:
        targets = torch.zeros(len(targets), dtype=torch.int64)
    for label in targets.unique():
        rows = (targets == label).nonzero().flatten()
        count = min(max(1, round(len(rows) * fraction)), len(rows) - 1)
        chosen[rows[torch.randperm(len(rows), generator=generator)[:count]]] = True
    return (~chosen).nonzero().flatten().tolist(), chosen.nonzero().flatten().tolist()


def check_validation(num_rows: int, num_validation: int, fraction: float) -> None:
    """Refuses a split without rows to validate on.

    Raises:
        DataError: there are none.
    """
    if not num_validation:
        raise DataError(
            f"{num_rows} training rows leave none for validation with validation_fraction={fraction}: raise it, or "
            "give more data"
        )
