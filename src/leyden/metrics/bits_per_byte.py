import math

from torch import Tensor

from .nats_per_unit import NatsPerUnit


class BitsPerByte(NatsPerUnit):
    """How many bits of a compressed file the model would spend on a byte of the text, whatever the tokens are.

    Updated with the losses of tokens in nats [...] and the number of bytes that each stands for, of the same shape.
    """

    def compute(self) -> Tensor:
        return super().compute() / math.log(2)
