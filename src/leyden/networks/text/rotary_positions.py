import torch
from torch import Tensor, nn


class RotaryPositions(nn.Module):
    """Rotary position embedding: rotates pairs of features, so that attention depends on relative positions.

    Shape: queries or keys (..., token, feature), starting at position `first` -> the same.

    Source: Su et al., RoFormer, 2021, https://arxiv.org/abs/2104.09864.

    Args:
        dim: features of a head; even.
        max_tokens: number of positions.
        base: the slowest pair has a period of about 2 pi times this number of tokens.
    """

    cosine: Tensor
    sine: Tensor

    def __init__(self, dim: int, max_tokens: int, base: float = 10_000.0) -> None:
        if dim % 2:
            raise ValueError(f"dim is {dim}; it must be even")
        super().__init__()
        speeds = base ** -(torch.arange(0, dim, 2, dtype=torch.float64) / dim)
        angles = torch.outer(torch.arange(max_tokens, dtype=torch.float64), speeds)
        self.register_buffer("cosine", angles.cos().float(), persistent=False)
        self.register_buffer("sine", angles.sin().float(), persistent=False)

    def forward(self, features: Tensor, first: int = 0) -> Tensor:
        last = first + features.shape[-2]
        cosine, sine = self.cosine[first:last].to(features.dtype), self.sine[first:last].to(features.dtype)
        left, right = features.chunk(2, dim=-1)
        return torch.cat([left * cosine - right * sine, left * sine + right * cosine], dim=-1)
