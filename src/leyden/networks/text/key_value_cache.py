import torch
from torch import Tensor


class KeyValueCache:
    """Keys and values of the tokens that a decoder has processed.

    Args:
        depth: number of layers.
    """

    def __init__(self, depth: int) -> None:
        self.length = 0  # tokens processed
        self._layers: list[tuple[Tensor, Tensor] | None] = [None] * depth

    def extend(self, layer: int, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Append keys and values (batch, head, token, feature) of new tokens; returns those of all tokens."""
        if cached := self._layers[layer]:
            keys, values = torch.cat([cached[0], keys], dim=2), torch.cat([cached[1], values], dim=2)
        self._layers[layer] = keys, values
        return keys, values
