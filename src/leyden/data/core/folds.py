"""Cross-validation: which samples are tested in which fold."""

import torch
from torch import Tensor

from .error import DataError
from .split import strata


def fold_of_each(classes: Tensor, groups: Tensor | None, num_folds: int, seed: int) -> Tensor:
    """Fold of each sample (sample,), int64: stratified by class, and by whole groups if there are any.

    Without groups, the folds differ by at most one sample in size and in each class. With groups, the largest group
    comes first, and each goes to the fold that has the fewest samples of its classes, as in scikit-learn's
    `StratifiedGroupKFold`; no fold is empty.

    Args:
        classes: class indices (sample,).
        groups: group indices (sample,), or None.
        num_folds: number of folds.
        seed: seed of the folds.

    Raises:
        DataError: there are fewer samples or groups than folds.
    """
    what, count = ("samples", len(classes)) if groups is None else ("groups", len(groups.unique()))
    if count < num_folds:
        raise DataError(
            f"data.num_folds={num_folds}, but there are only {count} {what} to divide: lower data.num_folds"
        )
    generator = torch.Generator().manual_seed(seed)
    _, classes = strata(classes).unique(return_inverse=True)
    if groups is not None:
        return _grouped(classes, groups.unique(return_inverse=True)[1], num_folds, generator)
    shuffled = torch.randperm(len(classes), generator=generator)
    by_class = shuffled[classes[shuffled].argsort(stable=True)]
    folds = torch.empty(len(classes), dtype=torch.int64)
    folds[by_class] = torch.arange(len(classes)) % num_folds
    return folds


def _grouped(classes: Tensor, groups: Tensor, num_folds: int, generator: torch.Generator) -> Tensor:
    num_groups, num_classes = int(groups.max()) + 1, int(classes.max()) + 1
    counts = (groups * num_classes + classes).bincount(minlength=num_groups * num_classes)
    counts = counts.view(num_groups, num_classes).double()
    shares, sizes = counts / counts.sum(dim=0), counts.sum(dim=1)
    order = torch.randperm(num_groups, generator=generator)
    order = order[sizes[order].argsort(descending=True, stable=True)]
    in_fold, fold_sizes = torch.zeros(num_folds, num_classes).double(), [0.0] * num_folds
    fold_of_group = torch.empty(num_groups, dtype=torch.int64)
    for group in order.tolist():
        alike = (in_fold @ shares[group]).tolist()  # 0 for an empty fold
        fold = min(range(num_folds), key=lambda fold: (round(alike[fold], 12), fold_sizes[fold]))
        fold_of_group[group] = fold
        in_fold[fold] += shares[group]
        fold_sizes[fold] += float(sizes[group])
    return fold_of_group[groups]
