import torch
from torch import Tensor


def padding_mask(lengths: Tensor, size: int) -> Tensor:
    """Lengths [batch] -> which of the `size` places of each sample are padding [batch, size], as torch's attention takes it."""
    return torch.arange(size, device=lengths.device) >= lengths.unsqueeze(1)
