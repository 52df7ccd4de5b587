import math

from torch import Tensor

from .nats_per_unit import NatsPerUnit


class BitsPerByte(NatsPerUnit):
    """Bits per byte of the text, which compares models with different tokens.

    Update with losses of tokens in nats (...) and the number of bytes of each token, of the same shape.
    """

    def compute(self) -> Tensor:
        return super().compute() / math.log(2)
