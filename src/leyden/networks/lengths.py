import torch
from torch import Tensor


def padding_mask(lengths: Tensor, size: int) -> Tensor:
    """Padding mask (batch, size) from lengths (batch,), in the convention of torch's attention: True for padding."""
    return torch.arange(size, device=lengths.device) >= lengths.unsqueeze(1)
