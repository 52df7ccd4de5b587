from collections.abc import Sequence

import torch
from torch import Tensor


def balanced_weights(class_counts: Sequence[int]) -> Tensor:
    """Weights [class] with which the samples of every class count as much in sum: samples / (classes * samples of the class).

    The weights of all samples have the mean 1. Classes without a sample weigh 0 and do not count as classes.

    Source: King and Zeng, Logistic Regression in Rare Events Data, 2001, section 4.2,
    https://gking.harvard.edu/files/0s.pdf.
    """
    counts = torch.tensor(class_counts, dtype=torch.float32)
    present = counts > 0
    weights = counts.sum() / (present.sum() * counts)
    return torch.where(present, weights, 0.0)
