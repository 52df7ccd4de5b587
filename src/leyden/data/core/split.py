import torch
from torch import Tensor

from .error import DataError

FEW = 20  # of fewer samples than these, one each may well be classes


def stratified_split(targets: Tensor, fraction: float, seed: int) -> tuple[list[int], list[int]]:
    """Sample numbers of the larger and of the smaller part of a dataset, every class in proportion.

    Where most classes have one sample alone, as values that are measured, not classes, no proportion can be kept: all samples
    are split at random, as those of one class.

    Args:
        targets: class numbers [sample].
        fraction: share of each class in the smaller part, rounded, but at least one sample; a single sample of a
            class stays in the larger part.
        seed: of the choice.
    """
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.zeros(len(targets), dtype=torch.bool)
    _, counts = targets.unique(return_counts=True)
    if len(targets) >= FEW and (counts == 1).sum() > len(counts) / 2 and len(counts) > len(targets) / 2:
        targets = torch.zeros(len(targets), dtype=torch.int64)
    for label in targets.unique():
        samples = (targets == label).nonzero().flatten()
        count = min(max(1, round(len(samples) * fraction)), len(samples) - 1)
        chosen[samples[torch.randperm(len(samples), generator=generator)[:count]]] = True
    return (~chosen).nonzero().flatten().tolist(), chosen.nonzero().flatten().tolist()


def check_validation(num_samples: int, num_validation: int, fraction: float) -> None:
    """Refuses a split without samples to validate on.

    Raises:
        DataError: there are none.
    """
    if not num_validation:
        raise DataError(
            f"{num_samples} training samples leave none for validation with validation_fraction={fraction}: raise it, or "
            "give more data"
        )
