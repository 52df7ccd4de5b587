import torch
from torch import Tensor


def stratified_split(targets: Tensor, fraction: float, seed: int) -> tuple[list[int], list[int]]:
    """Row numbers of the larger and of the smaller part of a dataset, every class in proportion.

    Args:
        targets: class numbers [row].
        fraction: share of each class in the smaller part, rounded; a class with one row stays in the larger part.
        seed: of the choice.
    """
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.zeros(len(targets), dtype=torch.bool)
    for label in targets.unique():
        rows = (targets == label).nonzero().flatten()
        count = min(round(len(rows) * fraction), len(rows) - 1)
        chosen[rows[torch.randperm(len(rows), generator=generator)[:count]]] = True
    return (~chosen).nonzero().flatten().tolist(), chosen.nonzero().flatten().tolist()
