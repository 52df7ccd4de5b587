import torch
from torch import Tensor

from .error import DataError

MIN_REGRESSION_SAMPLES = 20  # below this, classes with one sample each are plausible


def stratified_split(targets: Tensor, fraction: float, seed: int) -> tuple[list[int], list[int]]:
    """Split samples into a larger and a smaller part, stratified by class.

    If most classes have only one sample, the targets are taken for measured values, not classes, and the samples are
    split at random.

    Args:
        targets: class indices (sample,).
        fraction: share of each class in the smaller part, rounded, but at least one sample; the only sample of a class
            stays in the larger part.
        seed: seed of the split.

    Returns:
        Sample indices of the larger and of the smaller part.
    """
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.zeros(len(targets), dtype=torch.bool)
    targets = strata(targets)
    for label in targets.unique():
        samples = (targets == label).nonzero().flatten()
        count = min(max(1, round(len(samples) * fraction)), len(samples) - 1)
        chosen[samples[torch.randperm(len(samples), generator=generator)[:count]]] = True
    return (~chosen).nonzero().flatten().tolist(), chosen.nonzero().flatten().tolist()


def strata(targets: Tensor) -> Tensor:
    """The targets (sample,) by which to stratify: all 0 if they are taken for measured values, not classes."""
    _, counts = targets.unique(return_counts=True)
    is_regression = (counts == 1).sum() > len(counts) / 2 and len(counts) > len(targets) / 2
    if len(targets) >= MIN_REGRESSION_SAMPLES and is_regression:
        return torch.zeros(len(targets), dtype=torch.int64)
    return targets


def check_validation(num_samples: int, num_validation: int, fraction: float) -> None:
    """Check that there are validation samples.

    Raises:
        DataError: there are none.
    """
    if not num_validation:
        raise DataError(
            f"{num_samples} training samples leave none for validation with data.validation_fraction={fraction}: raise it, "
            "or add more data"
        )
