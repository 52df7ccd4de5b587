import torch
from torch import Tensor


class KeyValueCache:
    """Keys and values that the layers of a decoder have computed of the tokens read so far.

    Args:
        depth: layers.
    """

    def __init__(self, depth: int) -> None:
        self.length = 0  # tokens read
        self._layers: list[tuple[Tensor, Tensor] | None] = [None] * depth

    def extend(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Keys and values [batch, head, token, feature] of new tokens -> those of all tokens."""
        if known := self._layers[layer]:
            keys, values = torch.cat([known[0], keys], dim=2), torch.cat([known[1], values], dim=2)
        self._layers[layer] = keys, values
        return keys, values
