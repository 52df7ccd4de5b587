from collections.abc import Sequence

import torch
from torch import Tensor


def balanced_weights(class_counts: Sequence[int]) -> Tensor:
    """Class weights (class,) that balance the classes: samples / (classes * samples of the class).

    The mean weight of all samples is 1. Classes without samples have weight 0 and are not counted.

    Source: King and Zeng, Logistic Regression in Rare Events Data, 2001, section 4.2,
    https://gking.harvard.edu/files/0s.pdf.
    """
    counts = torch.tensor(class_counts, dtype=torch.float32)
    present = counts > 0
    weights = counts.sum() / (present.sum() * counts)
    return torch.where(present, weights, 0.0)
